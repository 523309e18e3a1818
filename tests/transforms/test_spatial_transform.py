"""RandSpatiald in MONAI's company, on real scans, and with outside judges."""

from __future__ import annotations

import json
from functools import partial

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import CacheDataset, DataLoader, Dataset, MetaTensor, decollate_batch
from monai.transforms import (
    CenterSpatialCropd,
    Compose,
    EnsureChannelFirstd,
    Flip,
    Invertd,
    LoadImaged,
    RandSpatialCropd,
    ResizeWithPadOrCrop,
    Rotate,
)

from medaug.geometry import Warp
from medaug.transforms import RandSpatiald

KEYS = ["image", "label"]
MODES = ("linear", "nearest")


def coordinates(shape=(20, 24, 28)) -> np.ndarray:
    """An image whose voxels hold their own coordinates, float32 [3, I, J, K]."""
    return np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij")).astype(np.float32)


def everything(**changed) -> RandSpatiald:
    arguments = {
        "rotate_degrees": 20,
        "scale": 0.2,
        "shear_degrees": 5,
        "translate_mm": 2,
        "elastic_spacing_mm": 10,
        "elastic_std_mm": 0.7,
        "flip_prob": 0.5,
        "mode": MODES,
    }
    return RandSpatiald(KEYS, **{**arguments, **changed})


@pytest.fixture
def case(hippocampus) -> dict[str, str]:
    return {
        "image": str(hippocampus / "imagesTr" / "hippocampus_001.nii.gz"),
        "label": str(hippocampus / "labelsTr" / "hippocampus_001.nii.gz"),
    }


def load(case: dict[str, str]) -> dict:
    return Compose([LoadImaged(KEYS), EnsureChannelFirstd(KEYS)])(case)


def dice(one: np.ndarray, other: np.ndarray, label: int) -> float:
    a, b = one == label, other == label
    return 2 * float((a & b).sum()) / float(a.sum() + b.sum())


