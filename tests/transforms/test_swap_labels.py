"""Sided labels change sides exactly when left and right do."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from medaug.transforms import RandFlipd, RandSpatiald

KEYS = ["image", "label"]
PAIRS = [(1, 2), (7, 5)]
#: What the values 0 to 9 become when the pairs change places.
SWAPPED = np.array([0, 2, 1, 3, 4, 7, 6, 5, 8, 9])

# Rows are world axes: the first one runs from left to right.
AFFINES = {
    "none": (None, 0),
    "ras": (np.diag([1.0, 1, 1, 1]), 0),
    "lps": (np.diag([-1.0, -1, 2, 1]), 0),
    "psr": ([[0, 0, 1, 0], [-1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]], 2),
    "ali": ([[0, -3, 0, 5], [1, 0, 0, 5], [0, 0, -1, 5], [0, 0, 0, 1]], 1),
    "oblique": ([[0.2, 0.9, 0, 0], [-0.9, 0.2, 0.1, 0], [0.1, 0, 1, 0], [0, 0, 0, 1]], 1),
    # Thick slices must not be taken for the axis that they lean to.
    "leaning slices": ([[1, 0, 1.5, 0], [0, 1, 0, 0], [0, 0, 5, 0], [0, 0, 0, 1]], 0),
}
every_affine = pytest.mark.parametrize(
    ("affine", "left_right"), AFFINES.values(), ids=AFFINES.keys()
)


def flips(**options):
    """The transforms that flip, each with the mode that keeps labels."""
    return [
        RandFlipd(KEYS, **options),
        RandSpatiald(KEYS, mode=["linear", "vote"], **options),
    ]


def make_sample(affine, rng) -> dict:
    label = rng.integers(0, 10, (1, 5, 6, 7)).astype(np.uint8)
    image = label.astype(np.float32)
    if affine is None:
        return {"image": image, "label": label}
    affine = torch.tensor(np.array(affine, np.float64))
    return {"image": MetaTensor(image, affine=affine), "label": MetaTensor(label, affine=affine)}


@every_affine
@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2), ()])
def test_labels_change_sides_with_the_left_right_axis_only(affine, left_right, axes, rng):
    sample = make_sample(affine, rng)
    flip_prob = [float(axis in axes) for axis in range(3)]
    for transform in flips(flip_prob=flip_prob, swap_labels=PAIRS):
        result = transform(sample)
        mirrored = np.flip(np.asarray(sample["label"]), [axis + 1 for axis in axes])
        expected = SWAPPED[mirrored] if left_right in axes else mirrored
        np.testing.assert_array_equal(result["label"], expected)
        np.testing.assert_array_equal(result["image"], mirrored)  # an image has no sides
        assert np.asarray(result["label"]).dtype == np.uint8
        back = transform.inverse(result)
        np.testing.assert_array_equal(back["label"], sample["label"])
        np.testing.assert_array_equal(back["image"], sample["image"])


def test_nothing_is_swapped_unless_the_transform_fires(rng):
    sample = make_sample(None, rng)
    for transform in flips(prob=0.0, flip_prob=1.0, swap_labels=PAIRS):
        np.testing.assert_array_equal(transform(sample)["label"], sample["label"])


def test_labels_that_are_not_paired_and_values_outside_stay(rng):
    label = rng.integers(0, 4, (1, 6, 6, 6)).astype(np.uint8)
    transform = RandSpatiald(
        ["label"],
        flip_prob=[1, 0, 0],
        scale=(0.5, 0.5),
        mode="nearest",
        padding_value=9,
        swap_labels=[(1, 2)],
    )
    plain = RandSpatiald(
        ["label"], flip_prob=[1, 0, 0], scale=(0.5, 0.5), mode="nearest", padding_value=9
    )
    expected = SWAPPED[plain({"label": label})["label"]]
    np.testing.assert_array_equal(transform({"label": label})["label"], expected)
    assert {0, 1, 2, 3, 9} == set(np.unique(expected))


def test_the_label_key_says_which_labels_have_sides(rng):
    label = rng.integers(0, 3, (1, 5, 6, 7)).astype(np.uint8)
    transform = RandFlipd(
        ["left", "other"], flip_prob=[1, 0, 0], swap_labels=[(1, 2)], label_key="left"
    )
    result = transform({"left": label, "other": label})
    np.testing.assert_array_equal(result["left"], SWAPPED[label[:, ::-1]])
    np.testing.assert_array_equal(result["other"], label[:, ::-1])


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy, MetaTensor])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64, np.float32])
def test_all_kinds_and_dtypes_of_labels_are_swapped(kind, dtype, rng):
    label = rng.integers(0, 3, (1, 5, 6)).astype(dtype)
    flip = RandFlipd("label", flip_prob=[1, 0], swap_labels=[(1, 2)])
    result = flip({"label": kind(label)})["label"]
    np.testing.assert_array_equal(result, SWAPPED[label.astype(int)[:, ::-1]])
    assert np.asarray(result).dtype == dtype


def test_what_is_padded_is_no_label_that_changes_sides(rng):
    sample = make_sample(None, rng)
    options = {"flip_prob": (1, 0, 0), "swap_labels": PAIRS, "spatial_size": 9}
    transform = RandSpatiald(KEYS, mode=["linear", "nearest"], padding_value=(0, 7), **options)
    result = transform(sample)
    assert (result["label"][0, 0] == 7).all()
    back = transform.inverse(result)
    np.testing.assert_array_equal(back["label"], sample["label"])


@pytest.mark.parametrize(
    "dtype", ["uint8", "int16", "uint16", "uint32", "uint64", "int64", "float32"]
)
def test_both_backends_swap_labels_of_any_type(dtype, rng):
    sample = make_sample(None, rng)
    sample["label"] = torch.from_numpy(sample["label"].astype(dtype))
    options = {"flip_prob": (1, 0, 0), "swap_labels": PAIRS, "mode": ["linear", "vote"]}
    compiled, by_torch = (
        RandSpatiald(KEYS, backend=backend, **options)(sample)["label"]
        for backend in ("compiled", "torch")
    )
    assert compiled.dtype == by_torch.dtype == sample["label"].dtype
    np.testing.assert_array_equal(compiled.numpy(), by_torch.numpy())
    assert not np.array_equal(compiled.numpy(), np.flip(sample["label"].numpy(), 1))


def test_fractional_labels_are_refused_whatever_the_mode(rng):
    sample = make_sample(None, rng)
    sample["label"] = sample["label"] + np.float32(0.5)
    with pytest.raises(ValueError, match=r"label.*fractions"):
        RandFlipd(KEYS, flip_prob=1, swap_labels=PAIRS)(sample)
