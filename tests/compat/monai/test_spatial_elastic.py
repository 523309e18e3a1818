"""Elastic deformation against MONAI's: the same statistics, and no folds."""

from __future__ import annotations

import monai.transforms as theirs
import numpy as np
import pytest
import torch
from geometries import assert_same_geometry, smooth_sample

import medaug.compat.monai as ours

SIZE, MARGIN = 44, 10
KEYS = ["image", "label"]
CALM = {"sigma_range": (3, 3), "magnitude_range": (0, 0)}
MOVED = {
    "rotate_range": [(0.3, 0.3), (-0.2, -0.2), (0.5, 0.5)],
    "shear_range": [(0.1, 0.1), (0.2, 0.2)],
    "translate_range": [(1, 1), (-2, -2), (0.5, 0.5)],
    "scale_range": [(0.3, 0.3), (-0.2, -0.2), (0.1, 0.1)],
}


def ramps(size: int = SIZE) -> torch.Tensor:
    """An image [3, ...] of the coordinates of its voxels."""
    axis = torch.arange(size, dtype=torch.float32)
    return torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"))


def displacements(library, seed: int, **arguments) -> np.ndarray:
    """What was added to the coordinates, [3, ...], away from the border."""
    image = ramps()
    transform = library.Rand3DElasticd("image", prob=1.0, padding_mode="border", **arguments)
    moved = transform.set_random_state(seed=seed)({"image": image})["image"] - image
    inner = slice(MARGIN, -MARGIN)
    return np.asarray(moved[:, inner, inner, inner])


def spread_and_length(library, seeds: int, **arguments) -> tuple[float, float]:
    """Standard deviation along an axis, and the distance at which the correlation has halved."""
    fields = np.stack([displacements(library, seed, **arguments) for seed in range(seeds)])
    variance = (fields**2).mean()
    lags = range(fields.shape[2] // 2)
    along = (
        np.mean(
            [
                [
                    (
                        np.moveaxis(fields, axis, -1)[..., lag:]
                        * np.moveaxis(fields, axis, -1)[..., : fields.shape[axis] - lag]
                    ).mean()
                    for lag in lags
                ]
                for axis in (2, 3, 4)
            ],
            axis=0,
        )
        / variance
    )
    return float(np.sqrt(variance)), float(np.interp(-0.5, -along, lags))


@pytest.mark.parametrize(("sigma", "magnitude"), [(2.0, 4.0), (3.0, 10.0), (4.0, 20.0)])
def test_the_field_is_as_strong_and_as_smooth_as_monais(sigma, magnitude):
    arguments = {"sigma_range": (sigma, sigma), "magnitude_range": (magnitude, magnitude)}
    spread, length = spread_and_length(ours, 16, **arguments)
    expected_spread, expected_length = spread_and_length(theirs, 16, **arguments)
    assert spread == pytest.approx(expected_spread, rel=0.1)
    assert length == pytest.approx(expected_length, rel=0.1)


def jacobians(field: np.ndarray) -> np.ndarray:
    gradients = np.stack([np.stack(np.gradient(axis)) for axis in field])
    gradients += np.eye(3).reshape(3, 3, 1, 1, 1)
    return np.linalg.det(np.moveaxis(gradients, (0, 1), (-2, -1)))


def test_it_does_not_fold_where_monais_does():
    arguments = {"sigma_range": (3, 3), "magnitude_range": (140, 140)}
    fields = [
        [displacements(library, seed, **arguments) for seed in range(3)]
        for library in (ours, theirs)
    ]
    least, least_of_theirs = (min(jacobians(field).min() for field in each) for each in fields)
    assert least > 0
    assert least_of_theirs < 0
    assert np.std(fields[0]) > 0.7 * np.std(fields[1])


@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
def test_without_displacement_it_moves_as_monais_does(padding_mode):
    arguments = {"keys": KEYS, "prob": 1.0, "mode": ("bilinear", "nearest"), **CALM, **MOVED}
    sample = smooth_sample()
    one, other = (
        library.Rand3DElasticd(**arguments, padding_mode=padding_mode)(sample)
        for library in (ours, theirs)
    )
    for result in (one, other):  # MONAI's does not record how it moves
        for key in KEYS:
            result[key].affine = sample[key].affine
    assert_same_geometry(one, other)


@pytest.mark.parametrize("prob", [0.0, 1.0])
def test_it_cuts_to_the_size_as_monais_does(prob):
    sample = smooth_sample()
    one, other = (
        library.Rand3DElasticd(KEYS, **CALM, spatial_size=(10, -1, 16), prob=prob)(sample)
        for library in (ours, theirs)
    )
    np.testing.assert_allclose(one["image"], other["image"], atol=0.02)
    assert one["label"].shape == other["label"].shape


def test_image_and_label_move_together_and_back():
    shape = (30, 32, 34)
    sample = smooth_sample(shape)
    sample["label"] = (sample["image"][:1] > 500).float()
    transform = ours.Rand3DElasticd(KEYS, (4, 4), (80, 80), prob=1.0, mode=("bilinear", "nearest"))
    moved = transform.set_random_state(seed=1)(sample)
    agree = ((moved["image"][:1] > 500).float() == moved["label"]).float().mean()
    assert agree > 0.93
    assert (sample["label"] != moved["label"]).float().mean() > 0.03
    back = transform.inverse(moved)
    inner = (slice(None), *[slice(6, -6)] * 3)
    assert (
        np.abs(back["image"][inner] - sample["image"][inner]).mean()
        < 0.35 * np.abs(moved["image"][inner] - sample["image"][inner]).mean()
    )


def test_strength_and_smoothness_are_drawn_from_their_ranges():
    spreads = [
        displacements(ours, seed, sigma_range=(3, 3), magnitude_range=(0, 20)).std()
        for seed in range(20)
    ]
    weakest, strongest = (
        np.mean(
            [
                displacements(ours, seed, sigma_range=(3, 3), magnitude_range=(m, m)).std()
                for seed in range(4)
            ]
        )
        for m in (2, 20)
    )
    assert min(spreads) < weakest
    assert 0.6 * strongest < max(spreads) < 1.4 * strongest


def test_what_it_cannot_do_is_said():
    with pytest.raises(ValueError, match="sigma_range must not go below 1 voxel"):
        ours.Rand3DElasticd("image", (0.5, 2), (1, 2))
    with pytest.raises(ValueError, match="three-dimensional images; got 2D"):
        ours.Rand3DElasticd("image", (2, 2), (1, 2), prob=1.0)(smooth_sample((20, 20)))
