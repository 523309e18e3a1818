"""Samples to move, and what is compared of the results of medaug's classes and of MONAI's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from scipy.ndimage import gaussian_filter

AFFINE = np.array([[0.0, 0.8, 0.1, 5], [-1.0, 0, 0, 3], [0, 0.1, 2.5, -7], [0, 0, 0, 1]])


def smooth_sample(shape: Sequence[int] = (14, 17, 20), classes: int = 4) -> dict[str, Any]:
    """An image [2, ...] that is smooth over some voxels, and a label [1, ...] of large regions."""
    rng = np.random.default_rng(len(shape))
    image = np.stack([gaussian_filter(rng.random(shape), 1.5) for _ in range(2)])
    regions = gaussian_filter(rng.random(shape), 2.5)
    label = np.digitize(regions, np.quantile(regions, np.linspace(0, 1, classes + 1)[1:-1]))
    affine = torch.from_numpy(AFFINE)
    return {
        "image": MetaTensor(torch.from_numpy(1000 * image).float(), affine=affine),
        "label": MetaTensor(torch.from_numpy(label)[None].float(), affine=affine),
    }


def assert_same_geometry(
    ours: dict[str, Any],
    theirs: dict[str, Any],
    *,
    tolerance: float = 0.02,
    ties: float = 0.002,
) -> None:
    """The image within ``tolerance`` of about 500, the label but for a share of ``ties``."""
    for key in ("image", "label"):
        assert ours[key].shape == theirs[key].shape
        torch.testing.assert_close(ours[key].affine, theirs[key].affine, atol=1e-5, rtol=0)
    np.testing.assert_allclose(ours["image"], theirs["image"], rtol=0, atol=tolerance)
    assert (ours["label"] != theirs["label"]).float().mean() <= ties


def assert_same_bits(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    for key in ("image", "label"):
        np.testing.assert_array_equal(ours[key], theirs[key], err_msg=key)
        torch.testing.assert_close(ours[key].affine, theirs[key].affine)
