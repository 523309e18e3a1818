from __future__ import annotations

import json

import numpy as np
import pytest
from reference import random_lattice

from medaug.geometry import (
    AffineStage,
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
