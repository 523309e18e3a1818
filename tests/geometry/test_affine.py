from __future__ import annotations

import doctest

import numpy as np
import pytest

from medaug.geometry import affine as module
from medaug.geometry import (
    affine_about,
    affine_apply,
    affine_flip,
    affine_in_voxels,
    affine_is_grid_map,
    affine_rotation,
    affine_scale,
    affine_shear,
    affine_translation,
)


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(module).attempted > 4
    assert doctest.testmod(module).failed == 0


def test_matrices_compose_right_to_left():
    moved = affine_apply(affine_scale([2, 2, 2]) @ affine_translation([1, 0, 0]), np.zeros((1, 3)))
    np.testing.assert_array_equal(moved, [[2, 0, 0]])


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_positive_rotation_turns_the_next_axis_towards_the_one_after(axis):
    angles = np.eye(3)[axis] * 90
    turned = affine_rotation(angles)[:3, :3] @ np.eye(3)[(axis + 1) % 3]
    np.testing.assert_allclose(turned, np.eye(3)[(axis + 2) % 3], atol=1e-15)


def test_rotations_keep_lengths_and_handedness():
    matrix = affine_rotation([10, -70, 130])[:3, :3]
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-15)
    assert np.linalg.det(matrix) == pytest.approx(1)


def test_a_rotation_in_millimetres_keeps_millimetre_lengths_on_anisotropic_voxels():
    spacing = np.array([1.0, 0.5, 3.0])
    matrix = affine_in_voxels(affine_rotation([25, 40, -10]), spacing)[:3, :3]
    step = np.array([2.0, 7.0, 1.0])
    assert np.linalg.norm(matrix @ step * spacing) == pytest.approx(np.linalg.norm(step * spacing))


def test_shear_leans_one_axis_towards_another():
    angles = np.zeros((3, 3))
    angles[0, 2] = 45
    np.testing.assert_allclose(affine_shear(angles)[:3, :3] @ [0, 0, 1], [1, 0, 1])


def test_flipping_twice_is_the_identity():
    flip = affine_flip([True, False, True], (4, 5, 7))
    np.testing.assert_array_equal(flip @ flip, np.eye(4))
    np.testing.assert_array_equal(affine_apply(flip, [[0, 0, 0]]), [[3, 0, 6]])


def test_the_centre_is_the_fixed_point():
    centre = [3.5, 1.0, 2.0]
    turned = affine_about(affine_rotation([10, 20, 30]) @ affine_scale([2, 3, 4]), centre)
    np.testing.assert_allclose(affine_apply(turned, [centre]), [centre])


def test_only_flips_swaps_and_whole_shifts_are_grid_maps():
    assert affine_is_grid_map(affine_flip([True, True, False], (4, 5, 6)))
    assert affine_is_grid_map(affine_translation([1, -2, 3])[[1, 2, 0, 3]])
    assert not affine_is_grid_map(affine_translation([0.5, 0, 0]))
    assert not affine_is_grid_map(affine_scale([2, 1, 1]))
    assert not affine_is_grid_map(affine_rotation([1, 0, 0]))
    assert not affine_is_grid_map(np.eye(4)[[0, 0, 2, 3]])  # one axis twice, another lost
    assert not affine_is_grid_map(np.eye(4) + np.diag([2, 0, 0], k=1))  # a whole shear
