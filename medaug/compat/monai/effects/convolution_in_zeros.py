"""Gaussian smoothing of an image that zeros surround."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from scipy import special

from medaug.intensity import Channel, ImageFacts, Parameters
from medaug.intensity.smoothing import convolve_in_zeros
from medaug.ranges import AxisRanges, axes_drawn_in
from medaug.resample import check_choice
from medaug.typing import FloatArray

#: What a weight is: the integral of the Gaussian over a voxel, its value at the centre, or that of
#: the discrete Gaussian of scale space.
Approximation: TypeAlias = Literal["erf", "sampled", "scalespace"]

_TRUNCATE = 4.0  # standard deviations


@dataclass(frozen=True)
class ConvolutionInZeros:
    """Convolve with a Gaussian; beyond the image there are zeros, so that its border gets darker.

    Weights end four standard deviations away, and what they lack to 1 is not made up for.

    Parameters
    ----------
    sigma : three ranges
        Standard deviation along each axis, in voxels; not negative.
    approximation : {"erf", "sampled", "scalespace"}
        ``scalespace`` has ``exp(-s) I_n(s)`` for the weight of the voxel ``n`` away, with
        ``s = sigma ** 2`` and the modified Bessel function ``I_n`` (Lindeberg 1990, IEEE
        Transactions on Pattern Analysis and Machine Intelligence 12(3)).
    """

    sigma: AxisRanges
    approximation: Approximation

    def __post_init__(self) -> None:
        check_choice("approx", self.approximation, get_args(Approximation))

    def at_magnitude(self, magnitude: float) -> ConvolutionInZeros:
        """Return the effect with less blur."""
        return replace(self, sigma=axes_drawn_in(self.sigma, magnitude))

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``sigma_voxels``, a list of three; a two-dimensional image needs two of them."""
        return {"sigma_voxels": [float(rng.uniform(*bounds)) for bounds in self.sigma]}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Smooth a channel."""
        rank = channel.facts.rank
        sigma = [*parameters["sigma_voxels"][:rank], *[0.0] * (3 - rank)]
        if any(sigma):
            convolve_in_zeros(channel, [_weights(s, self.approximation) for s in sigma])


def _weights(sigma: float, approximation: Approximation) -> FloatArray:
    """Return the weight of a voxel and of those to one side."""
    if sigma == 0:
        return np.ones(1, np.float32)
    away = np.arange(max(int(_TRUNCATE * sigma + 0.5), 1) + 1)
    if approximation == "scalespace":
        weights = special.ive(away, sigma**2)
    elif approximation == "sampled":
        weights = np.exp(-0.5 * (away / sigma) ** 2) / (np.sqrt(2.0 * np.pi) * sigma)
    else:
        edges = (away[:, None] + [-0.5, 0.5]) / (np.sqrt(2.0) * sigma)
        weights = 0.5 * np.diff(special.erf(edges))[:, 0]
    return np.asarray(weights, np.float32)
