"""Flips and quarter turns against MONAI's, to the bit."""

from __future__ import annotations

from collections import Counter

import monai.transforms as theirs
import numpy as np
import pytest
import torch
from geometries import assert_same_bits, smooth_sample

import medaug.compat.monai as ours

KEYS = ["image", "label"]
SHAPES = [(14, 17, 20), (15, 22)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 1), (-2, -1)])
def test_a_flip_mirrors_what_monais_mirrors_and_back(shape, axis):
    sample = smooth_sample(shape)
    flips = [library.RandFlipd(KEYS, 1.0, axis) for library in (ours, theirs)]
    flipped, expected = (flip(sample) for flip in flips)
    assert_same_bits(flipped, expected)
    assert_same_bits(flips[0].inverse(flipped), sample)


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        *[(SHAPES[0], axes) for axes in ((0, 1), (1, 2), (2, 0), (-1, 0))],
        *[(SHAPES[1], axes) for axes in ((0, 1), (1, 0))],
    ],
)
def test_quarter_turns_are_monais_each_as_often(shape, axes):
    sample = smooth_sample(shape)
    expected = [theirs.Rotate90d(KEYS, k, axes)(sample) for k in (1, 2, 3)]
    transform = ours.RandRotate90d(KEYS, 1.0, 3, axes).set_random_state(seed=1)
    turns: Counter[int] = Counter()
    for _ in range(120):
        turned = transform(sample)
        (k,) = (
            k
            for k, other in enumerate(expected, 1)
            if turned["image"].shape == other["image"].shape
            and torch.equal(turned["image"], other["image"])
        )
        turns[k] += 1
        assert_same_bits(turned, expected[k - 1])
        assert_same_bits(transform.inverse(turned), sample)
    assert all(abs(turns[k] - 40) < 4 * np.sqrt(120 * 2 / 9) for k in (1, 2, 3))


def test_max_k_bounds_the_turns():
    sample = smooth_sample()
    transform = ours.RandRotate90d(KEYS, 1.0, max_k=1, spatial_axes=(0, 2))
    expected = theirs.Rotate90d(KEYS, 1, (0, 2))(sample)
    for _ in range(5):
        assert_same_bits(transform(sample), expected)


@pytest.mark.parametrize("dtype", [torch.int16, torch.uint8, torch.float16, torch.float64])
def test_dtypes_are_kept(dtype):
    sample = smooth_sample()
    sample["image"] = sample["image"].to(dtype)
    for name in ("RandFlipd", "RandRotate90d"):
        results = [getattr(library, name)(KEYS, 1.0)(sample) for library in (ours, theirs)]
        assert [result["image"].dtype for result in results] == [dtype, dtype]


def test_axes_that_an_image_does_not_have_are_refused():
    sample = smooth_sample((15, 22))
    with pytest.raises(ValueError, match=r"spatial_axis .*2D"):
        ours.RandFlipd(KEYS, 1.0, 2)(sample)
    with pytest.raises(ValueError, match=r"spatial_axes .*2D"):
        ours.RandRotate90d(KEYS, 1.0, 1, (0, 2))(sample)
