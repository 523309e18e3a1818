"""Affine maps against MONAI's with the same parameters forced on both."""

from __future__ import annotations

import monai.transforms as theirs
import numpy as np
import pytest
import torch
from geometries import assert_same_geometry, smooth_sample
from scipy import stats

import medaug.compat.monai as ours
from medaug.compat.monai.affine import AffineInVoxels, affine_of
from medaug.geometry import affine_about
from medaug.rng import generator
from medaug.spatial import Grid

KEYS = ["image", "label"]
MODES = ("bilinear", "nearest")
#: Pairs whose ends are the same leave nothing to chance.
FORCED = {
    "rotate": {"rotate_range": [(0.3, 0.3), (-0.2, -0.2), (0.5, 0.5)]},
    "rotate about the first axis": {"rotate_range": [(0.4, 0.4)]},
    "shear": {"shear_range": [(v, v) for v in (0.11, -0.23, 0.07, 0.17, 0.01, 0.13)]},
    "translate": {"translate_range": [(1.3, 1.3), (-2, -2), (3.2, 3.2)]},
    "scale": {"scale_range": [(0.3, 0.3), (-0.2, -0.2), (0.1, 0.1)]},
    "scale of two axes": {"scale_range": [(0.3, 0.3), (-0.2, -0.2)]},
    "all": {
        "rotate_range": [(0.3, 0.3), (-0.2, -0.2), (0.5, 0.5)],
        "shear_range": [(0.1, 0.1), (0.2, 0.2)],
        "translate_range": [(1, 1), (-2, -2), (0.5, 0.5)],
        "scale_range": [(0.3, 0.3), (-0.2, -0.2), (0.1, 0.1)],
    },
}
PLANE = {
    "rotate_range": [(0.4, 0.4)],
    "shear_range": [(0.1, 0.1), (-0.2, -0.2)],
    "translate_range": [(1.5, 1.5), (-2, -2)],
    "scale_range": [(0.2, 0.2), (-0.1, -0.1)],
}


def both(**arguments):
    arguments = {"keys": KEYS, "prob": 1.0, "mode": MODES, **arguments}
    return ours.RandAffined(**arguments), theirs.RandAffined(**arguments)


@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("parameters", FORCED)
def test_it_moves_as_monais_does(parameters, padding_mode):
    sample = smooth_sample()
    one, other = both(**FORCED[parameters], padding_mode=padding_mode)
    assert_same_geometry(one(sample), other(sample))


def test_it_moves_as_monais_does_in_a_plane():
    sample = smooth_sample((21, 28))
    one, other = both(**PLANE, padding_mode="border")
    assert_same_geometry(one(sample), other(sample))


@pytest.mark.parametrize("prob", [0.0, 1.0])
@pytest.mark.parametrize("size", [None, -1, (10, -1, 16), (8, 23, 20)])
def test_it_cuts_to_the_size_as_monais_does_whether_it_fires_or_not(size, prob):
    sample = smooth_sample()
    one, other = both(**FORCED["all"], spatial_size=size, prob=prob)
    assert_same_geometry(one(sample), other(sample))


def test_a_size_that_differs_by_an_odd_number_is_read_between_voxels():
    sample = smooth_sample()
    one, other = both(spatial_size=(11, 12, 13), prob=0.0)
    np.testing.assert_allclose(one(sample)["image"], other(sample)["image"], atol=0.02)


def test_one_size_is_that_of_all_axes():
    sample = smooth_sample()
    results = [
        ours.RandAffined(KEYS, 12, 1.0, **FORCED["all"])(sample),
        ours.RandAffined(KEYS, (12, 12, 12), 1.0, **FORCED["all"])(sample),
    ]
    assert torch.equal(results[0]["image"], results[1]["image"])
    assert results[0]["label"].shape == (1, 12, 12, 12)


