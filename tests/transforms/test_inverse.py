"""Everything inverts: alone, in MONAI's compositions, after collation, elastic included."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor, TestTimeAugmentation, decollate_batch
from monai.transforms import (
    BatchInverseTransform,
    CenterSpatialCropd,
    Compose,
    Invertd,
    RandSpatialCropd,
)
from volumes import KEYS, coordinates, dice, hippocampus_paths, load

from medaug.geometry import Warp
from medaug.transforms import (
    Fused,
    PadCropd,
    RandAffined,
    RandCropd,
    RandElasticd,
    RandFlipd,
    RandGaussianNoised,
    RandRotate90d,
    RandSpatiald,
    RandZoomd,
    Resampled,
)

ALL = [*KEYS, "seen"]
MODES = {"mode": ["linear", "vote", "linear"]}


@pytest.fixture(scope="module")
def scan(hippocampus) -> dict:
    """A real scan, its labels, and ones that tell what a transform has cut off."""
    sample = load(hippocampus_paths(hippocampus)[0])
    sample["seen"] = torch.ones_like(sample["image"])
    return sample


@pytest.fixture(scope="module")
def fine_scan(scan) -> dict:
    """The same in voxels of half a millimetre: small against the structures, so little is lost."""
    fine = Resampled(ALL, spacing_mm=0.5, **MODES)(scan)
    for key in ALL:
        fine[key].applied_operations = []
    return fine


def there_and_back(transform, sample: dict, seed: int) -> dict:
    if hasattr(transform, "set_random_state"):
        transform.set_random_state(seed=seed)
    result = transform(sample)
    back = transform.inverse(result)
    for key in KEYS:
        assert back[key].shape == sample[key].shape
        torch.testing.assert_close(back[key].affine, sample[key].affine)
        assert back[key].applied_operations == []
    return back


def dice_where_seen(back: dict, sample: dict, label: int) -> float:
    seen = np.asarray(back["seen"]) > 0.999
    assert seen.mean() > 0.2
    return dice(np.asarray(back["label"])[seen], np.asarray(sample["label"])[seen], label)


MOVING = {
    "affine": RandAffined(
        ALL, rotate_degrees=20, scale=0.2, shear_degrees=5, translate_mm=4, **MODES
    ),
    "zoom": RandZoomd(ALL, zoom=[(1.1, 1.3), (0.8, 1), 0.1], **MODES),
    "elastic": RandElasticd(ALL, elastic_spacing_mm=12, elastic_std_mm=0.9, **MODES),
    # Three lattices, one after the other.
    "strong elastic": RandElasticd(ALL, elastic_spacing_mm=12, elastic_std_mm=2.4, **MODES),
    "joint": RandSpatiald(
        ALL,
        rotate_degrees=20,
        scale=0.2,
        elastic_spacing_mm=16,
        elastic_std_mm=1.0,
        flip_prob=0.5,
        spatial_size=(80, 110, 70),
        **MODES,
    ),
    "resampled": Resampled(ALL, spacing_mm=(0.4, 0.5, 0.3), **MODES),
    "fused": Fused(
        [
            RandCropd(ALL, (64, 96, 64)),
            RandElasticd(ALL, elastic_spacing_mm=12, elastic_std_mm=0.9, **MODES),
            RandRotate90d(ALL),
            RandAffined(ALL, rotate_degrees=15, scale=0.1),
        ]
    ),
}


@pytest.mark.parametrize("name", ["affine", "zoom", "elastic", "resampled", "fused"])
def test_real_labels_of_a_millimetre_come_back(name, hippocampus):
    """On average over scans: two resamples of structures of a few voxels lose that much."""
    overlaps = []
    for paths in hippocampus_paths(hippocampus, count=4):
        sample = load(paths)
        sample["seen"] = torch.ones_like(sample["image"])
        for seed in range(3):
            back = there_and_back(MOVING[name], sample, seed)
            overlaps += [dice_where_seen(back, sample, label) for label in (1, 2)]
    assert np.mean(overlaps) > 0.97
    assert min(overlaps) > 0.95


@pytest.mark.parametrize("name", MOVING)
def test_real_labels_come_back(name, fine_scan):
    for seed in range(3):
        back = there_and_back(MOVING[name], fine_scan, seed)
        for label in (1, 2):
            assert dice_where_seen(back, fine_scan, label) > 0.97


EXACT = {
    "flip": RandFlipd(ALL, flip_prob=0.5),
    "quarter turns": RandRotate90d(ALL, axes=(2, 1)),
    "pad": PadCropd(ALL, (40, 52, 60)),
    "fused": Fused([RandFlipd(ALL), PadCropd(ALL, 61), RandRotate90d(ALL), RandFlipd(ALL)]),
}


@pytest.mark.parametrize("name", EXACT)
def test_what_only_moves_whole_voxels_comes_back_to_the_bit(name, scan):
    for seed in range(3):
        back = there_and_back(EXACT[name], scan, seed)
        for key in KEYS:
            np.testing.assert_array_equal(back[key], scan[key])
            assert back[key].dtype == scan[key].dtype


def test_what_a_crop_has_cut_off_comes_back_as_the_padding_value(scan):
    crop = RandCropd(KEYS, (16, 20, 16), padding_value=[-5, 0]).set_random_state(seed=0)
    result = crop(scan)
    back = crop.inverse(result)["image"]
    assert (back != -5).sum() == 16 * 20 * 16
    np.testing.assert_array_equal(back[back != -5], scan["image"][back != -5])


@pytest.mark.parametrize("std_mm", [0.9, 2.4, 6.0])
def test_points_come_back_to_a_thousandth_of_a_voxel(std_mm, rng):
    transform = Fused(
        [
            RandElasticd("image", elastic_spacing_mm=12, elastic_std_mm=std_mm),
            RandAffined("image", rotate_degrees=20, scale=0.2),
            RandCropd("image", 20),
        ]
    )
    for seed in range(3):
        record = transform.set_random_state(seed=seed).sample(
            {"image": coordinates((32, 36, 40))}, transform.randomize()
        )
        warp = Warp.from_dict(json.loads(json.dumps(record))["warp"])
        points = rng.uniform(-2, 34, (200, 3))
        there = warp.inverse((32, 36, 40)).map_points(points)
        np.testing.assert_allclose(warp.map_points(there), points, atol=1e-3)
        back = warp.inverse((32, 36, 40)).map_points(warp.map_points(points))
        np.testing.assert_allclose(back, points, atol=1e-3)


def pipeline() -> Compose:
    """medaug among MONAI's own, as in training."""
    return Compose(
        [
            CenterSpatialCropd(KEYS, (34, 48, 34)),
            Fused(
                [
                    RandFlipd(KEYS),
                    RandElasticd(KEYS, elastic_spacing_mm=14, elastic_std_mm=0.8),
                    RandAffined(KEYS, rotate_degrees=15, mode=["cubic", "vote"]),
                ]
            ),
            RandGaussianNoised("image", std=1),
            RandSpatialCropd(KEYS, (30, 40, 30), random_size=False),
            PadCropd(KEYS, 44),
        ]
    )


