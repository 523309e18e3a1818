"""Crops, pads and resizes: the part that was asked for, and no voxel more than it takes."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from monai.data import CacheDataset
from volumes import KEYS, coordinates

import medaug.transforms.voxels
from medaug.transforms import (
    Fused,
    PadCropd,
    RandAffined,
    RandCropd,
    RandElasticd,
    RandGaussianNoised,
    Resampled,
)


def start_of(crop) -> list[int]:
    """The first voxel of a crop of an image that holds its own coordinates."""
    return crop[:, 0, 0, 0].astype(int).tolist()


def test_a_random_crop_is_a_part_of_the_image_to_the_bit():
    image = coordinates()
    crop = RandCropd("image", (7, -1, 20)).set_random_state(seed=0)
    for _ in range(20):
        result = crop({"image": image})["image"]
        i, j, k = start_of(result)
        assert j == 0
        np.testing.assert_array_equal(result, image[:, i : i + 7, :, k : k + 20])


def test_a_random_crop_covers_all_places():
    image = coordinates((5, 4, 6))
    crop = RandCropd("image", (3, 4, 4)).set_random_state(seed=0)
    starts = {tuple(start_of(crop({"image": image})["image"])) for _ in range(200)}
    assert starts == {(i, 0, k) for i in range(3) for k in range(3)}


def test_an_axis_that_is_too_short_is_padded_about_its_centre():
    image = coordinates((5, 20, 6)) + 1
    for method in ("random", "center", "foreground"):
        crop = RandCropd(["image", "label"], (9, 8, 6), method=method, padding_value=-1)
        label = np.zeros((1, 5, 20, 6), np.int16)
        label[0, 4, 19, 5] = 1
        result = crop.set_random_state(seed=1)({"image": image, "label": label})["image"]
        assert result.shape == (3, 9, 8, 6)
        np.testing.assert_array_equal(result[0, :, 0, 0], [-1, -1, 1, 2, 3, 4, 5, -1, -1])


def test_a_foreground_crop_holds_its_voxel_even_at_the_border():
    label = np.zeros((1, 12, 14, 16), np.uint8)
    for corner in np.ndindex(2, 2, 2):
        label[:] = 0
        label[(0, *(-c for c in corner))] = 1
        crop = RandCropd(KEYS, (4, 5, 6), method="foreground")
        result = crop({"image": coordinates(label.shape[1:]), "label": label})
        assert result["label"].sum() == 1
        assert result["image"].shape == (3, 4, 5, 6)


def test_class_ratios_may_come_from_json():
    config = json.loads(
        json.dumps(
            {
                "_target_": "medaug.transforms.RandCropd",
                "keys": "label",
                "spatial_size": 2,
                "method": "foreground",
                "class_ratios": {3: 1},
            }
        )
    )
    crop = ConfigParser({"crop": config}).get_parsed_content("crop")
    label = np.zeros((1, 20, 20, 20), np.uint8)
    label[0, 4, 5, 6], label[0, 10:] = 3, 1
    for seed in range(5):
        assert 3 in crop.set_random_state(seed=seed)({"label": label})["label"]


def test_the_label_may_have_another_key_and_be_a_tensor():
    seg = torch.zeros(1, 20, 22)
    seg[0, 18, 20] = 1
    crop = RandCropd(["seg"], 4, method="foreground", label_key="seg")
    assert crop({"seg": seg})["seg"].sum() == 1


@pytest.mark.parametrize("method", ["random", "center"])
def test_a_crop_of_a_huge_image_reads_the_crop_only(method):
    huge = np.broadcast_to(np.float32(3), (1, 40_000, 40_000, 40_000))
    crop = RandCropd("image", 16, method=method)({"image": huge})["image"]
    assert crop.shape == (1, 16, 16, 16)
    assert np.all(crop == 3)


def test_a_fused_crop_of_a_huge_image_computes_the_crop_only(monkeypatch):
    shapes = []
    original = medaug.transforms.voxels.resample_arrays

    def seen(arrays, warp, samplings, threads):
        shapes.append(warp.output_shape)
        return original(arrays, warp, samplings, threads)

    monkeypatch.setattr(medaug.transforms.voxels, "resample_arrays", seen)
    huge = np.broadcast_to(np.float32(3), (1, 4000, 4000, 4000))
    run = Fused(
        [
            RandAffined("image", rotate_degrees=10, scale=0.1),
            RandCropd("image", 16, method="center"),
            RandElasticd("image", elastic_spacing_mm=8, elastic_std_mm=0.5),
        ]
    )
    result = run({"image": huge})["image"]
    assert shapes == [(16, 16, 16)]
    np.testing.assert_allclose(result, 3, rtol=1e-6)


def test_what_a_crop_gives_does_not_keep_the_whole_image_alive():
    image = coordinates()
    crop = RandCropd("image", 4, method="center")({"image": image})["image"]
    assert not np.shares_memory(crop, image)


@pytest.mark.parametrize("transform", [PadCropd(KEYS, 9), Resampled(KEYS, spatial_size=9)])
def test_a_caching_data_set_keeps_what_is_not_random(transform):
    sample = {"image": coordinates((8, 9, 10)), "label": np.ones((1, 8, 9, 10), np.uint8)}
    dataset = CacheDataset(
        [sample], [transform, RandGaussianNoised("image", std=1)], progress=False
    )
    (cached,) = dataset._cache
    assert cached["image"].shape == (3, 9, 9, 9)
    first, second = dataset[0]["image"], dataset[0]["image"]
    assert not np.array_equal(first, second)


def test_a_spacing_that_is_there_already_changes_no_bit():
    image = coordinates((8, 9, 10))
    assert Resampled("image", spacing_mm=1.000001)({"image": image})["image"] is image


def test_a_finer_grid_shows_the_same_ramp():
    image = coordinates((8, 9, 10))
    finer = Resampled("image", spacing_mm=0.5, padding_mode="border")({"image": image})["image"]
    assert finer.shape == (3, 16, 18, 20)
    np.testing.assert_allclose(finer[0, 1:-1, 0, 0], np.arange(0.25, 7, 0.5), atol=1e-5)


@pytest.mark.parametrize("spacing_mm", [100.0, (100.0, 1.0, 1.0)])
def test_a_spacing_longer_than_the_volume_leaves_one_voxel_in_the_middle(spacing_mm):
    result = Resampled("image", spacing_mm=spacing_mm)({"image": coordinates((9, 9, 9))})["image"]
    assert result.shape[1] == 1
    assert result[0, 0, 0, 0] == 4


def test_labels_resampled_by_vote_stay_labels(rng):
    label = rng.choice([0, 3, 9], (1, 8, 9, 10)).astype(np.int16)
    result = Resampled("label", spacing_mm=0.7, mode="vote")({"label": label})["label"]
    assert result.dtype == np.int16
    assert set(np.unique(result)) <= {0, 3, 9}


def test_two_dimensional_sizes_and_spacings_have_two_entries():
    image = {"image": coordinates((8, 9))}
    assert PadCropd("image", (5, 12))(image)["image"].shape == (2, 5, 12)
    assert RandCropd("image", (5, -1))(image)["image"].shape == (2, 5, 9)
    assert Resampled("image", spacing_mm=(0.5, 1))(image)["image"].shape == (2, 16, 9)
    assert Resampled("image", spatial_size=(3, 4))(image)["image"].shape == (2, 3, 4)
