"""What the tests of the intensity drop-ins share: samples, and forced and drawn parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from scipy import stats

from medaug.rng import generator

#: Two and three dimensions; odd, even and single voxels along an axis.
SHAPES = [(2, 19, 24), (3, 12, 15, 17), (2, 9, 11, 1)]


def image(shape: Sequence[int], dtype: Any = np.float32, seed: int = 0) -> np.ndarray:
    """Noise of both signs whose channels differ in brightness and spread."""
    rng, channels = np.random.default_rng(seed), shape[0]
    scale = 20 * np.arange(1, channels + 1).reshape(-1, *[1] * (len(shape) - 1))
    return (scale * rng.normal(size=shape) + scale).astype(dtype)


def forced(transform: Any, volume: Any, parameters: Any) -> MetaTensor:
    """Return ``volume`` changed with given parameters, one set for all channels or one for each."""
    each = parameters if isinstance(parameters, list) else [parameters] * len(volume)
    return transform.apply({"image": volume}, {"parameters": {"image": [each]}})["image"]


def drawn(transform: Any, name: str, sample: dict[str, Any], count: int = 3000) -> np.ndarray:
    """Return a parameter of the first channel of the image, as drawn many times."""
    records = (transform.sample(sample, generator(7, n)) for n in range(count))
    return np.array([record["parameters"]["image"][0][0][name] for record in records])


def assert_same_distribution(ours: np.ndarray, theirs: Sequence[float]) -> None:
    """By the test of Kolmogorov and Smirnov; seeds are fixed, so that it never fails by chance."""
    assert len(np.unique(ours)) > len(ours) // 2
    assert stats.ks_2samp(ours, np.asarray(theirs)).pvalue > 0.01


def assert_close(ours: MetaTensor, theirs: Any, tolerance: float = 2e-6) -> None:
    """Within ``tolerance`` of the largest voxel, and of the same dtype and shape."""
    expected = torch.as_tensor(theirs).as_subclass(torch.Tensor)
    assert (ours.dtype, ours.shape) == (expected.dtype, expected.shape)
    atol = tolerance * float(expected.double().abs().max())
    torch.testing.assert_close(ours.as_tensor(), expected, rtol=0, atol=atol)
