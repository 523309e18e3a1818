"""Quarter turns against numpy's."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import chisquare

from medaug.geometry import Warp, WarpKind
from medaug.resample import Sampling, resample_array
from medaug.rng import generator
from medaug.spatial import Grid, Rotate90

VOXELS = np.arange(3 * 4 * 5, dtype=np.int16).reshape(1, 3, 4, 5)
GRID = Grid((3, 4, 5), np.eye(4))


def turns_of(warp, axes) -> int:
    turned = resample_array(VOXELS, warp, Sampling("nearest"))
    (turns,) = [
        k
        for k in range(4)
        if np.array_equal(np.rot90(VOXELS, k, [axis + 1 for axis in axes]), turned)
    ]
    return turns


@pytest.mark.parametrize("axes", list(permutations(range(3), 2)))
def test_it_turns_as_numpy_does_one_to_three_times(axes):
    rng, effect = generator(0), Rotate90(3, axes)
    drawn = [turns_of(effect.sample(rng, GRID), axes) for _ in range(300)]
    counts = np.bincount(drawn, minlength=4)
    assert counts[0] == 0
    assert chisquare(counts[1:]).pvalue > 0.001


@pytest.mark.parametrize(("max_turns", "expected"), [(1, {1}), (2, {1, 2}), (5, {0, 1, 2, 3})])
def test_the_number_of_turns_is_up_to_the_largest(max_turns, expected):
    rng, effect = generator(1), Rotate90(max_turns, (0, 2))
    assert {turns_of(effect.sample(rng, GRID), (0, 2)) for _ in range(60)} == expected


def test_it_moves_whole_voxels_only():
    warp = Rotate90(1, (1, 2)).sample(generator(0), GRID)
    assert warp.kind(GRID.shape) is WarpKind.GRID
    assert warp.output_shape == (3, 5, 4)


def test_four_turns_are_none():
    quarter, warp = Rotate90(1, (0, 1)), Warp(GRID.shape)
    for _ in range(4):
        warp = warp.then(quarter.sample(generator(0), GRID.through(warp)))
    assert warp.kind(GRID.shape) is WarpKind.IDENTITY


def test_the_axis_behind_a_plane_is_none_to_turn():
    plane = Grid((3, 4, 1), np.eye(4), rank=2)
    assert Rotate90(1, (0, 1)).sample(generator(0), plane).output_shape == (4, 3, 1)
    with pytest.raises(ValueError, match=r"axes \(0, 2\).*2D"):
        Rotate90(1, (0, 2)).sample(generator(0), plane)
