"""Zooms against MONAI's, with the factor forced on both."""

from __future__ import annotations

import monai.transforms as theirs
import numpy as np
import pytest
import torch
from geometries import assert_same_bits, assert_same_geometry, smooth_sample

import medaug.compat.monai as ours

KEYS = ["image", "label"]
SHAPE = (15, 18, 20)
FACTORS = [0.5, 0.73, 0.9, 1.0, 1.2, 1.8, (0.6, 1.0, 1.7), (1.3, 0.8)]


def both(factor, **arguments):
    arguments = {
        "keys": KEYS,
        "prob": 1.0,
        "min_zoom": factor,
        "max_zoom": factor,
        "mode": ("trilinear", "nearest-exact"),
        **arguments,
    }
    return ours.RandZoomd(**arguments), theirs.RandZoomd(**arguments)


@pytest.mark.parametrize("keep_size", [True, False])
@pytest.mark.parametrize("mode", ["trilinear", "area"])
@pytest.mark.parametrize("factor", FACTORS, ids=str)
def test_it_zooms_as_monais_does(factor, mode, keep_size):
    sample = smooth_sample(SHAPE)
    one, other = both(factor, mode=(mode, "nearest-exact"), keep_size=keep_size)
    assert_same_geometry(one(sample), other(sample))


@pytest.mark.parametrize("factor", [0.7, 1.4])
def test_corners_can_be_aligned(factor):
    sample = smooth_sample(SHAPE)
    one, other = both(factor, align_corners=(True, None))
    np.testing.assert_allclose(one(sample)["image"], other(sample)["image"], atol=0.02)


@pytest.mark.parametrize(
    "padding_mode", ["edge", "constant", "reflect", "symmetric", "mean", "wrap"]
)
def test_what_is_padded_is_padded_as_by_monai(padding_mode):
    sample = smooth_sample(SHAPE)
    one, other = both(0.6, padding_mode=padding_mode)
    assert_same_geometry(one(sample), other(sample))


def test_arguments_of_the_padding_are_handed_on():
    sample = smooth_sample(SHAPE)
    one, other = both(0.6, padding_mode="constant", value=-7)
    assert_same_geometry(one(sample), other(sample))
    assert (one(sample)["image"] == -7).any()


def test_it_zooms_as_monais_does_in_a_plane():
    sample = smooth_sample((21, 28))
    for factor in (0.7, 1.3, (0.8, 1.2)):
        one, other = both(factor, mode=("bilinear", "nearest-exact"))
        assert_same_geometry(one(sample), other(sample))


def test_nearest_keeps_labels_on_their_image():
    """MONAI's ``nearest`` moves them by half a voxel of the output, ``nearest-exact`` does not."""
    sample = smooth_sample(SHAPE)
    one, other = both(1.7, mode=("trilinear", "nearest"))[0], both(1.7)[1]
    assert_same_geometry(one(sample), other(sample))


@pytest.mark.parametrize("factor", [0.7, 1.4])
def test_the_way_back_has_the_old_grid_and_nearly_the_old_values(factor):
    sample = smooth_sample((24, 26, 28))
    one, _ = both(factor, keep_size=False)
    back = one.inverse(one(sample))
    assert back["image"].shape == sample["image"].shape
    torch.testing.assert_close(back["image"].affine, sample["image"].affine)
    inner = (slice(None), *[slice(3, -3)] * 3)
    error = np.abs(back["image"][inner] - sample["image"][inner]).mean()
    assert error < 0.2 * np.std(sample["image"])


def test_factors_are_uniform_and_one_for_all_axes_unless_there_are_more():
    sample = smooth_sample((40, 40, 40))
    arguments = {"prob": 1.0, "mode": "nearest", "keep_size": False}
    one = ours.RandZoomd("image", min_zoom=0.5, max_zoom=1.5, **arguments).set_random_state(seed=0)
    shapes = np.array([one(sample)["image"].shape[1:] for _ in range(60)])
    assert (shapes == shapes[:, :1]).all()
    assert shapes.min() < 24
    assert shapes.max() > 56
    assert abs(shapes[:, 0].mean() - 39.5) < 4 * 40 / np.sqrt(12 * 60)
    each = ours.RandZoomd("image", min_zoom=(0.5, 0.5, 1), max_zoom=(1.5, 1.5, 1), **arguments)
    shape = each.set_random_state(seed=0)(sample)["image"].shape[1:]
    assert shape[0] != shape[1]
    assert shape[2] == 40


def test_nothing_happens_without_firing():
    sample = smooth_sample(SHAPE)
    one, other = both(0.7, prob=0.0)
    assert_same_bits(one(sample), other(sample))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"min_zoom": 0}, "above 0"),
        ({"min_zoom": (0.5, 0.5)}, "as many entries"),
        ({"mode": "bicubic"}, "mode='bicubic'.*area"),
        ({"mode": "nearest", "align_corners": True}, "align_corners must be None"),
        ({"keys": KEYS, "mode": "trilinear", "align_corners": (True, False)}, "same for all keys"),
        ({"dtype": np.int16}, "dtype must be a floating one"),
    ],
)
def test_what_it_cannot_do_is_said_when_built(arguments, words):
    with pytest.raises(ValueError, match=words):
        ours.RandZoomd(**{"keys": "image", **arguments})


def test_factors_must_suit_the_image():
    transform = ours.RandZoomd("image", 1.0, (0.5,) * 3, (0.5,) * 3)
    with pytest.raises(ValueError, match="one, two or 2 entries"):
        transform(smooth_sample((20, 20)))
