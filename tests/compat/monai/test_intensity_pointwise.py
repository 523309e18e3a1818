"""The drop-ins that send each voxel through a curve, against MONAI's own classes."""

from __future__ import annotations

import monai.transforms as mt
import numpy as np
import pytest
import torch
from intensities import SHAPES, assert_close, assert_same_distribution, drawn, forced, image
from monai.data import MetaTensor

from medaug.compat.monai import (
    RandAdjustContrastd,
    RandHistogramShiftd,
    RandScaleIntensityd,
    RandShiftIntensityd,
)
from medaug.rng import generator
from medaug.transforms import FusedIntensity

SAMPLE = {"image": image((2, 4, 5))}
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)


@shapes
@pytest.mark.parametrize("gamma", [0.5, 1.0, 1.7, 4.5])
@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("kept", [False, True])
def test_contrast_is_monais(shape, gamma, inverted, kept):
    transform = RandAdjustContrastd("image", invert_image=inverted, retain_stats=kept)
    ours = forced(transform, image(shape), {"gamma": gamma, "negated": inverted})
    # At the dark end a root has no finite slope, and magnifies how the smallest voxel is rounded.
    tolerance = 5e-4 if gamma < 1 else 2e-5
    assert_close(ours, mt.AdjustContrast(gamma, inverted, kept)(image(shape)), tolerance)


def test_contrast_draws_what_monai_draws():
    for inverted in (False, True):
        ours = RandAdjustContrastd("image", 1.0, (3.0, 0.7), invert_image=inverted)
        theirs = mt.RandAdjustContrast(1.0, (3.0, 0.7)).set_random_state(0)
        values = []
        for _ in range(3000):
            theirs.randomize()
            values.append(theirs.gamma_value)
        assert_same_distribution(drawn(ours, "gamma", SAMPLE), values)
        assert set(drawn(ours, "negated", SAMPLE, 50)) == {inverted}
    one = drawn(RandAdjustContrastd("image", 1.0, 2.0), "gamma", SAMPLE)
    assert 0.5 <= one.min() < 0.51
    assert 1.99 < one.max() <= 2.0


def test_a_constant_image_keeps_its_contrast():
    flat = np.full((2, 4, 5), 3.0, np.float32)
    for kept in (False, True):
        ours = forced(
            RandAdjustContrastd("image", retain_stats=kept), flat, {"gamma": 2.0, "negated": False}
        )
        np.testing.assert_array_equal(ours, flat)


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int16])
def test_contrast_gives_monais_dtype(dtype):
    voxels = image((2, 8, 9), dtype)
    ours = forced(RandAdjustContrastd("image"), voxels, {"gamma": 1.5, "negated": False})
    assert_close(ours, mt.AdjustContrast(1.5)(voxels), 2e-3 if dtype == np.float16 else 1e-5)


@shapes
@pytest.mark.parametrize("factor", [-1.6, -0.3, 0.0, 0.45])
def test_scale_is_monais(shape, factor):
    ours = forced(RandScaleIntensityd("image", 2.0), image(shape), {"factor": factor})
    assert_close(ours, mt.ScaleIntensity(None, None, factor)(image(shape)))


@pytest.mark.parametrize(
    "dtype", [np.float32, np.float16, np.float64, torch.bfloat16, None, "int32"]
)
@pytest.mark.parametrize("given", [np.float32, np.int16, np.uint8])
def test_scale_gives_monais_dtype(dtype, given):
    voxels = np.abs(image((2, 8, 9))).clip(0, 100).astype(given)
    theirs = mt.ScaleIntensity(None, None, 0.5, dtype=dtype)(voxels)
    ours = forced(RandScaleIntensityd("image", 1.0, dtype=dtype), voxels, {"factor": 0.5})
    assert_close(ours, theirs, 1e-6)


def _theirs(transform, name: str, data=None) -> list[float]:
    values = []
    for _ in range(3000):
        transform.randomize(data)
        value = getattr(transform, name)
        values.append(value[0] if isinstance(value, list) else value)
    return values


@pytest.mark.parametrize("bounds", [0.4, -0.4, (0.3, -0.9), (1, 2)])
@pytest.mark.parametrize("channel_wise", [False, True])
def test_scale_and_shift_draw_what_monai_draws(bounds, channel_wise):
    options = {"prob": 1.0, "channel_wise": channel_wise}
    ours = RandScaleIntensityd("image", bounds, **options)
    theirs = mt.RandScaleIntensity(bounds, **options).set_random_state(0)
    values = _theirs(theirs, "factor", SAMPLE["image"])
    assert_same_distribution(drawn(ours, "factor", SAMPLE), values)
    ours = RandShiftIntensityd("image", bounds, **options)
    theirs = mt.RandShiftIntensity(bounds, **options).set_random_state(0)
    values = _theirs(theirs, "_offset", SAMPLE["image"])
    assert_same_distribution(drawn(ours, "offset", SAMPLE), values)


