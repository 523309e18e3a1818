"""A fused run is the same as its parts one after the other, but for one resample."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from monai.transforms import Compose
from monai.transforms import RandFlipd as MonaiRandFlipd
from volumes import KEYS, coordinates, oblique_affine, with_affine

import medaug.transforms.voxels
from medaug.geometry import Warp
from medaug.rng import generator
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

MODES = ["linear", "nearest"]
AFFINE = RandAffined(KEYS, rotate_degrees=20, scale=0.1, shear_degrees=4, translate_mm=2)
ELASTIC = RandElasticd(KEYS, elastic_spacing_mm=12, elastic_std_mm=0.8)
STRONG = RandElasticd(KEYS, prob=0.7, elastic_spacing_mm=10, elastic_std_mm=2.0)
SPATIAL = RandSpatiald(
    KEYS,
    prob=0.8,
    rotate_degrees=10,
    rotate_prob=0.5,
    elastic_spacing_mm=14,
    elastic_std_mm=1,
    flip_prob=0.5,
    spatial_size=(16, 18, 20),
)
FLIP = RandFlipd(KEYS, flip_prob=0.5)
TURN = RandRotate90d(KEYS, axes=(2, 0))
CROP = RandCropd(KEYS, (14, -1, 16))
FINER = Resampled(KEYS, spacing_mm=(0.7, 1.0, 1.5))
PAD = PadCropd(KEYS, (30, 20, 31))

RUNS = [
    [AFFINE],
    [AFFINE, ELASTIC],
    [ELASTIC, CROP],
    [CROP, ELASTIC],
    [PAD, STRONG, CROP, AFFINE],
    [FLIP, TURN, SPATIAL, FINER],
    [FINER, RandZoomd(KEYS, zoom=0.2), TURN, ELASTIC, PAD],
    [Fused([FLIP, ELASTIC]), CROP, Fused([TURN, Fused([AFFINE])])],
]
every_run = pytest.mark.parametrize("run", RUNS, ids=lambda run: "-".join(map(name_of, run)))


def name_of(transform) -> str:
    parts = getattr(transform, "transforms", ())
    return type(transform).__name__ + (f"({'-'.join(map(name_of, parts))})" if parts else "")


def make_sample() -> dict:
    image = with_affine(coordinates(), oblique_affine())
    return {"image": image, "label": with_affine(coordinates()[:1], oblique_affine())}


def warp_of(record) -> Warp:
    return Warp.from_dict(record["warp"])


def dense_points(shape) -> np.ndarray:
    axes = [np.linspace(-0.5, n - 0.5, 7) for n in shape]
    return np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)


@every_run
@pytest.mark.parametrize("seed", range(4))
def test_its_warp_is_the_chain_of_the_warps_of_its_parts(run, seed):
    sample = make_sample()
    fused = Fused(run)
    result = fused.apply(sample, record := fused.sample(sample, generator(seed)))
    rng, one_by_one, warps = generator(seed), sample, []
    for transform in run:
        part = transform.sample(one_by_one, rng)
        one_by_one = transform.apply(one_by_one, part)
        warps.append(warp_of(part))
    expected = dense_points(warps[-1].output_shape)
    actual = warp_of(record).map_points(expected)
    for warp in reversed(warps):
        expected = warp.map_points(expected)
    np.testing.assert_allclose(actual, expected, atol=1e-6)
    assert result["image"].shape == one_by_one["image"].shape
    torch.testing.assert_close(result["image"].affine, one_by_one["image"].affine)


def test_its_result_is_that_of_its_parts_where_those_lose_nothing():
    keys = ["image", "seen"]
    run = [
        RandCropd(keys, (18, 20, 24)),
        RandAffined(keys, rotate_degrees=20, scale=0.1, shear_degrees=4, translate_mm=2),
        RandElasticd(keys, elastic_spacing_mm=12, elastic_std_mm=0.8),
        RandCropd(keys, 12),
        RandFlipd(keys),
    ]
    image = with_affine(coordinates(), oblique_affine())
    one_by_one = {"image": image, "seen": torch.ones(1, *image.shape[1:])}
    fused, rng = Fused(run), generator(1)
    result = fused.apply(one_by_one, fused.sample(one_by_one, generator(1)))
    for transform in run:
        one_by_one = transform.apply(one_by_one, transform.sample(one_by_one, rng))
    seen = np.asarray(one_by_one["seen"][0]) > 0.999
    assert seen.mean() > 0.3
    off = np.abs(np.asarray(result["image"] - one_by_one["image"]))[:, seen]
    assert off.max() < 0.05  # each resample in between rounds off what bends within a voxel


@every_run
def test_all_keys_of_a_run_are_resampled_once_and_together(run, monkeypatch):
    calls = []
    original = medaug.transforms.voxels.resample_arrays

    def counted(arrays, warp, samplings, threads):
        calls.append(len(arrays))
        return original(arrays, warp, samplings, threads)

    monkeypatch.setattr(medaug.transforms.voxels, "resample_arrays", counted)
    Fused(run)(make_sample())
    assert calls == [2]


def test_what_an_earlier_part_moved_out_a_later_one_brings_back():
    there = RandAffined("image", translate_mm=[(8, 8), 0, 0])
    back = RandAffined("image", translate_mm=[(-8, -8), 0, 0])
    image = coordinates()
    together = Fused([there, back])({"image": image})["image"]
    np.testing.assert_allclose(together, image, atol=1e-5)
    apart = Compose([there, back])({"image": image})["image"]
    assert np.abs(apart - image).max() > 10


def test_it_comes_back_through_its_inverse():
    fused = Fused([FLIP, AFFINE, PAD, ELASTIC]).set_random_state(seed=3)
    sample = make_sample()
    back = fused.inverse(fused(sample))
    inner = (slice(None), *[slice(8, -8)] * 3)
    np.testing.assert_allclose(back["image"][inner], sample["image"][inner], atol=0.05)
    torch.testing.assert_close(back["image"].affine, sample["image"].affine)
    assert back["image"].applied_operations == []


def test_elastic_behind_a_crop_has_control_points_for_the_crop_only():
    def control_points(*run) -> int:
        stages = Fused(run).sample({"image": coordinates((60, 60, 60))}, generator(0))
        (lattice,) = [stage["lattice"] for stage in stages["warp"]["stages"] if "lattice" in stage]
        return int(np.prod(lattice["shape"][1:]))

    elastic = RandElasticd("image", elastic_spacing_mm=10, elastic_std_mm=0.5)
    crop = RandCropd("image", 20)
    assert control_points(crop, elastic) == 5**3
    assert control_points(elastic, crop) == 9**3


@pytest.mark.parametrize("seed", range(5))
def test_a_foreground_crop_finds_its_class_behind_a_rotation(seed):
    label = np.zeros((1, 40, 44, 48), np.uint8)
    label[0, 5:8, 30:33, 10:13] = 1
    label[0, 28:31, 12:15, 38:41] = 2
    for value in (1, 2):
        crop = RandCropd("label", 8, method="foreground", class_ratios={value: 1})
        turn = RandAffined("label", rotate_degrees=30, mode="nearest")
        bend = RandElasticd("label", elastic_spacing_mm=12, elastic_std_mm=0.8)
        result = Fused([turn, bend, crop]).set_random_state(seed=seed)({"label": label})
        assert result["label"].shape == (1, 8, 8, 8)
        assert value in result["label"]


def test_a_foreground_crop_finds_what_little_an_earlier_crop_left_of_a_class():
    label = np.zeros((1, 120, 120, 120), np.uint8)
    label[:, 60:, 60:, 60:] = 2
    crop = RandCropd("label", 2, method="foreground", class_ratios={2: 1})
    middle = Fused([PadCropd("label", 4), crop])  # shows 8 voxels of 216000
    for seed in range(10):
        assert 2 in middle.set_random_state(seed=seed)({"label": label})["label"]


def test_a_foreground_crop_behind_a_flip_goes_by_the_swapped_values():
    label = np.zeros((1, 30, 30, 30), np.uint8)
    label[0, 2:4, 14:16, 14:16] = 1
    label[0, 26:28, 14:16, 14:16] = 2
    flip = RandFlipd("label", flip_prob=[1, 0, 0], swap_labels=[(1, 2)])
    for value, other in [(1, 2), (2, 1)]:
        crop = RandCropd("label", 8, method="foreground", class_ratios={value: 1})
        for run in (Fused([flip, crop]), Compose([flip, crop]), Fused([flip, flip, crop])):
            seen = run.set_random_state(seed=0)({"label": label})["label"]
            assert value in seen
            assert other not in seen


@pytest.mark.parametrize("flips", [1, 2, 3])
def test_label_swaps_of_two_flips_cancel(flips):
    label = np.zeros((1, 6, 5, 4), np.uint8)
    label[0, :2], label[0, 4:], label[0, 2, 2] = 1, 2, 3
    flip = RandFlipd("label", flip_prob=[1, 0, 0], swap_labels=[[1, 2]])
    result = Fused([flip] * flips)({"label": label})["label"]
    swapped = np.array([0, 2, 1, 3], np.uint8)[label][:, ::-1]
    np.testing.assert_array_equal(result, swapped if flips % 2 else label)


def test_the_label_key_of_a_nested_run_is_its_own():
    label = (np.arange(24).reshape(1, 4, 3, 2) % 3).astype(np.uint8)
    flip = RandFlipd("seg", flip_prob=[1, 0, 0], swap_labels=[[1, 2]], label_key="seg")
    nested = Fused([Fused([flip])])
    result = nested({"seg": label})
    np.testing.assert_array_equal(result["seg"], flip({"seg": label})["seg"])
    np.testing.assert_array_equal(nested.inverse(result)["seg"], label)


def test_elastic_is_held_against_the_grid_that_it_meets():
    elastic = RandElasticd("image", elastic_spacing_mm=30, elastic_std_mm=1)
    sample = {"image": coordinates((20, 20, 20))}
    with pytest.raises(ValueError, match=r"elastic_spacing_mm.*30"):
        elastic(sample)
    assert Fused([PadCropd("image", 40), elastic])(sample)["image"].shape == (3, 40, 40, 40)
    with pytest.raises(ValueError, match=r"elastic_spacing_mm.*30"):
        Fused([PadCropd("image", 40), RandCropd("image", 24), elastic])(sample)


def test_what_one_part_says_holds_for_all():
    quiet = RandFlipd(KEYS)
    loud = RandAffined(KEYS, mode=["cubic", "vote"], padding_mode="border", point_keys="points")
    for run in ([quiet, loud], [loud, quiet], [quiet, Fused([loud])]):
        fused = Fused(run)
        assert [sampling.mode for sampling in fused.samplings] == ["cubic", "vote"]
        assert [sampling.padding_mode for sampling in fused.samplings] == ["border"] * 2
        assert fused.point_keys == ("points",)
    assert [sampling.mode for sampling in Fused([quiet, CROP]).samplings] == ["nearest"] * 2
    assert [sampling.mode for sampling in Fused([quiet, AFFINE]).samplings] == ["linear"] * 2


def test_one_for_all_keys_agrees_with_one_for_each():
    one = RandAffined(KEYS, mode="nearest", padding_value=0, point_keys="points")
    each = RandFlipd(
        KEYS, mode=("nearest", "nearest"), padding_value=[0, 0.0], point_keys=["points"]
    )
    assert [sampling.mode for sampling in Fused([one, each]).samplings] == ["nearest"] * 2


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        ({"mode": "nearest"}, {"mode": MODES}, r"mode: .*'nearest'.*'linear'"),
        ({"padding_mode": "border"}, {"padding_mode": "reflect"}, "padding_mode.*border.*reflect"),
        ({"padding_value": [1, 0]}, {"padding_value": 0}, "padding_value.*1, 0.*0, 0"),
        ({"point_keys": "points"}, {"point_keys": "marks"}, "point_keys.*points.*marks"),
        ({"point_space": "world"}, {"point_space": "voxel"}, "point_space.*world.*voxel"),
        ({"backend": "torch"}, {"backend": "compiled"}, "backend.*torch.*compiled"),
        ({"allow_missing_keys": True}, {"allow_missing_keys": False}, "allow_missing_keys"),
    ],
)
def test_parts_that_disagree_are_refused_by_what_they_disagree_about(one, other, message):
    with pytest.raises(ValueError, match=f"disagree about {message}"):
        Fused([RandAffined(KEYS, **one), RandFlipd(KEYS, **other)])


def test_parts_with_other_keys_or_another_label_are_refused():
    with pytest.raises(ValueError, match=r"disagree about keys: .*'image'.*'label'"):
        Fused([RandFlipd("image"), RandFlipd(KEYS)])
    keys = ["one", "other"]
    swaps = {"swap_labels": [(1, 2)]}
    with pytest.raises(ValueError, match="disagree about label_key: 'one' and 'other'"):
        Fused([RandFlipd(keys, label_key=key, **swaps) for key in keys])


def test_a_foreign_transform_and_an_empty_run_are_refused():
    with pytest.raises(TypeError, match=r"medaug's spatial transforms.*RandFlipd"):
        Fused([RandFlipd("image"), MonaiRandFlipd("image")])
    with pytest.raises(TypeError, match=r"medaug's spatial transforms.*RandGaussianNoised"):
        Fused([RandFlipd("image"), medaug.transforms.RandGaussianNoised("image")])
    with pytest.raises(ValueError, match="at least one"):
        Fused([])


def test_swapped_labels_must_not_be_interpolated_by_another_part():
    flip = RandFlipd(KEYS, swap_labels=[(1, 2)])
    with pytest.raises(ValueError, match=r"swap_labels.*'label'.*'linear'"):
        Fused([flip, RandAffined(KEYS)])
    Fused([flip, RandAffined(KEYS, mode=MODES)])


def test_the_record_is_one_warp():
    fused = Fused([CROP, ELASTIC, TURN]).set_random_state(seed=1)
    (note,) = fused(make_sample())["image"].applied_operations
    assert note["class"] == "Fused"
    assert json.loads(note["extra_info"]["record"]).keys() == {"warp", "swap_labels", "affine"}
