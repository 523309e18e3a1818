from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import random_lattice, source_coordinates

from medaug.geometry import (
    AffineStage,
    Lattice,
    LatticeStage,
    Warp,
    WarpKind,
    affine_flip,
    affine_rotation,
    affine_scale,
    affine_translation,
)

SHAPE = (16, 16, 16)


@pytest.fixture
def turn() -> AffineStage:
    return AffineStage(affine_rotation([10, 20, 30]))


@pytest.fixture
def shift() -> AffineStage:
    return AffineStage(affine_translation([2, -1, 3]))


@pytest.fixture
def bend(rng) -> LatticeStage:
    return LatticeStage(random_lattice(rng, SHAPE, 8.0, 3.0))


def test_a_warp_classifies_itself(turn, shift, bend):
    flip = AffineStage(affine_flip([True, False, False], SHAPE))
    for stages, kind in [
        ((), WarpKind.IDENTITY),
        ((shift,), WarpKind.GRID),
        ((flip, shift), WarpKind.GRID),
        ((turn,), WarpKind.AFFINE),
        ((bend,), WarpKind.LATTICE_AFFINE),
        ((shift, bend, turn), WarpKind.LATTICE_AFFINE),
        ((turn, bend), WarpKind.CHAIN),
        ((bend, bend), WarpKind.CHAIN),
        ((bend.inverse(),), WarpKind.CHAIN),
    ]:
        assert Warp(SHAPE, stages).kind(SHAPE) is kind


def test_a_different_size_alone_is_a_crop():
    assert Warp((4, 4, 4)).kind(SHAPE) is WarpKind.GRID


def test_merging_keeps_the_map(turn, shift, bend, rng):
    points = rng.uniform(0, 15, (30, 3))
    flip = AffineStage(affine_flip([False, True, True], SHAPE))
    stages = (shift, flip, bend, turn, shift, bend, turn)
    expected = points
    for stage in stages:
        expected = stage.map_points(expected)
    warp = Warp(SHAPE, stages)
    np.testing.assert_allclose(warp.map_points(points), expected, atol=1e-5)
    assert len(warp.stages) == 4


def test_a_matrix_and_its_inverse_merge_to_nothing():
    double, half = AffineStage(affine_scale([2, 2, 2])), AffineStage(affine_scale([0.5, 0.5, 0.5]))
    assert Warp(SHAPE, (double, half)).stages == ()


def test_then_is_resampling_twice(turn, bend, rng):
    first, second = Warp(SHAPE, (bend,)), Warp((8, 8, 8), (turn,))
    points = rng.uniform(0, 8, (10, 3))
    both = first.then(second)
    assert both.output_shape == (8, 8, 8)
    np.testing.assert_allclose(
        both.map_points(points), first.map_points(second.map_points(points)), atol=1e-6
    )


def test_the_inverse_takes_points_back(turn, shift, bend, rng):
    warp = Warp((8, 9, 10), (shift, bend, turn))
    back = warp.inverse(SHAPE)
    assert back.output_shape == SHAPE
    points = rng.uniform(0, 8, (50, 3))
    np.testing.assert_allclose(back.map_points(warp.map_points(points)), points, atol=1e-4)


def test_a_warp_survives_json_to_the_bit(turn, shift, bend, rng):
    warp = Warp((8, 9, 10), (shift, bend, turn, bend.inverse()))
    again = Warp.from_dict(json.loads(json.dumps(warp.to_dict())))
    points = rng.uniform(0, 8, (50, 3))
    np.testing.assert_array_equal(again.map_points(points), warp.map_points(points))
    assert again.output_shape == warp.output_shape


def test_the_affine_part_is_the_product_of_the_matrices(turn, shift, bend):
    warp = Warp(SHAPE, (turn, bend, shift))
    np.testing.assert_allclose(warp.affine_part(), shift.matrix @ turn.matrix)


@settings(max_examples=100, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, 9)] * 3),
    kinds=st.lists(st.sampled_from(["affine", "lattice", "inverse"]), max_size=4),
    seed=st.integers(0, 2**31),
)
def test_no_coordinate_lies_outside_the_bounding_box(shape, kinds, seed):
    rng = np.random.default_rng(seed)
    warp = Warp(shape, tuple(random_stage(kind, rng, shape) for kind in kinds))
    lower, upper = warp.bounding_box()
    where = source_coordinates(warp).reshape(3, -1)
    assert np.all(where.min(axis=1) >= lower - 1e-9)
    assert np.all(where.max(axis=1) <= upper + 1e-9)


def random_stage(kind: str, rng: np.random.Generator, shape) -> AffineStage | LatticeStage:
    if kind == "affine":
        shift, turn = rng.uniform(-9, 9, 3), affine_rotation(rng.uniform(-180, 180, 3))
        return AffineStage(affine_translation(shift) @ turn @ affine_scale(rng.uniform(0.5, 2, 3)))
    return LatticeStage(random_lattice(rng, shape, 4.0, 1.5), inverted=kind == "inverse")


def test_the_bounding_box_of_an_affine_warp_touches_its_coordinates(turn, shift):
    warp = Warp((5, 6, 7), (shift, turn))
    where = source_coordinates(warp).reshape(3, -1)
    lower, upper = warp.bounding_box()
    np.testing.assert_allclose(lower, where.min(axis=1))
    np.testing.assert_allclose(upper, where.max(axis=1))


@pytest.mark.parametrize(("inverted", "sign"), [(False, 1), (True, -1)])
def test_a_lattice_widens_the_bounding_box_by_its_extremes(inverted, sign):
    control = np.zeros((3, 4, 4, 4), np.float32)
    control[0, 0, 0, 0], control[1, 1, 1, 1], control[2] = 2, -1, 3
    lattice = Lattice(control, np.zeros(3), np.full(3, 4.0))
    lower, upper = Warp((5, 6, 7), (LatticeStage(lattice, inverted),)).bounding_box()
    ends = np.sort([np.multiply(sign, [0, -1, 3]), np.multiply(sign, [2, 0, 3])], axis=0)
    np.testing.assert_array_equal(lower, ends[0])
    np.testing.assert_array_equal(upper, [4, 5, 6] + ends[1])