@pytest.mark.parametrize(
    ("cls", "name"), [(RandScaleIntensityd, "factor"), (RandShiftIntensityd, "offset")]
)
def test_channel_wise_gives_each_channel_its_own_and_all_keys_the_same(cls, name):
    sample = {"image": image((3, 4, 5)), "other": image((2, 6, 7, 8))}
    transform = cls(["image", "other"], (1.0, 5.0), prob=1.0, channel_wise=True)
    parameters = transform.sample(sample, generator(0))["parameters"]
    ((*first,), (*second,)) = parameters["image"][0], parameters["other"][0]
    assert len({each[name] for each in first}) == 3
    assert second == first[:2]
    result = transform.apply(sample, {"parameters": parameters})
    for c, each in enumerate(first):
        before, value = sample["image"][c], np.float32(each[name])
        expected = before * (1 + value) if cls is RandScaleIntensityd else before + value
        np.testing.assert_allclose(result["image"][c], expected, rtol=1e-6)
    with pytest.raises(ValueError, match="'image' has 3 channels"):
        cls(["other", "image"], 1.0, prob=1.0, channel_wise=True)(sample)


@shapes
@pytest.mark.parametrize("offset", [-7.25, 0.0, 30.0])
def test_shift_is_monais(shape, offset):
    ours = forced(RandShiftIntensityd("image", 1.0), image(shape), {"offset": offset})
    assert_close(ours, mt.ShiftIntensity(offset)(image(shape)))


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float16, np.float64])
@pytest.mark.parametrize("offset", [-12.4, 12.6, 200.0])
@pytest.mark.parametrize("safe", [False, True])
def test_shift_keeps_the_dtype_and_what_it_can_hold(dtype, offset, safe):
    voxels = np.abs(image((2, 8, 9))).clip(0, 100).astype(dtype)
    ours = forced(RandShiftIntensityd("image", 1.0, safe=safe), voxels, {"offset": offset})
    theirs = mt.ShiftIntensity(offset, safe=safe)(voxels)
    assert_close(ours, theirs, 5e-4 if dtype == np.float16 else 1e-6)
    if safe and dtype == np.uint8:
        assert int(ours.min()) == max(0, int(voxels.min() + offset))


@pytest.mark.parametrize(
    "arguments",
    [
        {"factor_key": "mean"},
        {"factor_key": ["mean", "none"], "meta_keys": ["image_meta_dict", "facts"]},
        {"factor_key": "mean", "meta_key_postfix": "facts"},
    ],
    ids=str,
)
def test_the_offset_is_multiplied_by_the_factor_of_the_image(arguments):
    keys = ["image", "other"]
    sample = {
        "image": MetaTensor(image((1, 4, 5))),
        "other": MetaTensor(image((1, 4, 5))),
        "image_meta_dict": {"mean": 10.0},
        "other_facts": {"mean": 3.0},
        "facts": {"none": torch.tensor(0.5)},
    }
    given = {"keys": keys, "offsets": (2.0, 2.0), "prob": 1.0, **arguments}
    theirs = mt.RandShiftIntensityd(**given)(sample)
    ours = RandShiftIntensityd(**given)
    for transform in (ours, FusedIntensity([ours])):
        result = transform(sample)
        for key in keys:
            assert_close(result[key], theirs[key])
    with pytest.raises(ValueError, match="meta_keys"):
        RandShiftIntensityd(keys, 1.0, meta_keys=["one"])


@shapes
@pytest.mark.parametrize("points", [3, 10, 64])
def test_histogram_shift_is_monais(shape, points):
    moved = np.sort(np.random.default_rng(points).random(points))
    moved[0], moved[-1] = 0, 1
    theirs = mt.RandHistogramShift(prob=1.0)
    theirs.reference_control_points = np.linspace(0, 1, points)
    theirs.floating_control_points = moved
    ours = forced(RandHistogramShiftd("image"), image(shape), {"moved": moved.tolist()})
    assert_close(ours, theirs(image(shape), randomize=False), 5e-6)


def test_histogram_shift_draws_what_monai_draws():
    ours = RandHistogramShiftd("image", (7, 4), prob=1.0)
    theirs = mt.RandHistogramShift((7, 4), prob=1.0).set_random_state(0)
    mine = [
        ours.sample(SAMPLE, generator(n))["parameters"]["image"][0][0]["moved"] for n in range(3000)
    ]
    other = []
    for _ in range(3000):
        theirs.randomize()
        other.append(theirs.floating_control_points)
    assert {len(points) for points in mine} == {4, 5, 6, 7}
    for place in (1, 2, -2):
        values = np.array([points[place] for points in mine])
        assert_same_distribution(values, [points[place] for points in other])
    numbers = {
        len(p["moved"])
        for p in RandHistogramShiftd("image", 10, 1.0).sample(SAMPLE, generator(0))["parameters"][
            "image"
        ][0]
    }
    assert numbers == {10}


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: RandAdjustContrastd("image", gamma=0.5), "gamma"),
        (lambda: RandAdjustContrastd("image", gamma=(0.0, 1.0)), "gamma"),
        (lambda: RandAdjustContrastd("image", gamma=(1, 2, 3)), "gamma"),
        (lambda: RandScaleIntensityd("image", (1, 2, 3)), "factors"),
        (lambda: RandShiftIntensityd("image", (1,)), "offsets"),
        (lambda: RandHistogramShiftd("image", 2), "control_points"),
        (lambda: RandHistogramShiftd("image", (3, 5000)), "control_points"),
    ],
)
def test_ranges_that_make_no_sense_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
