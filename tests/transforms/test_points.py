"""Points go where the image goes, to a hundredth of a voxel and back to where they were."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor, decollate_batch
from monai.transforms import Compose
from scipy.ndimage import map_coordinates
from volumes import coordinates, oblique_affine, with_affine

from medaug.geometry import Warp
from medaug.transforms import (
    Fused,
    PadCropd,
    RandAffined,
    RandCropd,
    RandElasticd,
    RandFlipd,
    RandRotate90d,
    RandSpatiald,
    Resampled,
)

SHAPE = (24, 28, 30)
KINDS = {"ndarray": np.asarray, "tensor": torch.from_numpy, "metatensor": MetaTensor}
SPACES = ["world", "voxel"]
IN_VOXELS = {"point_keys": "p", "point_space": "voxel"}


def everything(rank: int, **options):
    """Affine, elastic, crop, flip, turn and resize in one run."""
    return Fused(
        [
            RandAffined("image", rotate_degrees=15, scale=0.1, shear_degrees=3, **options),
            RandElasticd("image", elastic_spacing_mm=14, elastic_std_mm=1.0),
            RandCropd("image", 20),
            RandFlipd("image", flip_prob=0.5),
            RandRotate90d("image", axes=(1, 0)),
            Resampled("image", spacing_mm=0.9),
        ]
    )


def make_sample(rng, rank: int, space: str, kind: str, dtype=np.float64) -> dict:
    """An image of its own coordinates and points well inside of it."""
    shape = SHAPE[:rank]
    affine = oblique_affine() if rank == 3 else np.diag([0.8, 1.2, 1.0, 1.0])
    image = with_affine(coordinates(shape), affine)
    points = rng.uniform(8, np.array(shape) - 9, (40, rank))
    if space == "world":
        points = to_world(image, points)
    return {"image": image, "points": KINDS[kind](points.astype(dtype))}


def to_world(image: MetaTensor, points: np.ndarray) -> np.ndarray:
    affine, rank = image.affine.numpy(), points.shape[-1]
    padded = np.concatenate([points, np.zeros((len(points), 3 - rank))], axis=1)
    return nib.affines.apply_affine(affine, padded)[:, :rank]


def to_voxels(image: MetaTensor, points: np.ndarray) -> np.ndarray:
    affine, rank = np.linalg.inv(image.affine.numpy()), points.shape[-1]
    padded = np.concatenate([points, np.zeros((len(points), 3 - rank))], axis=1)
    return nib.affines.apply_affine(affine, padded)[:, :rank]


def voxels_of(sample: dict, space: str) -> np.ndarray:
    points = np.asarray(sample["points"])
    return to_voxels(sample["image"], points) if space == "world" else points


def warp_of(sample: dict) -> Warp:
    note = sample["image"].applied_operations[-1]
    return Warp.from_dict(json.loads(note["extra_info"]["record"])["warp"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("rank", [2, 3])
def test_a_moved_point_shows_what_it_showed_before(rank, space, kind, rng):
    sample = make_sample(rng, rank, space, kind)
    before = voxels_of(sample, space)
    transform = everything(rank, point_keys="points", point_space=space)
    compared = 0
    for seed in range(4):
        result = transform.set_random_state(seed=seed)(sample)
        after = voxels_of(result, space)
        padded = np.concatenate([after, np.zeros((len(after), 3 - rank))], axis=1)
        back = warp_of(result).map_points(padded)[:, :rank]
        np.testing.assert_allclose(back, before, atol=1e-4)
        # Where a border voxel comes from outside, the image does not say its own coordinates.
        inside = np.all((after > 3) & (after < np.array(result["image"].shape[1:]) - 4), axis=1)
        shown = [map_coordinates(c, after[inside].T, order=3) for c in result["image"].numpy()]
        np.testing.assert_allclose(np.transpose(shown), before[inside], atol=0.01)
        compared += inside.sum()
    assert compared > 60


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_points_keep_their_kind_and_come_back(space, kind, dtype, rng):
    sample = make_sample(rng, 3, space, kind, dtype)
    transform = everything(3, point_keys="points", point_space=space).set_random_state(seed=2)
    result = transform(sample)
    back = transform.inverse(result)
    for each in (result, back):
        assert type(each["points"]) is type(sample["points"])
        assert np.asarray(each["points"]).dtype == dtype
    assert np.abs(np.asarray(result["points"]) - np.asarray(sample["points"])).max() > 0.5
    atol = 1e-4 if dtype == np.float32 else 1e-5
    np.testing.assert_allclose(back["points"], sample["points"], atol=atol)
    if kind != "metatensor":
        assert back["points_transforms"] == []


def test_the_input_points_stay_as_they_are(rng):
    sample = make_sample(rng, 3, "voxel", "ndarray")
    before = sample["points"].copy()
    transform = RandFlipd("image", flip_prob=1, point_keys="points", point_space="voxel")
    result = transform(transform(sample))
    transform.inverse(result)
    np.testing.assert_array_equal(sample["points"], before)
    assert "points_transforms" not in sample
    assert len(result["points_transforms"]) == 2


def test_in_the_world_an_affine_map_leaves_points_where_they_are(rng):
    sample = make_sample(rng, 3, "world", "ndarray")
    for transform in [
        RandAffined("image", rotate_degrees=30, scale=0.3, translate_mm=4, point_keys="points"),
        RandFlipd("image", flip_prob=1, point_keys="points"),
        RandRotate90d("image", point_keys="points"),
        RandCropd("image", 9, point_keys="points"),
        PadCropd("image", 40, point_keys="points"),
        Resampled("image", spacing_mm=0.5, point_keys="points"),
    ]:
        np.testing.assert_allclose(transform(sample)["points"], sample["points"], atol=1e-9)


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        (
            RandFlipd("image", flip_prob=[1, 0, 0], **IN_VOXELS),
            [20, 2, 5],
        ),
        (RandRotate90d("image", max_turns=1, axes=(0, 1), **IN_VOXELS), [25, 3, 5]),
        (RandCropd("image", (10, 10, 10), method="center", **IN_VOXELS), [-4, -7, -5]),
        (PadCropd("image", (28, 28, 30), **IN_VOXELS), [5, 2, 5]),
        (Resampled("image", spatial_size=(48, 28, 15), **IN_VOXELS), [6.5, 2, 2.25]),
        (RandAffined("image", translate_mm=[(1, 1), (2, 2), (3, 3)], **IN_VOXELS), [4, 4, 8]),
    ],
)
def test_voxel_coordinates_follow_by_hand(transform, expected):
    sample = {"image": np.zeros((1, *SHAPE), np.float32), "p": np.array([[3.0, 2.0, 5.0]])}
    np.testing.assert_allclose(transform(sample)["p"], [expected], atol=1e-9)


def test_points_may_have_more_axes_be_none_at_all_or_lie_outside(rng):
    transform = RandSpatiald(
        "image", rotate_degrees=20, elastic_spacing_mm=12, elastic_std_mm=1, point_keys="points"
    )
    image = coordinates(SHAPE)
    points = rng.uniform(-60, 60, (2, 5, 3))
    result = transform.set_random_state(seed=0)({"image": image, "points": points})["points"]
    assert result.shape == (2, 5, 3)
    one = {"image": image, "points": points[1, 3:4]}
    alone = transform.set_random_state(seed=0)(one)["points"]
    np.testing.assert_allclose(result[1, 3], alone[0], atol=1e-6)
    none = transform({"image": image, "points": np.zeros((0, 3))})["points"]
    assert none.shape == (0, 3)


def test_a_point_that_was_not_found_stays_unknown():
    transform = RandElasticd(
        "image", elastic_spacing_mm=12, elastic_std_mm=1, point_keys="points"
    ).set_random_state(seed=0)
    points = np.array([[np.nan] * 3, [9.0, 9.0, 9.0], [np.inf, 0.0, 0.0]])
    result = transform({"image": coordinates(SHAPE), "points": points})["points"]
    np.testing.assert_array_equal(result[[0, 2]], points[[0, 2]])
    assert np.isfinite(result[1]).all()
    assert np.abs(result[1] - 9).max() > 0.01


def test_whole_numbers_become_float32():
    transform = RandAffined(
        "image", translate_mm=[(0.5, 0.5), 0, 0], point_keys="points", point_space="voxel"
    )
    points = np.array([[1, 2, 3]])
    result = transform({"image": coordinates(SHAPE), "points": points})["points"]
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, [[1.5, 2, 3]])


def test_several_keys_of_points_move_together(rng):
    points = rng.uniform(0, 20, (4, 3))
    sample = {"image": coordinates(SHAPE), "a": points, "b": points[:2]}
    transform = RandElasticd(
        "image", elastic_spacing_mm=12, elastic_std_mm=1, point_keys=["a", "b"]
    )
    result = transform(sample)
    # The inverse iterates until all points of a key have settled.
    np.testing.assert_allclose(result["a"][:2], result["b"], rtol=0, atol=1e-6)


def test_points_come_back_after_collation(rng):
    samples = [make_sample(rng, 3, "world", kind) for kind in ("metatensor", "metatensor")]
    transform = Compose([everything(3, point_keys="points"), PadCropd("image", 20)])
    (batch,) = DataLoader(Dataset(samples, transform), batch_size=2, num_workers=0)
    assert batch["points"].shape == (2, 40, 3)
    for item, sample in zip(decollate_batch(batch), samples, strict=True):
        back = transform.inverse(item)
        np.testing.assert_allclose(back["points"], sample["points"], atol=1e-5)


def test_missing_points_are_an_error_unless_allowed():
    sample = {"image": coordinates(SHAPE)}
    with pytest.raises(KeyError, match="points"):
        RandFlipd("image", point_keys="points")(sample)
    result = RandFlipd("image", point_keys="points", allow_missing_keys=True)(sample)
    assert "points" not in result
