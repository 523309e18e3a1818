"""What cannot be is refused early, by an error that names the argument or key and the value."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from volumes import KEYS, coordinates

import medaug.transforms.voxels
from medaug.transforms import (
    Fused,
    PadCropd,
    RandAffined,
    RandCropd,
    RandElasticd,
    RandFlipd,
    RandRotate90d,
    RandSpatiald,
    RandZoomd,
    Resampled,
)

ELASTIC = {"elastic_spacing_mm": 10, "elastic_std_mm": 1}


@pytest.mark.parametrize(
    ("cls", "arguments", "message"),
    [
        (RandSpatiald, {"rotate_degrees": (10, -10)}, r"rotate_degrees.*upside down.*\(10, -10\)"),
        (RandSpatiald, {"rotate_degrees": (1, 2, 3, 4)}, r"rotate_degrees.*\(1, 2, 3, 4\)"),
        (RandSpatiald, {"scale": 1.0}, r"scale must stay above 0.*\(0\.0, 2\.0\)"),
        (RandAffined, {"scale": [(0.5, 1), (-1, 1), 0]}, r"scale must stay above 0.*\(-1\.0, 1"),
        (RandSpatiald, {"shear_degrees": 60}, r"shear_degrees.*60"),
        (RandSpatiald, {"translate_mm": float("inf")}, r"translate_mm.*inf"),
        (RandElasticd, {"elastic_std_mm": -1}, r"elastic_std_mm.*-1"),
        (RandElasticd, {"elastic_std_mm": (2, 1)}, r"elastic_std_mm.*upside down.*\(2, 1\)"),
        (RandElasticd, {"elastic_spacing_mm": 0}, r"elastic_spacing_mm.*0"),
        (RandZoomd, {"zoom": (1.2, 0.8)}, r"zoom.*upside down.*\(1\.2, 0\.8\)"),
        (RandZoomd, {"zoom": 1}, r"zoom must stay above 0.*\(0\.0, 2\.0\)"),
        (RandSpatiald, {"elastic_prob": 2}, r"elastic_prob.*2"),
        (RandAffined, {"prob": -0.5}, r"prob.*-0\.5"),
        (RandFlipd, {"flip_prob": [0.5] * 4}, r"flip_prob.*0\.5, 0\.5, 0\.5, 0\.5"),
        (RandFlipd, {"flip_prob": 1.5}, r"flip_prob.*1\.5"),
        (RandFlipd, {"swap_labels": [(1, 1)]}, r"swap_labels.*\(1, 1\)"),
        (RandFlipd, {"swap_labels": [(1, 2), (2, 3)]}, r"swap_labels.*\(1, 2\), \(2, 3\)"),
        (RandFlipd, {"swap_labels": [1, 2]}, r"swap_labels must be pairs.*\[1, 2\]"),
        (RandFlipd, {"swap_labels": [(1, 2, 3)]}, r"swap_labels must be pairs.*\(1, 2, 3\)"),
        (RandFlipd, {"swap_labels": [(1, 2.5)]}, r"swap_labels.*whole.*2\.5"),
        (RandFlipd, {"swap_labels": [(1, 2)], "label_key": "seg"}, r"label_key 'seg'.*'label'"),
        (RandSpatiald, {"swap_labels": [(1, 2)]}, r"swap_labels.*'label'.*'linear'"),
        (RandRotate90d, {"max_turns": 0}, r"max_turns.*0"),
        (RandRotate90d, {"max_turns": 1.5}, r"max_turns.*1\.5"),
        (RandRotate90d, {"axes": (0, 0)}, r"axes.*\(0, 0\)"),
        (RandRotate90d, {"axes": (0, 3)}, r"axes.*\(0, 3\)"),
        (RandRotate90d, {"axes": (0, 1, 2)}, r"axes.*\(0, 1, 2\)"),
        (RandSpatiald, {"mode": "bilinear"}, r"mode.*linear, .*'bilinear'"),
        (RandAffined, {"mode": ("linear",) * 3}, r"mode.*2 keys.*'linear', 'linear', 'linear'"),
        (PadCropd, {"spatial_size": 4, "padding_mode": "zeros"}, r"padding_mode.*'zeros'"),
        (PadCropd, {"spatial_size": 4, "padding_value": [1]}, r"padding_value.*2 keys.*\[1\]"),
        (RandFlipd, {"point_space": "mm"}, r"point_space.*'mm'"),
        (RandFlipd, {"backend": "cuda"}, r"backend.*'cuda'"),
        (RandSpatiald, {"spatial_size": 0}, r"spatial_size.*0"),
        (RandCropd, {"spatial_size": (4, 0, 4)}, r"spatial_size.*\(4, 0, 4\)"),
        (PadCropd, {"spatial_size": (4,)}, r"spatial_size.*\(4,\)"),
        (PadCropd, {"spatial_size": -2}, r"spatial_size.*-2"),
        (Resampled, {"spatial_size": [4, 4, 4, 4]}, r"spatial_size.*\[4, 4, 4, 4\]"),
        (RandCropd, {"spatial_size": 4, "method": "centre"}, r"method.*'centre'"),
        (RandCropd, {"spatial_size": 4, "class_ratios": {1: 1}}, r"class_ratios.*'random'"),
        (Resampled, {"spacing_mm": 0}, r"spacing_mm.*0"),
        (Resampled, {"spacing_mm": (1, -1, 1)}, r"spacing_mm.*\(1, -1, 1\)"),
        (Resampled, {"spacing_mm": float("nan")}, r"spacing_mm.*nan"),
        (Resampled, {"spacing_mm": (1,)}, r"spacing_mm.*\(1,\)"),
        (Resampled, {}, r"spacing_mm=None.*spatial_size=None"),
        (Resampled, {"spacing_mm": 1, "spatial_size": 4}, r"spacing_mm=1.*spatial_size=4"),
    ],
)
def test_impossible_arguments_are_refused_when_built(cls, arguments, message):
    with pytest.raises(ValueError, match=message):
        cls(KEYS, **arguments)


@pytest.mark.parametrize(
    ("ratios", "error", "message"),
    [
        ({1: -1}, ValueError, r"class_ratios.*1: -1"),
        ({1: 0, 2: 0}, ValueError, r"class_ratios.*one must be positive.*1: 0"),
        ({}, ValueError, r"class_ratios.*one must be positive"),
        ({1: float("nan")}, ValueError, r"class_ratios.*finite.*nan"),
        ({1: float("inf")}, ValueError, r"class_ratios.*finite.*inf"),
        ({"one": 1}, ValueError, r"class_ratios.*whole.*'one'"),
        ({1.5: 1}, ValueError, r"class_ratios.*whole.*1\.5"),
        ({1: "much"}, TypeError, r"class_ratios.*'much'"),
        ([0.5, 0.5], TypeError, r"class_ratios.*\[0\.5, 0\.5\]"),
    ],
)
def test_impossible_class_ratios_are_refused_when_built(ratios, error, message):
    with pytest.raises(error, match=message):
        RandCropd(KEYS, 4, method="foreground", class_ratios=ratios)


@pytest.mark.parametrize(
    ("cls", "arguments", "message"),
    [
        (PadCropd, {"spatial_size": 4.5}, r"spatial_size.*4\.5"),
        (PadCropd, {"spatial_size": (4, 4.5, 4)}, r"spatial_size.*4\.5"),
        (RandCropd, {"spatial_size": "16"}, r"spatial_size.*'16'"),
        (RandSpatiald, {"spatial_size": float("nan")}, r"spatial_size.*nan"),
        (Resampled, {"spacing_mm": "1"}, r"spacing_mm.*'1'"),
        (Resampled, {"spacing_mm": (1, None, 1)}, r"spacing_mm.*None"),
        (RandFlipd, {"padding_value": "0"}, r"padding_value.*'0'"),
        (RandFlipd, {"padding_value": [0, None]}, r"padding_value.*None"),
    ],
)
def test_arguments_of_a_wrong_type_are_refused_when_built(cls, arguments, message):
    with pytest.raises(TypeError, match=message):
        cls(KEYS, **arguments)


@pytest.mark.parametrize(
    ("cls", "given"),
    [
        (RandSpatiald, {}),
        (RandAffined, {}),
        (RandElasticd, {}),
        (RandZoomd, {}),
        (RandFlipd, {}),
        (RandRotate90d, {}),
        (RandCropd, {"spatial_size": 4}),
        (PadCropd, {"spatial_size": 4}),
        (Resampled, {"spacing_mm": 1}),
    ],
)
def test_an_unknown_option_is_refused_by_its_name(cls, given):
    with pytest.raises(TypeError, match=rf"{cls.__name__} takes no argument interpolation"):
        cls(KEYS, interpolation="linear", **given)


def test_numpys_numbers_are_numbers():
    size = np.array([4, 5, 6])
    sample = {"image": coordinates((8, 8, 8))}
    assert PadCropd("image", size)(sample)["image"].shape == (3, 4, 5, 6)
    assert PadCropd("image", np.int64(4))(sample)["image"].shape == (3, 4, 4, 4)
    assert Resampled("image", spacing_mm=np.float32(2))(sample)["image"].shape == (3, 4, 4, 4)


@pytest.fixture
def untouched(monkeypatch):
    """Fail where voxels are resampled."""

    def resample(*args):
        pytest.fail("voxels were touched")

    monkeypatch.setattr(medaug.transforms.voxels, "resample_arrays", resample)


ANY = RandSpatiald(KEYS, rotate_degrees=10, mode=["linear", "vote"])
GOOD = {"image": coordinates((12, 13, 14)), "label": np.zeros((1, 12, 13, 14), np.uint8)}


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        ({"image": np.zeros((12, 13))}, ValueError, r"'image'.*\[12, 13\]"),
        ({"image": np.zeros((1, 1, 12, 13, 14))}, ValueError, r"'image'.*\[1, 1, 12, 13, 14\]"),
        ({"image": np.zeros((1, 0, 13, 14))}, ValueError, r"'image'.*\[1, 0, 13, 14\]"),
        ({"label": torch.zeros(0, 12, 13, 14)}, ValueError, r"'label'.*\[0, 12, 13, 14\]"),
        ({"image": [[[1.0]]]}, TypeError, r"'image'.*list"),
        ({"image": "scan.nii"}, TypeError, r"'image'.*str"),
        ({"image": np.zeros((1, 12, 13, 14), complex)}, TypeError, r"'image'.*complex"),
        ({"image": torch.zeros(1, 12, 13, 14).cfloat()}, TypeError, r"'image'.*complex"),
        ({"image": np.full((1, 12, 13, 14), "a")}, TypeError, r"'image'.*U1"),
        (
            {"label": np.zeros((1, 12, 13, 15))},
            ValueError,
            r"'image': \(12, 13, 14\).*'label': \(12, 13, 15\)",
        ),
        (
            {"label": np.zeros((1, 12, 13))},
            ValueError,
            r"'image': \(12, 13, 14\).*'label': \(12, 13\)",
        ),
        (
            {"image": np.zeros((1, 12, 13)), "label": np.zeros((1, 12, 13, 1))},
            ValueError,
            r"'image': \(12, 13\).*'label': \(12, 13, 1\)",
        ),
        (
            {"label": np.full((1, 12, 13, 14), 0.5)},
            ValueError,
            r"'label'.*fractions.*0\.5.*float64",
        ),
        ({"label": torch.full((1, 12, 13, 14), 1.25)}, ValueError, r"'label'.*1\.25.*float32"),
        ({"label": np.full((1, 12, 13, 14), np.nan)}, ValueError, r"'label'.*nan"),
    ],
)
def test_a_sample_that_cannot_be_is_refused_before_voxels_are_touched(
    bad, error, message, untouched
):
    with pytest.raises(error, match=message):
        ANY({**GOOD, **bad})


SINGULAR = [
    np.diag([1.0, 0.0, 1.0, 1.0]),
    [[1, 2, 3, 0], [4, 5, 6, 0], [7, 8, 9, 0], [0, 0, 0, 1]],  # by rounding, not exactly 0
    np.diag([1.0, np.nan, 1.0, 1.0]),
    [[1, 0, 0, np.inf], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
]


@pytest.mark.parametrize("affine", SINGULAR)
@pytest.mark.parametrize("key", KEYS)
def test_an_affine_that_is_singular_or_not_finite_is_refused(affine, key, untouched):
    affine = torch.tensor(np.array(affine, np.float64))
    bad = {**GOOD, key: MetaTensor(GOOD[key], affine=affine)}
    with pytest.raises(ValueError, match=rf"affine of '{key}' is singular or not finite.*\[1\.0"):
        ANY(bad)


@pytest.mark.parametrize("spacings", [(1e-3, 1e3, 1.0), (1e-6, 1e-6, 1e-6)])
def test_unlike_or_small_spacings_do_not_make_an_affine_singular(spacings):
    affine = torch.diag(torch.tensor([*spacings, 1.0], dtype=torch.float64))
    image = MetaTensor(GOOD["image"], affine=affine)
    assert RandFlipd("image", flip_prob=1)({"image": image})["image"].shape == image.shape


def test_floating_labels_that_are_whole_are_labels():
    for kind in (np.asarray, torch.from_numpy):
        label = np.arange(12 * 13 * 14, dtype=np.float32).reshape(1, 12, 13, 14) % 3
        result = ANY({**GOOD, "label": kind(label)})["label"]
        assert set(np.unique(result)) <= {0, 1, 2}


def test_fractions_may_move_by_the_nearest_voxel():
    label = np.full((1, 4, 4, 4), 0.5)
    result = RandFlipd("label", flip_prob=1)({"label": label})["label"]
    np.testing.assert_array_equal(result, label)


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
@pytest.mark.parametrize(
    ("dtype", "value"),
    [(np.uint8, -1), (np.uint8, 256), (np.int16, 0.5), (np.int16, float("nan")), (bool, 2)],
)
def test_a_padding_value_that_the_dtype_cannot_hold_is_refused(kind, dtype, value, untouched):
    label = kind(np.zeros((1, 4, 5, 6), dtype))
    for transform in (
        PadCropd("label", 8, padding_value=value),
        RandAffined("label", rotate_degrees=5, mode="vote", padding_value=value),
    ):
        with pytest.raises(ValueError, match=rf"padding_value {value:g} .*'label'"):
            transform({"label": label})


def test_a_padding_value_that_is_not_used_or_fits_is_accepted():
    label = np.zeros((1, 4, 5, 6), np.uint8)
    PadCropd("label", 8, padding_value=-1, padding_mode="border")({"label": label})
    assert PadCropd("label", 8, padding_value=255)({"label": label})["label"].max() == 255
    PadCropd("label", 8, padding_value=float("nan"))({"label": label.astype(np.float32)})


def test_labels_to_swap_that_the_dtype_cannot_hold_are_refused(untouched):
    flip = RandFlipd("label", flip_prob=0.5, swap_labels=[(1, 300)])
    with pytest.raises(ValueError, match=r"swap_labels 300 .*'label'.*uint8"):
        flip({"label": GOOD["label"]})


@pytest.mark.parametrize("rank", [2, 3])
def test_control_points_further_apart_than_the_volume_are_refused(rank, untouched):
    image = np.zeros((1, *(12, 13, 14)[:rank]), np.float32)
    longest = (12, 13, 14)[rank - 1]
    for transform in (RandElasticd("image", **ELASTIC), RandSpatiald("image", **ELASTIC)):
        transform.sample({"image": image}, transform.randomize())  # fits
    for transform in (
        RandElasticd("image", elastic_spacing_mm=(5, 20), elastic_std_mm=1),
        RandSpatiald("image", elastic_spacing_mm=20, elastic_std_mm=(0, 1), elastic_prob=0.1),
        Fused([RandElasticd("image", elastic_spacing_mm=20, elastic_std_mm=1)]),
    ):
        message = rf"elastic_spacing_mm is larger than the volume: 20 mm against {longest} mm"
        with pytest.raises(ValueError, match=message):
            transform({"image": image})


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (PadCropd("image", (4, 4, 4)), r"spatial_size must have 2 entries.*\(4, 4, 4\)"),
        (Resampled("image", spacing_mm=(1, 1, 2)), r"spacing_mm must have 2 entries.*\(1.*2"),
        (RandRotate90d("image", axes=(1, 2)), r"axes \(1, 2\).*2D"),
    ],
)
def test_what_is_meant_for_another_rank_is_refused(transform, message, untouched):
    with pytest.raises(ValueError, match=message):
        transform({"image": np.zeros((1, 5, 6), np.float32)})


@pytest.mark.parametrize(
    ("points", "error", "message"),
    [
        ([[1, 2, 3]], TypeError, r"'points'.*list"),
        (np.zeros((4, 2)), ValueError, r"'points'.*\[\.\.\., 3\].*\[4, 2\]"),
        (np.zeros(3), ValueError, r"'points'.*\[3\]"),
    ],
)
def test_points_that_cannot_be_are_refused(points, error, message, untouched):
    with pytest.raises(error, match=message):
        RandFlipd("image", point_keys="points")({"image": GOOD["image"], "points": points})


def test_a_foreground_crop_needs_its_label_and_one_channel_of_it(untouched):
    crop = RandCropd(KEYS, 4, method="foreground")
    with pytest.raises(ValueError, match=r"'label'.*one channel.*\[3, 12, 13, 14\]"):
        crop({**GOOD, "label": np.zeros((3, 12, 13, 14), np.uint8)})
    with pytest.raises(KeyError, match="label"):
        crop({"image": GOOD["image"]})
    with pytest.raises(ValueError, match=r"label_key 'label'.*\['image'\]"):
        RandCropd("image", 4, method="foreground")


def test_a_sample_without_any_key_is_refused():
    flip = RandFlipd(KEYS, allow_missing_keys=True)
    with pytest.raises(KeyError, match=r"none of the keys \['image', 'label'\]"):
        flip({"case": "one"})


def test_a_dtype_that_numpy_lacks_is_refused_by_its_key():
    image = torch.zeros((1, 4, 5, 6), dtype=torch.bfloat16)
    with pytest.raises(TypeError, match=r"'image' has dtype torch\.bfloat16"):
        RandSpatiald("image", rotate_degrees=10)({"image": image})
    with pytest.raises(TypeError, match=r"'image' must hold real numbers.*complex64"):
        RandSpatiald("image")({"image": np.zeros((1, 4, 5, 6), np.complex64)})