def test_compose_inverts_medaug_among_monais_own(scan):
    transform = pipeline().set_random_state(seed=1)
    back = transform.inverse(transform(scan))
    assert back["label"].shape == scan["label"].shape
    torch.testing.assert_close(back["label"].affine, scan["label"].affine)
    inner = (slice(None), slice(9, -9), slice(12, -12), slice(9, -9))
    assert dice(back["label"][inner] > 0, scan["label"][inner] > 0, 1) > 0.95


@pytest.mark.parametrize("mode", ["linear", "cubic", "nearest", "vote"])
def test_invertd_brings_a_prediction_back_to_its_scan_as_labels(mode, scan):
    transform = Compose(
        [RandAffined("image", rotate_degrees=(15, 20), scale=0.1, mode=mode), PadCropd("image", 64)]
    ).set_random_state(seed=0)
    result = transform({"image": scan["image"]})
    labels = RandAffined("label", mode="nearest").apply(
        {"label": scan["label"]},
        json.loads(result["image"].applied_operations[0]["extra_info"]["record"]),
    )
    result["pred"] = MetaTensor(PadCropd("label", 64)(labels)["label"].as_tensor())
    back = Invertd("pred", transform, orig_keys="image", nearest_interp=True)(result)["pred"]
    assert set(np.unique(back)) == {0, 1, 2}
    torch.testing.assert_close(back.affine, scan["label"].affine)
    for label in (1, 2):
        assert dice(back, scan["label"], label) > 0.95