@pytest.mark.parametrize(
    ("mode", "padding_mode"),
    [(1, "nearest"), (1, "mirror"), (1, "reflect"), (3, "nearest"), (3, "mirror"), (3, "reflect")],
)
def test_splines_are_scipys(mode, padding_mode):
    """A spline's coefficients depend on what lies outside, which here mirrors as in ``mirror``."""
    sample = smooth_sample((24, 26, 28))
    one, other = both(
        **FORCED["rotate"], spatial_size=(10,) * 3, mode=(mode, 0), padding_mode=padding_mode
    )
    tolerance = 0.02 if (mode, padding_mode) != (3, "nearest") else 0.2
    assert_same_geometry(one(sample), other(sample), tolerance=tolerance)


def test_each_key_has_its_mode_and_its_padding():
    sample = smooth_sample()
    one, other = both(
        **FORCED["all"], mode=("nearest", "bilinear"), padding_mode=("zeros", "border")
    )
    mine, their_own = one(sample), other(sample)
    assert (mine["image"] != their_own["image"]).float().mean() < 0.002
    np.testing.assert_allclose(mine["label"], their_own["label"], atol=1e-3)


def test_the_way_back_is_monais():
    sample = smooth_sample()
    one, other = both(**FORCED["rotate"], padding_mode="border")
    assert_same_geometry(one.inverse(one(sample)), other.inverse(other(sample)))


def test_a_number_stands_for_both_signs_and_a_number_alone_for_the_first_axis():
    effect = (
        ours.RandAffined("image", rotate_range=0.3, scale_range=[0.1, (0.2, 0.4)]).steps[0].effect
    )
    assert effect == AffineInVoxels(rotate=((-0.3, 0.3),), scale=((-0.1, 0.1), (0.2, 0.4)))


def test_parameters_are_uniform_over_their_ranges():
    """Read from the matrix; scale alone, so that its diagonal shows them."""
    effect = AffineInVoxels(scale=((-0.2, 0.2), (0.0, 0.5), (-0.1, -0.1)))
    grid = Grid((9, 9, 9), np.eye(4), 3)
    rng = generator(4)
    drawn = np.array([np.diag(effect.sample(rng, grid).affine_part())[:3] for _ in range(400)])
    for column, (low, high) in zip(drawn.T[:2], [(0.8, 1.2), (1.0, 1.5)], strict=True):
        assert stats.kstest(column, "uniform", (low, high - low)).pvalue > 1e-3
    np.testing.assert_allclose(drawn[:, 2], 0.9)


def test_it_turns_about_the_centre_of_the_array():
    matrix = affine_about(affine_of(3, [0.2, 0.1, 0.3], [], [], [1.1, 1, 1]), np.array([3.0, 4, 5]))
    np.testing.assert_allclose(matrix @ [3, 4, 5, 1], [3, 4, 5, 1])


def test_volumes_of_other_dtypes_come_out_as_float32():
    sample = smooth_sample()
    sample["label"] = sample["label"].to(torch.uint8)
    one, other = both(**FORCED["all"])
    assert {r["label"].dtype for r in (one(sample), other(sample))} == {torch.float32}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"mode": "bicubic"}, "mode='bicubic'.*bilinear"),
        ({"mode": 3, "padding_mode": "wrap"}, "padding_mode='.*wrap'.*mirror"),
        ({"mode": ["nearest"] * 3}, "3"),
        ({"rotate_range": [(1, 2, 3)]}, "rotate_range"),
    ],
)
def test_what_it_cannot_do_is_said_when_built(arguments, words):
    with pytest.raises(ValueError, match=words):
        ours.RandAffined(**{"keys": KEYS, **arguments})


def test_a_map_without_an_inverse_is_refused():
    with pytest.raises(ValueError, match="cannot be inverted"):
        ours.RandAffined(KEYS, prob=1.0, scale_range=[(-1, -1)])(smooth_sample())


def test_keys_of_different_shapes_are_refused():
    sample = smooth_sample()
    sample["label"] = sample["label"][:, 1:]
    with pytest.raises(ValueError, match="label"):
        ours.RandAffined(KEYS, prob=1.0, rotate_range=0.3)(sample)
