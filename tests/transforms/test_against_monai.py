"""Where a transform of MONAI's does the same, it does it to the same voxels and the same affine."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.transforms import (
    Affine,
    CenterSpatialCrop,
    Flip,
    Resize,
    ResizeWithPadOrCrop,
    Rotate,
    Rotate90,
    Zoom,
)
from torch.nn.functional import interpolate
from volumes import coordinates, oblique_affine, with_affine

from medaug.transforms import (
    PadCropd,
    RandAffined,
    RandCropd,
    RandFlipd,
    RandRotate90d,
    RandSpatiald,
    RandZoomd,
    Resampled,
)


def applied(transform, image):
    return transform({"image": image})["image"]


def assert_same(result, judge, inner=(), atol=0.0):
    """The same voxels, but for a border of ``inner``, and the same affine."""
    assert result.shape == judge.shape
    part = (slice(None), *(slice(n, -n) if n else slice(None) for n in inner))
    np.testing.assert_allclose(result[part].numpy(), judge[part].numpy(), atol=atol, rtol=0)
    torch.testing.assert_close(result.affine, judge.affine, rtol=0, atol=1e-6)


def image_of(shape=(20, 24, 28), affine=None):
    return with_affine(coordinates(shape), oblique_affine() if affine is None else affine)


@pytest.mark.parametrize("flip", [RandFlipd, RandSpatiald])
@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 2), (0, 1, 2)])
def test_a_flip_is_monais_flip(flip, axes):
    chances = [float(axis in axes) for axis in range(3)]
    assert_same(applied(flip("image", flip_prob=chances), image_of()), Flip(axes)(image_of()))


@pytest.mark.parametrize("axes", [(0, 1), (1, 2), (0, 2), (2, 0), (1, 0)])
def test_quarter_turns_are_monais_rotate90(axes):
    turn = RandRotate90d("image", max_turns=3, axes=axes).set_random_state(seed=0)
    seen = set()
    for _ in range(12):
        result = applied(turn, image_of())
        turns = [
            k
            for k in (1, 2, 3)
            if (judge := Rotate90(k, axes)(image_of())).shape == result.shape
            and np.array_equal(judge, result)
        ]
        assert len(turns) == 1
        assert_same(result, Rotate90(turns[0], axes)(image_of()))
        seen.update(turns)
    assert seen == {1, 2, 3}


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("transform", [RandAffined, RandSpatiald])
def test_a_rotation_is_monais_rotation(transform, axis):
    image = image_of((21, 21, 21), np.eye(4))
    degrees = [(25, 25) if each == axis else 0 for each in range(3)]
    turned = applied(transform("image", rotate_degrees=degrees, padding_mode="border"), image)
    # MONAI's angle is that of the pull-back.
    angles = [-np.deg2rad(25) if each == axis else 0.0 for each in range(3)]
    judge = Rotate(angles, padding_mode="border", align_corners=True)(image)
    inner = [0 if each == axis else 4 for each in range(3)]
    assert_same(turned, judge, inner, atol=1e-3)


def test_an_affine_map_is_monais_affine():
    image = image_of((21, 24, 27), np.eye(4))
    factor, shift, angle = 1.2, np.array([1.5, -2.0, 0.75]), 20
    transform = RandAffined(
        "image",
        rotate_degrees=[0, 0, (angle, angle)],
        scale=(factor, factor),
        translate_mm=[(n, n) for n in shift],
        padding_mode="border",
    )
    # MONAI's pull-back turns, then shifts, then scales: R(S x + t); ours is S^-1 R^-1 (x - t).
    judge = Affine(
        rotate_params=(0.0, 0.0, -np.deg2rad(angle)),
        scale_params=(1 / factor,) * 3,
        translate_params=tuple(-shift / factor),
        padding_mode="border",
        image_only=True,
    )
    assert_same(applied(transform, image), judge(image), (5, 5, 5), atol=2e-3)


def test_a_shear_is_monais_affine():
    image = image_of((21, 24, 27), np.eye(4))
    transform = RandAffined("image", shear_degrees=[(8, 8), 0, 0], padding_mode="border")
    lean = np.tan(np.deg2rad(8))
    judge = Affine(shear_params=(-lean, -lean, 0, 0, 0, 0), padding_mode="border", image_only=True)
    assert_same(applied(transform, image), judge(image), (5, 5, 5), atol=2e-3)


@pytest.mark.parametrize("zoom", [1.5, 0.75])
def test_a_zoom_is_monais_zoom(zoom):
    image = image_of((16, 24, 32))  # MONAI's zoomed one has an even number of voxels, too
    judge = Zoom(zoom, mode="trilinear", padding_mode="edge", align_corners=False)(image)
    result = applied(RandZoomd("image", zoom=(zoom, zoom), padding_mode="border"), image)
    inner = [int(n * max(0, 1 - zoom) / 2) + 2 for n in image.shape[1:]]
    assert_same(result, judge, inner, atol=1e-3)


SIZES = [(10, 30, 28), (11, 13, 41), (20, 25, 27), (7, 32, 29), (-1, 24, 5)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", [(20, 24, 28), (19, 23, 27)])
def test_pad_and_crop_are_monais_resize_with_pad_or_crop(size, shape):
    image = image_of(shape)
    judge = ResizeWithPadOrCrop(size)(image)
    assert_same(applied(PadCropd("image", size), image), judge)
    assert_same(applied(RandSpatiald("image", spatial_size=size, mode="nearest"), image), judge)
    unfired = RandSpatiald("image", 0.0, rotate_degrees=9, spatial_size=size, mode="nearest")
    assert_same(applied(unfired, image), judge)


@pytest.mark.parametrize("size", [(10, 12, 28), (11, 13, -1), (19, 5, 27)])
def test_a_centre_crop_is_monais_center_spatial_crop(size):
    result = applied(RandCropd("image", size, method="center"), image_of())
    assert_same(result, CenterSpatialCrop(size)(image_of()))


@pytest.mark.parametrize("size", [(10, 12, 14), (31, 30, 50), (13, 48, 28)])
def test_a_resize_is_torchs_interpolation_from_edge_to_edge(size):
    image = image_of()
    result = applied(Resampled("image", spatial_size=size, padding_mode="border"), image)
    voxels = interpolate(image.as_tensor()[None], size, mode="trilinear", align_corners=False)[0]
    np.testing.assert_allclose(result.numpy(), voxels.numpy(), atol=1e-4)
    judge = Resize(size, mode="trilinear", align_corners=False)(image)
    assert_same(result, judge, atol=1e-4)


def test_two_dimensional_images_go_the_same_ways(rng):
    image = with_affine(rng.normal(size=(2, 9, 12)).astype(np.float32), np.diag([2.0, 0.5, 1, 1]))
    assert_same(applied(RandFlipd("image", flip_prob=[0, 1]), image), Flip(1)(image))
    assert_same(applied(RandRotate90d("image", max_turns=1), image), Rotate90(1, (0, 1))(image))
    assert_same(applied(PadCropd("image", (12, 7)), image), ResizeWithPadOrCrop((12, 7))(image))
