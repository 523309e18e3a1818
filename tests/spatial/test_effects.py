"""Each spatial effect against what its formula says."""

from __future__ import annotations

import numpy as np
import pytest

from medaug.geometry import affine_scale, affine_spacing
from medaug.ranges import parse_axis_ranges
from medaug.resample import Sampling, resample_array
from medaug.spatial import (
    CenterCrop,
    Elastic,
    Flip,
    Grid,
    Rotate,
    Scale,
    Shear,
    Step,
    Translate,
    parse_size,
    sample_move,
)

GRID = Grid((20, 24, 30), affine_scale([1.0, 0.5, 2.0]))


def pull_back(effect, grid=GRID, seed=0):
    return effect.sample(np.random.default_rng(seed), grid).affine_part()


def content_map_mm(effect, grid=GRID, seed=0):
    """What happens to the image, in mm: the inverse of the pull-back."""
    spacing = np.array(grid.spacing_mm)
    return np.linalg.inv(pull_back(effect, grid, seed)[:3, :3]) * spacing[:, None] / spacing


def test_scale_magnifies_what_is_seen():
    np.testing.assert_allclose(content_map_mm(Scale(((1.2, 1.2),) * 3, True)), 1.2 * np.eye(3))


def test_scale_of_the_field_shows_more_and_smaller():
    shrunk = content_map_mm(Scale(((1.25, 1.25),) * 3, True, of_field=True))
    np.testing.assert_allclose(shrunk, 0.8 * np.eye(3))


def test_a_single_slice_keeps_its_thickness():
    grid = Grid((20, 24, 1), affine_scale([1.0, 0.5, 5.0]))
    np.testing.assert_allclose(
        content_map_mm(Scale(((1.2, 1.2),) * 3, True), grid), np.diag([1.2, 1.2, 1])
    )


def test_isotropic_scale_draws_one_factor_and_the_other_three():
    ranges = ((0.5, 1.5),) * 3
    assert np.ptp(np.diag(content_map_mm(Scale(ranges, True)))) < 1e-12
    assert np.ptp(np.diag(content_map_mm(Scale(ranges, False)))) > 0.01


def test_rotation_turns_by_the_angle_in_millimetres():
    turned = content_map_mm(Rotate(((0, 0), (0, 0), (30, 30))))
    cos, sin = np.cos(np.pi / 6), np.sin(np.pi / 6)
    np.testing.assert_allclose(turned, [[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]], atol=1e-12)


def test_shear_draws_six_angles_within_their_ranges():
    leaning = content_map_mm(Shear(((1, 5), (-4, -2), (0, 0))))
    off = ~np.eye(3, dtype=bool)
    angles = np.rad2deg(np.arctan(leaning))
    assert np.all((angles[0][off[0]] >= 1) & (angles[0][off[0]] <= 5))
    assert np.all((angles[1][off[1]] >= -4) & (angles[1][off[1]] <= -2))
    np.testing.assert_allclose(angles[2][off[2]], 0, atol=1e-12)


def test_a_positive_translation_moves_what_is_seen_to_larger_indices():
    image = np.zeros((1, 20, 24, 30), np.float32)
    image[0, 5, 6, 7] = 1
    warp = Translate(((3, 3), (1, 1), (4, 4))).sample(np.random.default_rng(0), GRID)
    moved = resample_array(image, warp, Sampling())
    assert np.argwhere(moved[0] == 1).tolist() == [[8, 8, 9]]


@pytest.mark.parametrize(
    "effect",
    [
        Rotate(((20, 20),) * 3),
        Scale(((0.8, 0.8), (1.1, 1.1), (1.2, 1.2)), False),
        Shear(((5, 5),) * 3),
        Flip((1, 1, 1)),
    ],
)
def test_the_centre_of_the_field_of_view_stays(effect):
    matrix = pull_back(effect)
    np.testing.assert_allclose(matrix[:3, :3] @ GRID.centre + matrix[:3, 3], GRID.centre)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_nothing_leaves_a_single_slice(axis, rng):
    shape = [12, 14, 16]
    shape[axis] = 1
    grid = Grid(tuple(shape), np.eye(4))
    effects = [
        Rotate(((20, 20),) * 3),
        Scale(((0.8, 0.8),) * 3, True),
        Shear(((5, 5),) * 3),
        Translate(((3, 3),) * 3),
        Elastic((6, 6), (1, 1)),
    ]
    warp = sample_move([Step(effect) for effect in effects], rng, grid).warp
    inside = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1).reshape(-1, 3)
    moved = warp.map_points(inside)
    np.testing.assert_allclose(moved[:, axis], 0, atol=1e-9)
    assert np.abs(moved - inside).max() > 1


def test_nothing_that_takes_part_leaves_a_plain_crop():
    steps = [Step(Rotate(((5, 5),) * 3), 0.0), Step(CenterCrop((10, 40, 30)), always=True)]
    grid = Grid((21, 24, 30), np.eye(4))
    warp = sample_move(steps, np.random.default_rng(0), grid, fires=False).warp
    np.testing.assert_array_equal(warp.affine_part()[:3, 3], [5, -8, 0])


def test_effects_that_draw_nothing_are_the_exact_identity():
    off = parse_axis_ranges("off", 0.0)
    effects = [Rotate(off), Translate(off), Shear(off), Scale(((1, 1),) * 3, True), Flip((0, 0, 0))]
    chain = [Step(effect) for effect in [*effects, Elastic((32, 32), (0, 0))]]
    assert sample_move(chain, np.random.default_rng(0), GRID).warp.stages == ()


def test_the_spacing_after_a_scale_is_the_finer_one():
    affine = np.diag([*GRID.spacing_mm, 1.0]) @ pull_back(Scale(((2, 2),) * 3, True))
    np.testing.assert_allclose(affine_spacing(affine), np.array(GRID.spacing_mm) / 2)


@pytest.mark.parametrize(
    ("size", "expected"), [(None, (5, 6, 7)), (4, (4, 4, 4)), ((4, -1, 9), (4, 6, 9))]
)
def test_spatial_size_keeps_what_it_does_not_name(size, expected):
    warp = CenterCrop(size).sample(np.random.default_rng(0), Grid((5, 6, 7), np.eye(4)))
    assert warp.output_shape == expected


@pytest.mark.parametrize("size", [0, (4, 0, 4), (4,), (4, 4, -2)])
def test_an_impossible_size_is_refused(size):
    with pytest.raises(ValueError, match="spatial_size"):
        parse_size(size)


def test_a_size_for_another_rank_is_refused():
    with pytest.raises(ValueError, match="spatial_size must have 3 entries"):
        CenterCrop((4, 4)).sample(np.random.default_rng(0), GRID)


@pytest.mark.parametrize(
    "build",
    [
        lambda: Scale(((0, 1),) * 3, True),
        lambda: Shear(((0, 30),) * 3),
        lambda: Elastic((0, 10), (1, 1)),
    ],
)
def test_ranges_that_cannot_be_are_refused(build):
    with pytest.raises(ValueError, match="must"):
        build()
