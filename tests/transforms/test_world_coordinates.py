"""Nothing moves in the world: nibabel and SimpleITK judge the metadata of what comes out."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
import SimpleITK
import torch
from monai.data import MetaTensor
from scipy.ndimage import gaussian_filter
from volumes import coordinates, oblique_affine, with_affine

from medaug.transforms import (
    Fused,
    PadCropd,
    RandAffined,
    RandCropd,
    RandFlipd,
    RandRotate90d,
    RandSpatiald,
    RandZoomd,
    Resampled,
)
from medaug.typing import AnyArray, Matrix

SHAPE = (22, 26, 18)

# Array axes that are those of the world, mirrored, permuted, oblique, or leaning as well.
LEANING = oblique_affine() @ np.array(
    [[1.0, 0.1, 0, 0], [0, 1, 0.05, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
)
AFFINES = {
    "ras": np.diag([1.0, 1.0, 1.0, 1.0]),
    "lps": nib.affines.from_matvec(np.diag([-1.0, -0.7, 2.0]), [90, 126, -72]),
    "asl": nib.affines.from_matvec(
        np.array([[0, 0, -1.5], [0.8, 0, 0], [0, 1.1, 0]]), [10, -20, 30]
    ),
    "oblique": oblique_affine(),
    "leaning": LEANING,
}
every_affine = pytest.mark.parametrize("affine", AFFINES.values(), ids=AFFINES.keys())

TRANSFORMS = {
    "affine": RandAffined("image", rotate_degrees=20, scale=0.2, shear_degrees=5, translate_mm=2),
    "joint": RandSpatiald(
        "image", rotate_degrees=20, scale=0.2, flip_prob=0.5, spatial_size=(16, 30, 17)
    ),
    "zoom": RandZoomd("image", zoom=[(0.8, 0.9), (1.1, 1.2), (1, 1)]),
    "finer": Resampled("image", spacing_mm=(0.6, 0.9, 1.3)),
    "resized": Resampled("image", spatial_size=(30, 20, -1)),
    "turned": RandRotate90d("image", axes=(0, 2)),
    "flipped": RandFlipd("image", flip_prob=[1, 0, 1]),
    "framed": PadCropd("image", (30, 15, 18)),
    "cropped": RandCropd("image", (10, -1, 9)),
    "fused": Fused(
        [
            RandCropd("image", (20, 24, -1)),
            RandRotate90d("image", axes=(1, 2)),
            RandAffined("image", rotate_degrees=25, scale=0.1),
            RandFlipd("image", flip_prob=[0, 1, 0]),
            Resampled("image", spacing_mm=0.9),
            PadCropd("image", 25),
        ]
    ),
}
every_transform = pytest.mark.parametrize("name", TRANSFORMS)


def applied(name: str, voxels: AnyArray, affine: Matrix):
    transform = TRANSFORMS[name]
    if name not in ("finer", "resized", "framed"):
        transform.set_random_state(seed=5)
    return transform({"image": with_affine(voxels, affine)})["image"]


def check_places(result: MetaTensor, affine: Matrix, shape: tuple[int, ...]) -> None:
    """Check that each voxel shows the coordinates of what lay at its place in the world before."""
    there = np.stack(np.meshgrid(*map(np.arange, result.shape[1:]), indexing="ij"), -1)
    world = nib.affines.apply_affine(result.affine.numpy(), there)
    source = nib.affines.apply_affine(np.linalg.inv(affine), world)
    inside = np.all((source > 0) & (source < np.array(shape) - 1), axis=-1)
    assert inside.mean() > 0.2
    shown = np.moveaxis(result.numpy(), 0, -1)
    np.testing.assert_allclose(shown[inside], source[inside], atol=2e-4)


@every_affine
@every_transform
def test_a_voxel_and_its_source_are_one_place_for_nibabel(name, affine):
    result = applied(name, coordinates(SHAPE), affine)
    check_places(result, affine, SHAPE)
    spacing = nib.affines.voxel_sizes(result.affine.numpy())
    np.testing.assert_allclose(result.pixdim, spacing)


def test_a_slice_may_have_an_affine_of_its_two_axes():
    affine = np.array([[0.0, -0.7, 90.0], [1.2, 0.0, -60.0], [0.0, 0.0, 1.0]])
    transform = RandSpatiald("image", rotate_degrees=30, scale=0.2, spatial_size=(20, 17))
    image = with_affine(coordinates(SHAPE[:2]), affine)
    result = transform.set_random_state(seed=3)({"image": image})["image"]
    assert result.affine.shape == (3, 3)
    check_places(result, affine, SHAPE[:2])
    back = transform.inverse({"image": result})["image"]
    np.testing.assert_allclose(back.affine.numpy(), affine, atol=1e-9)


#: SimpleITK's first two world axes point to the left and to the back.
LPS = np.diag([-1.0, -1.0, 1.0])


def frame_of(affine: Matrix) -> tuple[list[float], list[float], list[float]]:
    """The origin, spacing and direction by which SimpleITK says the same as ``affine``."""
    linear = LPS @ affine[:3, :3]
    spacing = np.linalg.norm(linear, axis=0)
    origin, direction = LPS @ affine[:3, 3], linear / spacing
    return origin.tolist(), spacing.tolist(), direction.ravel().tolist()


def simpleitk_image(voxels: AnyArray, affine: Matrix) -> SimpleITK.Image:
    image = SimpleITK.GetImageFromArray(voxels.transpose(2, 1, 0))
    origin, spacing, direction = frame_of(affine)
    image.SetOrigin(origin)
    image.SetSpacing(spacing)
    image.SetDirection(direction)
    return image


@every_affine
@every_transform
def test_simpleitk_resamples_onto_the_new_grid_to_the_same_voxels(name, affine, rng):
    voxels = gaussian_filter(rng.normal(size=SHAPE), 1.0).astype(np.float32) * 100
    result = applied(name, voxels[None], affine)
    fill = -1e6  # tells what SimpleITK has seen
    judge = SimpleITK.Resample(
        simpleitk_image(voxels, affine),
        result.shape[1:],
        SimpleITK.Transform(),
        SimpleITK.sitkLinear,
        *frame_of(result.affine.numpy()),
        fill,
    )
    seen = SimpleITK.GetArrayFromImage(judge).transpose(2, 1, 0)
    # SimpleITK repeats the border for half a voxel, where medaug blends into the padding.
    there = np.stack(np.nonzero(seen > fill / 2), -1)
    source = nib.affines.apply_affine(np.linalg.inv(affine) @ result.affine.numpy(), there)
    there = there[np.all((source >= -1e-6) & (source <= np.array(SHAPE) - 1 + 1e-6), axis=1)]
    assert len(there) > 0.2 * seen.size
    np.testing.assert_allclose(result[0].numpy()[tuple(there.T)], seen[tuple(there.T)], atol=5e-3)


@every_affine
def test_the_spacing_is_the_one_that_was_asked_for(affine):
    resampled = applied("finer", coordinates(SHAPE), affine)
    spacing = nib.affines.voxel_sizes(resampled.affine.numpy())
    np.testing.assert_allclose(spacing, (0.6, 0.9, 1.3), rtol=1e-5)
    extent = np.array(SHAPE) * nib.affines.voxel_sizes(affine)
    np.testing.assert_allclose(resampled.shape[1:] * spacing, extent, atol=0.5 * spacing.max())
    middle = nib.affines.apply_affine(affine, (np.array(SHAPE) - 1) / 2)
    again = nib.affines.apply_affine(
        resampled.affine.numpy(), (np.array(resampled.shape[1:]) - 1) / 2
    )
    np.testing.assert_allclose(again, middle, atol=1e-9)


def test_rotation_is_rigid_in_the_world_whatever_the_spacing():
    affine = AFFINES["lps"]
    turned = RandAffined("image", rotate_degrees=[(30, 30), (10, 10), (-20, -20)])(
        {"image": with_affine(coordinates(SHAPE), affine)}
    )["image"]
    motion = turned.affine.numpy()[:3, :3] @ np.linalg.inv(affine[:3, :3])
    np.testing.assert_allclose(motion @ motion.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(motion) == pytest.approx(1)


def test_the_affine_of_an_elastic_deformation_is_that_of_its_affine_part():
    image = with_affine(coordinates(SHAPE), AFFINES["oblique"])
    rigid = RandSpatiald("image", rotate_degrees=(10, 10))({"image": image})["image"]
    both = RandSpatiald("image", rotate_degrees=(10, 10), elastic_spacing_mm=10, elastic_std_mm=1)(
        {"image": image}
    )["image"]
    torch.testing.assert_close(both.affine, rigid.affine)
    assert not np.allclose(both, rigid, atol=0.5)
