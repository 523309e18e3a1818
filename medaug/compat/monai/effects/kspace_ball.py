"""Gibbs ringing of an image whose k-space is cut to a ball."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import fft

from medaug.intensity import Channel, ImageFacts, Parameters
from medaug.intensity.bounds import check_share
from medaug.intensity.kspace import rewrite_finite
from medaug.ranges import Range, drawn_in
from medaug.typing import AnyArray, FloatArray, Matrix


@dataclass(frozen=True)
class KSpaceBall:
    """Keep the spatial frequencies in a ball of the radius ``(1 - alpha) * n / sqrt(2)``.

    ``n`` is the number of voxels along the longest axis. The centre of the ball is that of the
    array of frequencies, half a step from frequency 0 along an even axis; of the image that such a
    ball leaves the real part counts. The image goes on periodically.

    Parameters
    ----------
    alpha : range
        From 0 to 1; 0 keeps everything but, in three dimensions, the corners.
    """

    alpha: Range

    def __post_init__(self) -> None:
        check_share("alpha", self.alpha)

    def at_magnitude(self, magnitude: float) -> KSpaceBall:
        """Return the effect with larger balls."""
        return replace(self, alpha=drawn_in(self.alpha, magnitude))

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``alpha``."""
        return {"alpha": float(rng.uniform(*self.alpha))}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Cut the k-space of a channel."""
        radius = (1.0 - parameters["alpha"]) * max(channel.facts.shape) * math.sqrt(2.0) / 2.0
        rewrite_finite(channel, lambda voxels: _cut(voxels, radius))


def _cut(voxels: FloatArray, radius: float) -> AnyArray:
    """Cut to a ball, transforming only the frequencies that it holds some of."""
    shape = voxels.shape if voxels.shape[2] > 1 else (1, *voxels.shape[:2])  # long lines
    weights = _weights(shape, radius)
    planes, kept = weights.any(axis=(1, 2)), int(weights.any(axis=(0, 1)).sum())
    lines = fft.rfft(voxels.reshape(shape), axis=2)[..., :kept]
    spectrum = fft.fft(lines, axis=0)
    inside = fft.fft(spectrum[planes], axis=1, overwrite_x=True)
    inside *= weights[planes, :, :kept]
    spectrum[planes] = fft.ifft(inside, axis=1, overwrite_x=True)
    spectrum[~planes] = 0
    lines = fft.ifft(spectrum, axis=0, overwrite_x=True)
    return np.asarray(fft.irfft(lines, shape[2], axis=2)).reshape(voxels.shape)


@lru_cache(maxsize=1)  # the channels of an image share them
def _weights(shape: tuple[int, ...], radius: float) -> FloatArray:
    """Return what is kept of each frequency of the half that a real image has, [I, J, K // 2 + 1].

    To the real part, a frequency and its negative give half each.
    """
    weights = np.zeros((shape[0], shape[1], shape[2] // 2 + 1), np.float32)
    for sign in (1, -1):
        i, j, k = (_squares(n, sign) for n in shape)
        left = _largest_square(radius) - i[:, None] - j
        weights += np.float32(0.5) * (k[: weights.shape[2]] <= left[..., None])
    return weights


def _squares(voxels: int, sign: int) -> Matrix:
    """Return the squared distance of each frequency, or its negative, from the ball's centre."""
    place = (sign * np.arange(voxels) + voxels // 2) % voxels
    return np.asarray((place - (voxels - 1) / 2) ** 2, np.float64)


def _largest_square(radius: float) -> float:
    """Return the largest square of a distance up to ``radius``; such squares go by quarters.

    Frequencies right on the ball are common, and must not depend on rounding.
    """
    quarters = math.floor(4.0 * radius**2) + 1
    while quarters > 0 and math.sqrt(quarters / 4.0) > radius:
        quarters -= 1
    return quarters / 4.0
