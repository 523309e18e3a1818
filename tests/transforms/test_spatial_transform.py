"""What ranges and probabilities mean, and how the joint transform and the thin ones agree."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest
from monai.data import CacheDataset, DataLoader, Dataset, decollate_batch
from monai.transforms import (
    CenterSpatialCropd,
    Compose,
    EnsureChannelFirstd,
    LoadImaged,
    RandSpatialCropd,
)
from volumes import KEYS, coordinates, hippocampus_paths, oblique_affine, with_affine

from medaug.geometry import Warp
from medaug.rng import generator
from medaug.transforms import (
    Fused,
    RandAffined,
    RandElasticd,
    RandFlipd,
    RandRotate90d,
    RandSpatiald,
    RandZoomd,
)

MODES = ["linear", "nearest"]


def everything(keys=KEYS) -> RandSpatiald:
    return RandSpatiald(
        keys,
        rotate_degrees=20,
        scale=0.2,
        shear_degrees=5,
        translate_mm=2,
        elastic_spacing_mm=10,
        elastic_std_mm=0.7,
        flip_prob=0.5,
        mode=MODES[: len(keys)],
    )


def warp_of(transform, seed: int = 0, shape=(20, 24, 28)) -> Warp:
    record = transform.sample({"image": coordinates(shape)}, generator(seed))
    return Warp.from_dict(record["warp"])


def content_map(transform, seed: int = 0):
    """What happens to the image: the inverse of the affine part of the pull-back."""
    return np.linalg.inv(warp_of(transform, seed).affine_part())


@pytest.mark.parametrize("dataset", [Dataset, partial(CacheDataset, progress=False)])
def test_they_live_among_monais_loaders_crops_and_datasets(hippocampus, dataset):
    pipeline = Compose(
        [
            LoadImaged(KEYS),
            EnsureChannelFirstd(KEYS),
            CenterSpatialCropd(KEYS, (34, 40, 34)),
            everything(),
            Fused([RandFlipd(KEYS), RandRotate90d(KEYS, axes=(0, 2))]),
            RandSpatialCropd(KEYS, (24, 24, 24), random_size=False),
        ]
    )
    (case,) = hippocampus_paths(hippocampus)
    loader = DataLoader(dataset([case] * 4, pipeline), batch_size=2, num_workers=2)
    for batch in loader:
        assert batch["image"].shape == batch["label"].shape == (2, 1, 24, 24, 24)
        for item in decollate_batch(batch):
            names = [note["class"] for note in item["image"].applied_operations]
            assert {"RandSpatiald", "Fused"} <= set(names)


def test_the_record_is_a_warp_of_plain_numbers():
    sample = everything()({"image": coordinates(), "label": coordinates()[:1]})
    record = json.loads(sample["image_transforms"][-1]["extra_info"]["record"])
    assert Warp.from_dict(record["warp"]).output_shape == (20, 24, 28)


@pytest.mark.parametrize(
    ("scale", "low", "high"), [(0.3, 0.7, 1.3), ((1.1, 1.2), 1.1, 1.2), ([1, 1], 1, 1)]
)
@pytest.mark.parametrize(
    "build",
    [
        lambda scale: RandSpatiald("image", scale=scale),
        lambda scale: RandAffined("image", scale=scale),
        lambda zoom: RandZoomd("image", zoom=zoom),
    ],
)
def test_a_range_of_factors_fills_its_bounds(build, scale, low, high):
    factors = np.array([np.diag(content_map(build(scale), seed))[:3] for seed in range(100)])
    assert np.ptp(factors, axis=1).max() < 1e-9  # one factor for all axes
    assert low - 1e-9 <= factors.min() <= low + 0.05 * (high - low) + 1e-9
    assert high - 0.05 * (high - low) - 1e-9 <= factors.max() <= high + 1e-9


def test_an_entry_for_each_axis_is_drawn_for_each_axis():
    three = content_map(RandSpatiald("image", scale=[(1.5, 1.5), (0.5, 0.5), 0]))
    np.testing.assert_allclose(np.diag(three), [1.5, 0.5, 1, 1])
    moved = content_map(RandAffined("image", translate_mm=[(2, 2), 0, (-1, -1)]))
    np.testing.assert_allclose(moved[:3, 3], [2, 0, -1])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (RandFlipd("image", flip_prob=[1, 0, 1]), {"flip_prob": [1, 0, 1]}),
        (RandZoomd("image", zoom=(1.3, 1.3)), {"scale": (1.3, 1.3)}),
        (
            RandAffined(
                "image",
                rotate_degrees=[(9, 9), (5, 5), (-3, -3)],
                scale=(0.8, 0.8),
                shear_degrees=(2, 2),
                translate_mm=(1, 1),
            ),
            {
                "rotate_degrees": [(9, 9), (5, 5), (-3, -3)],
                "scale": (0.8, 0.8),
                "shear_degrees": (2, 2),
                "translate_mm": (1, 1),
            },
        ),
    ],
    ids=["flip", "zoom", "affine"],
)
def test_a_thin_transform_is_the_joint_one_with_one_purpose(one, other):
    sample = {"image": with_affine(coordinates(), oblique_affine())}
    joint = RandSpatiald("image", mode=one.default_mode, **other)(sample)["image"]
    np.testing.assert_array_equal(one(sample)["image"], joint)


def test_the_elastic_one_is_as_strong_as_the_joint_one():
    points = np.stack(np.meshgrid(*[np.arange(0, n, 2) for n in (20, 24, 28)]), -1).reshape(-1, 3)
    strong = {"elastic_spacing_mm": 10, "elastic_std_mm": 0.7}
    for transform in (RandElasticd("image", **strong), RandSpatiald("image", **strong)):
        moved = [warp_of(transform, seed).map_points(points) - points for seed in range(20)]
        assert np.sqrt(np.mean(np.square(moved))) == pytest.approx(0.7, rel=0.1)


def test_each_effect_takes_part_with_its_own_probability():
    transform = RandSpatiald(
        "image", prob=0.8, rotate_degrees=10, rotate_prob=0.5, flip_prob=[0.25, 0, 0]
    )
    turned = flipped = 0
    for seed in range(600):
        matrix = warp_of(transform, seed, (3, 3, 3)).affine_part()[:3, :3]
        turned += not np.array_equal(np.abs(matrix), np.eye(3))
        flipped += np.linalg.det(matrix) < 0
    assert turned / 600 == pytest.approx(0.4, abs=0.06)
    assert flipped / 600 == pytest.approx(0.2, abs=0.05)


@pytest.mark.parametrize("prob", [0.25, 0.9])
def test_each_fires_with_its_probability(prob):
    for transform in (
        RandAffined("image", prob, rotate_degrees=10),
        RandElasticd("image", prob, elastic_spacing_mm=2, elastic_std_mm=0.1),
        RandZoomd("image", prob),
        RandFlipd("image", prob, flip_prob=1),
        RandRotate90d("image", prob),
    ):
        fired = sum(bool(warp_of(transform, seed, (3, 3, 3)).stages) for seed in range(400))
        assert fired / 400 == pytest.approx(prob, abs=0.07)


def test_a_plane_is_moved_as_a_volume_of_one_slice():
    plane = coordinates((20, 24))
    transform = everything(["image"])
    record = transform.sample({"image": plane}, generator(3))
    volume = transform.apply({"image": plane[..., None]}, record)["image"]
    np.testing.assert_array_equal(
        transform.apply({"image": plane}, record)["image"], volume[..., 0]
    )
    assert record == transform.sample({"image": plane[..., None]}, generator(3))


def test_a_spacing_in_the_metadata_keeps_a_rotation_rigid():
    image = with_affine(coordinates(), np.diag([1.0, 1.0, 4.0, 1.0]))
    for cls in (RandSpatiald, RandAffined):
        turned = cls("image", rotate_degrees=[(30, 30), 0, 0])({"image": image})["image"]
        linear = turned.affine.numpy()[:3, :3]
        np.testing.assert_allclose(np.linalg.norm(linear, axis=0), [1, 1, 4], atol=1e-6)
        assert np.degrees(np.arccos(linear[1, 1])) == pytest.approx(30)


@pytest.mark.parametrize("change", [lambda x: x[:, ::-1], lambda x: x.astype(">f4")])
def test_both_backends_take_arrays_of_any_strides_and_byte_order(change, rng):
    image = change(rng.normal(size=(1, 9, 10, 11)).astype(np.float32))
    compiled, by_torch = (
        RandSpatiald("image", rotate_degrees=(20, 20), backend=backend)({"image": image})["image"]
        for backend in ("compiled", "torch")
    )
    np.testing.assert_allclose(by_torch, compiled, atol=1e-4)