def test_invertd_interpolates_probabilities_where_it_is_told_to(scan):
    transform = RandAffined("image", rotate_degrees=(15, 20), mode="cubic")
    result = transform({"image": scan["image"]})
    soft = MetaTensor(torch.rand(result["image"].shape, generator=torch.manual_seed(0)))
    back = Invertd("pred", transform, orig_keys="image", nearest_interp=False)(
        {**result, "pred": soft}
    )["pred"]
    assert len(np.setdiff1d(back, soft)) > 10_000


@pytest.mark.parametrize("n_workers", [0, 2])
def test_a_batch_inverts_after_collation(n_workers, scan):
    transform = pipeline()
    samples = [{key: scan[key] for key in KEYS} for _ in range(4)]
    loader = DataLoader(
        Dataset(samples, transform),
        batch_size=2,
        num_workers=n_workers,
        multiprocessing_context="fork" if n_workers else None,
    )
    inner = (slice(None), slice(9, -9), slice(12, -12), slice(9, -9))
    for batch in loader:
        for item in BatchInverseTransform(transform, loader)(batch):
            assert item["image"].shape == scan["image"].shape
            assert dice(item["label"][inner] > 0, scan["label"][inner] > 0, 1) > 0.95


def test_a_batch_of_plain_tensors_inverts_after_collation():
    image = coordinates((16, 18, 20))
    samples = [{"image": torch.from_numpy(image + n)} for n in range(2)]
    transform = Compose(
        [RandFlipd("image"), RandRotate90d("image", axes=(0, 2)), PadCropd("image", 20)]
    )
    (batch,) = DataLoader(Dataset(samples, transform), batch_size=2, num_workers=0)
    for n, item in enumerate(decollate_batch(batch)):
        np.testing.assert_array_equal(transform.inverse(item)["image"], image + n)


def test_test_time_augmentation_agrees_with_the_labels(scan):
    """The labels stand in for the image, and what was seen of them for a prediction."""
    transform = RandSpatiald(
        "image",
        rotate_degrees=10,
        scale=0.1,
        elastic_spacing_mm=14,
        elastic_std_mm=0.8,
        flip_prob=0.5,
        mode="nearest",
        padding_mode="border",
    ).set_random_state(seed=0)
    augmentation = TestTimeAugmentation(
        Compose([transform]), batch_size=2, image_key="image", orig_key="image", progress=False
    )
    mode, _, std, _ = augmentation({"image": scan["label"]}, num_examples=8)
    assert mode.shape == scan["label"].shape
    for label in (1, 2):
        assert dice(mode, scan["label"], label) > 0.97
    assert 0 < (np.asarray(std) > 0).mean() < 0.2  # only along the faces


def test_inverting_leaves_the_trace_of_its_input(scan):
    result = MOVING["affine"](scan)
    MOVING["affine"].inverse(result)
    assert [len(result[key].applied_operations) for key in ALL] == [
        len(scan[key].applied_operations) + 1 for key in ALL
    ]
