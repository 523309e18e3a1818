"""Gaussian weights, and smoothing a channel by them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from medaug.intensity.channel import Channel
from medaug.intensity.facts import ImageFacts
from medaug.kernels.smooth import smooth_volume
from medaug.typing import FloatArray

#: Standard deviations to either side, beyond which weights (below 1e-3 of the middle one) are cut.
TRUNCATE = 4.0


def gaussian_weights(sigma_voxels: float) -> FloatArray:
    """Return the weight of a voxel and of those up to four standard deviations to one side."""
    if sigma_voxels <= 0:
        return np.ones(1, np.float32)
    distance = np.arange(math.ceil(TRUNCATE * sigma_voxels) + 1) / sigma_voxels
    weights = np.exp(-0.5 * distance**2)
    return np.asarray(weights / (2.0 * weights.sum() - weights[0]), np.float32)


def smooth(
    channel: Channel, sigma_voxels: Sequence[float], keep: float = 0.0, gain: float = 1.0
) -> None:
    """Replace a channel by ``keep`` times itself plus ``gain`` times the smoothed one.

    What lies outside mirrors about the centres of the outermost voxels.
    """
    weights = [gaussian_weights(sigma) for sigma in sigma_voxels]

    def write(voxels: FloatArray, out: FloatArray) -> None:
        smooth_volume(voxels, *weights, True, np.float32(keep), np.float32(gain), out)

    channel.rewrite(write)


def convolve_in_zeros(channel: Channel, weights: Sequence[FloatArray]) -> None:
    """Convolve a channel along each axis; what lies outside is zero.

    Parameters
    ----------
    channel : Channel
    weights : three float32 arrays [r + 1]
        Of the voxel itself and of its neighbours on either side, for each axis.
    """

    def write(voxels: FloatArray, out: FloatArray) -> None:
        smooth_volume(voxels, *weights, False, np.float32(0), np.float32(1), out)

    channel.rewrite(write)


def sigma_in_voxels(sigma_mm: Sequence[float], facts: ImageFacts) -> list[float]:
    """Return the standard deviations in voxels; 0 along an axis of a single voxel."""
    wide = facts.wide_axes
    pairs = zip(sigma_mm, facts.spacing_mm, strict=True)
    return [mm / spacing if axis in wide else 0.0 for axis, (mm, spacing) in enumerate(pairs)]
