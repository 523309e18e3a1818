"""Every orientation: voxels keep their places in the world."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from medaug.io.orientation import axes_for, orientation_of, reorient
from medaug.io.volume import Volume

ALL = [
    "".join(letters) for order in permutations(("LR", "PA", "IS")) for letters in product(*order)
]


def world_of_maximum(volume: Volume) -> np.ndarray:
    index = np.unravel_index(volume.data[0].argmax(), volume.data.shape[1:])
    return volume.affine @ [*index, 1]


@pytest.mark.parametrize("target", ALL)
def test_axes_run_as_asked_and_voxels_stay_where_they_are(target, rng):
    affine = np.array([[0, 0, -2.0, 9], [1, 0, 0, -4], [0, -1.5, 0, 2], [0, 0, 0, 1]])
    volume = Volume(rng.permutation(2 * 60).reshape(2, 3, 4, 5), affine)
    turned = reorient(volume, target)
    assert orientation_of(turned.affine) == target
    assert turned.data.flags.c_contiguous
    np.testing.assert_allclose(world_of_maximum(turned), world_of_maximum(volume))
    back = reorient(turned, orientation_of(affine))
    np.testing.assert_array_equal(back.data, volume.data)
    np.testing.assert_allclose(back.affine, affine)


def test_what_runs_as_asked_is_not_copied():
    volume = Volume(np.zeros((1, 2, 2, 2)), np.eye(4))
    assert reorient(volume, "RAS") is volume


def test_axes_are_found_whatever_their_direction():
    assert axes_for("PIR", "RAS") == (2, 0, 1)
    assert axes_for("LPS", "RAS") == (0, 1, 2)
