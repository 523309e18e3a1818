"""The part of a volume that a warp touches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import folded_about_faces, random_lattice, source_coordinates

from medaug.geometry import (
    AffineStage,
    LatticeStage,
    Warp,
    affine_rotation,
    affine_scale,
    affine_translation,
)
from medaug.resample.box import touched_box

OUTPUT = (5, 6, 7)


def shift_by(*voxels: float) -> Warp:
    return Warp(OUTPUT, (AffineStage(affine_translation(voxels)),))


@pytest.mark.parametrize(
    ("voxels", "padding", "expected"),
    [
        ((10, 10.5, 20), "constant", [[9, 9, 19], [16, 18, 28]]),
        ((-3, 95, 200), "constant", [[0, 94, 98], [3, 100, 100]]),
        ((-3, 95, -200), "border", [[0, 94, 0], [3, 100, 2]]),
        # Mirrored at 0: 3..-1; at 99: 95..98; at -198: -200 is 2 and -194 is 4.
        ((-3, 95, -200), "reflect", [[0, 94, 0], [5, 100, 6]]),
        # Mirrored at -0.5: 2..-1, which is 0; at 99.5: 95..99; -200 is 0 and -194 is 6.
        ((-3, 95, -200), "symmetric", [[0, 94, 0], [4, 100, 8]]),
    ],
)
def test_the_touched_box_by_hand(voxels, padding, expected):
    box = touched_box(shift_by(*voxels), np.array([100, 100, 100]), padding, 1)
    np.testing.assert_array_equal(box, expected)


@settings(max_examples=200, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, 40)] * 3),
    shift=st.tuples(*[st.floats(-100, 100)] * 3),
    factor=st.floats(0.1, 9.0),
    padding=st.sampled_from(["constant", "border", "reflect", "symmetric"]),
    seed=st.integers(0, 2**31),
)
def test_both_neighbours_of_every_coordinate_lie_in_the_box(shape, shift, factor, padding, seed):
    rng = np.random.default_rng(seed)
    turn = affine_translation(shift) @ affine_scale([factor] * 3) @ affine_rotation([9, 8, 7])
    bend = LatticeStage(random_lattice(rng, OUTPUT, 4.0, 1.0), inverted=bool(rng.integers(2)))
    warp = Warp(OUTPUT, (bend, AffineStage(turn)))
    box = touched_box(warp, np.array(shape), padding, 1)
    assert np.all(box[0] >= 0)
    assert np.all(box[1] <= shape)
    assert np.all(box[1] - box[0] >= np.minimum(shape, 2))
    last = np.array(shape)[:, None, None, None] - 1
    where = source_coordinates(warp)
    if padding == "reflect":
        period = np.maximum(last, 1)
        where = np.minimum(period - np.abs(np.abs(where) % (2 * period) - period), last)
    if padding == "symmetric":
        where = folded_about_faces(where, last + 1)
    below = np.floor(np.clip(where, 0, last)).reshape(3, -1)
    above = np.minimum(below + 1, last.reshape(3, 1))
    assert np.all(below >= box[0][:, None])
    assert np.all(above < box[1][:, None])
