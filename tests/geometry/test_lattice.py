from __future__ import annotations

import numpy as np
import pytest
from reference import random_lattice

from medaug.geometry import (
    Lattice,
    affine_apply,
    affine_flip,
    affine_translation,
    lattice_displacement,
    lattice_grid,
)
from medaug.geometry.lattice import (
    bspline_weights,
    lattice_inverse_points,
    lattice_through_grid_map,
)


def test_spline_weights_are_a_partition_of_unity_with_the_known_values_at_a_knot():
    np.testing.assert_allclose(bspline_weights(np.linspace(0, 0.999, 50)).sum(axis=-1), 1)
    np.testing.assert_allclose(bspline_weights(0.0), [1 / 6, 4 / 6, 1 / 6, 0])


def test_linear_control_displacements_give_the_same_linear_field():
    """Cubic B-splines reproduce linear functions, so a linear lattice is its own field."""
    (shape, origin), spacing = lattice_grid([0, 0, 0], [20, 20, 20], [5, 5, 5]), np.full(3, 5.0)
    knots = origin[0] + 5.0 * np.arange(shape[0])
    control = np.zeros((3, *shape), np.float32)
    control[1] = 0.1 * knots[:, None, None]
    points = np.random.default_rng(0).uniform(0, 20, (40, 3))
    expected = np.zeros((40, 3))
    expected[:, 1] = 0.1 * points[:, 0]
    field = lattice_displacement(Lattice(control, origin, spacing), points)
    np.testing.assert_allclose(field, expected, atol=1e-6)


@pytest.mark.parametrize("extent", [1, 7, 20, 33])
def test_the_lattice_covers_its_region_with_full_support(extent):
    shape, origin = lattice_grid([3, 0, 0], [3 + extent, 0, 0], [8, 8, 8])
    assert origin[0] + 8 <= 3 + 1e-9
    assert origin[0] + 8 * (shape[0] - 2) >= 3 + extent - 1e-9
    assert shape[1:] == (1, 1)


def test_beyond_the_lattice_its_border_goes_on(rng):
    lattice = random_lattice(rng, (20, 20, 20), 6.0, 2.0)
    field = lattice_displacement(lattice, [[1000.0, 10, 10], [2000.0, 10, 10]])
    np.testing.assert_allclose(field[0], field[1])


def test_the_inverse_undoes_the_displacement(rng):
    lattice = random_lattice(rng, (20, 20, 20), 6.0, 0.4 * 6.0)
    points = rng.uniform(-5, 25, (200, 3))
    there = points + lattice_displacement(lattice, points)
    np.testing.assert_allclose(lattice_inverse_points(lattice, there), points, atol=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_a_lattice_moves_through_flips_swaps_and_shifts(rng, seed):
    lattice = random_lattice(rng, (14, 18, 22), 6.0, 2.0)
    choice = np.random.default_rng(seed)
    swap = np.eye(4)[[*choice.permutation(3), 3]]
    grid_map = (
        affine_flip(choice.random(3) < 0.5, (14, 18, 22))
        @ swap
        @ affine_translation(choice.integers(-9, 9, 3))
    )
    points = rng.uniform(0, 14, (50, 3))
    moved = lattice_through_grid_map(lattice, grid_map)
    through = affine_apply(grid_map, points + lattice_displacement(moved, points))
    image = affine_apply(grid_map, points)
    np.testing.assert_allclose(through, image + lattice_displacement(lattice, image), atol=1e-5)