def test_image_and_label_stay_aligned():
    image = coordinates()
    blocks = (image // 4).astype(np.int16)
    label = (blocks[0] * 100 + blocks[1] * 10 + blocks[2])[None]
    result = everything(padding_mode="border").set_random_state(seed=1)(
        {"image": image, "label": label}
    )
    where = result["image"]
    inner = np.abs((where + 0.5) % 4 - 2) < 1.9  # clear of the faces between blocks
    expected = (where + 0.5) // 4
    expected = expected[0] * 100 + expected[1] * 10 + expected[2]
    clear = inner.all(axis=0)
    np.testing.assert_array_equal(result["label"][0][clear], expected[clear])
    assert clear.mean() > 0.5


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_flip_is_monais_flip(axis):
    image = torch.from_numpy(coordinates())
    chances = [0.0, 0.0, 0.0]
    chances[axis] = 1.0
    flipped = RandSpatiald("image", flip_prob=chances)({"image": image})["image"]
    torch.testing.assert_close(flipped, Flip(spatial_axis=axis)(image).as_tensor(), rtol=0, atol=0)


def test_a_rotation_is_monais_rotation():
    image = torch.from_numpy(coordinates((21, 21, 21)))
    turned = RandSpatiald("image", rotate_degrees=[0, 0, (25, 25)], padding_mode="border")(
        {"image": image}
    )["image"]
    # MONAI's angle is that of the pull-back.
    judge = Rotate((0, 0, -np.deg2rad(25)), padding_mode="border", align_corners=True)(image)
    torch.testing.assert_close(
        turned[:, 4:-4, 4:-4], judge.as_tensor()[:, 4:-4, 4:-4], atol=1e-3, rtol=0
    )


@pytest.mark.parametrize("size", [(10, 30, 28), (11, 13, 41), (20, 25, 27)])
def test_not_firing_is_monais_center_crop_or_pad(size):
    image = torch.from_numpy(coordinates())
    cropped = RandSpatiald("image", prob=0.0, spatial_size=size)({"image": image})["image"]
    smaller = [min(a, b) for a, b in zip(size, image.shape[1:], strict=True)]
    judge = ResizeWithPadOrCrop(smaller)(image).as_tensor()
    start = [b // 2 - a // 2 for a, b in zip(size, image.shape[1:], strict=True)]
    window = tuple(slice(max(-s, 0), max(-s, 0) + n) for s, n in zip(start, smaller, strict=True))
    torch.testing.assert_close(cropped[(slice(None), *window)], judge, rtol=0, atol=0)


def test_world_coordinates_of_what_is_seen_stay_true():
    """After the affine part, a voxel and its source are the same place in the world (nibabel)."""
    affine = nib.affines.from_matvec(np.diag([-1.0, 0.7, 2.0]), [90, -126, -72])
    image = MetaTensor(coordinates(), affine=torch.from_numpy(affine))
    transform = RandSpatiald(
        "image",
        rotate_degrees=15,
        scale=0.2,
        shear_degrees=4,
        translate_mm=3,
        spatial_size=(16, 20, 18),
    )
    result = transform.set_random_state(seed=4)({"image": image})["image"]
    voxel = np.array([8, 9, 7])
    source = result[:, 8, 9, 7].numpy()
    np.testing.assert_allclose(
        nib.affines.apply_affine(result.affine.numpy(), voxel),
        nib.affines.apply_affine(affine, source),
        atol=1e-3,
    )


def test_spacing_from_the_metadata_keeps_rotation_rigid():
    image = MetaTensor(coordinates(), affine=torch.diag(torch.tensor([1.0, 1.0, 4.0, 1.0])))
    turned = RandSpatiald("image", rotate_degrees=[(30, 30), 0, 0])({"image": image})["image"]
    linear = turned.affine.numpy()[:3, :3]
    np.testing.assert_allclose(np.linalg.norm(linear, axis=0), [1, 1, 4], atol=1e-6)
    assert abs(np.degrees(np.arccos(linear[1, 1])) - 30) < 1e-3


def test_a_real_case_comes_back_through_the_inverse(case):
    sample = load(case)
    transform = everything(
        mode=("linear", "vote"),
        spatial_size=(56, 72, 56),
        elastic_std_mm=1.0,
        elastic_spacing_mm=16,
        elastic_prob=1,
    )
    for seed in range(3):
        result = transform.set_random_state(seed=seed)(sample)
        back = transform.inverse(result)
        torch.testing.assert_close(back["image"].affine, sample["image"].affine)
        for label in (1, 2):
            assert dice(back["label"].numpy(), sample["label"].numpy(), label) > 0.95


def test_monais_invertd_brings_a_prediction_back_to_its_scan(case):
    sample = load(case)
    transform = Compose([everything(spatial_size=(48, 64, 48))]).set_random_state(seed=0)
    result = transform(sample)
    result["pred"] = MetaTensor(result["label"].clone())
    inverted = Invertd("pred", transform, orig_keys="image", nearest_interp=True)(result)["pred"]
    assert inverted.shape == sample["label"].shape
    assert set(np.unique(inverted)) <= {0, 1, 2}
    assert dice(inverted.numpy(), sample["label"].numpy(), 1) > 0.9


@pytest.mark.parametrize("dataset", [Dataset, partial(CacheDataset, progress=False)])
def test_it_lives_among_monais_loaders_crops_and_datasets(case, dataset):
    pipeline = Compose(
        [
            LoadImaged(KEYS),
            EnsureChannelFirstd(KEYS),
            CenterSpatialCropd(KEYS, (34, 40, 34)),
            everything(),
            RandSpatialCropd(KEYS, (24, 24, 24), random_size=False),
        ]
    )
    loader = DataLoader(dataset([case] * 4, pipeline), batch_size=2, num_workers=2)
    for batch in loader:
        assert batch["image"].shape == batch["label"].shape == (2, 1, 24, 24, 24)
        for item in decollate_batch(batch):
            names = [note["class"] for note in item["image"].applied_operations]
            assert "RandSpatiald" in names


def test_the_record_is_a_warp_of_plain_numbers():
    note = everything()({"image": coordinates(), "label": coordinates()[:1]})
    record = json.loads(note["image_transforms"][-1]["extra_info"]["record"])
    assert Warp.from_dict(record["warp"]).output_shape == (20, 24, 28)


def test_ranges_mean_what_the_documentation_says():
    def affine_of(**arguments):
        transform = RandSpatiald("image", **arguments).set_random_state(seed=0)
        record = transform.sample({"image": coordinates()}, transform.randomize())
        return np.linalg.inv(Warp.from_dict(record["warp"]).affine_part())

    for scale, low, high in [(0.3, 0.7, 1.3), ((1.1, 1.2), 1.1, 1.2)]:
        assert low <= affine_of(scale=scale)[0, 0] <= high
    three = np.diag(affine_of(scale=[(1.5, 1.5), (0.5, 0.5), 0]))
    np.testing.assert_allclose(three, [1.5, 0.5, 1, 1])
    np.testing.assert_allclose(affine_of(translate_mm=[(2, 2), 0, (-1, -1)])[:3, 3], [2, 0, -1])


def test_each_effect_takes_part_with_its_own_probability():
    transform = RandSpatiald(
        "image", prob=0.8, rotate_degrees=10, rotate_prob=0.5, flip_prob=[0.25, 0, 0]
    ).set_random_state(seed=0)
    turned = flipped = 0
    for _ in range(600):
        record = transform.sample({"image": coordinates((3, 3, 3))}, transform.randomize())
        matrix = Warp.from_dict(record["warp"]).affine_part()[:3, :3]
        turned += not np.array_equal(np.abs(matrix), np.eye(3))
        flipped += np.linalg.det(matrix) < 0
    assert turned / 600 == pytest.approx(0.4, abs=0.06)
    assert flipped / 600 == pytest.approx(0.2, abs=0.05)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"rotate_degrees": (10, -10)}, "rotate_degrees"),
        ({"rotate_degrees": (1, 2, 3, 4)}, "rotate_degrees"),
        ({"scale": 1.0}, "scale"),
        ({"shear_degrees": 60}, "shear_degrees"),
        ({"translate_mm": float("inf")}, "translate_mm"),
        ({"elastic_std_mm": -1}, "elastic_std_mm"),
        ({"elastic_spacing_mm": 0}, "elastic_spacing_mm"),
        ({"elastic_prob": 2}, "elastic_prob"),
        ({"flip_prob": [0.5, 0.5]}, "flip_prob"),
        ({"mode": "bilinear"}, "mode"),
        ({"mode": ("linear", "nearest", "nearest")}, "length 2"),
        ({"padding_mode": "zeros"}, "padding_mode"),
        ({"spatial_size": 0}, "spatial_size"),
    ],
)
def test_impossible_arguments_are_refused_when_built(arguments, named):
    with pytest.raises(ValueError, match=named):
        RandSpatiald(KEYS, **arguments)


def test_keys_of_different_shape_are_refused():
    with pytest.raises(ValueError, match="same spatial shape"):
        everything()({"image": coordinates(), "label": coordinates((20, 24, 27))[:1]})


def test_a_singular_affine_is_refused():
    image = MetaTensor(coordinates(), affine=torch.diag(torch.tensor([1.0, 0.0, 1.0, 1.0])))
    with pytest.raises(ValueError, match="singular"):
        RandSpatiald("image", rotate_degrees=5)({"image": image})
