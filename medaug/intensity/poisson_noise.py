"""Poisson noise, that of counted photons."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medaug.intensity.channel import Channel
from medaug.intensity.effect import Parameters, draw_seed
from medaug.intensity.facts import ImageFacts
from medaug.ranges import Range
from medaug.rng import generator
from medaug.typing import FloatArray

#: Where noise is weaker than that, float32 does not show it.
_LEAST = 1e-7


@dataclass(frozen=True)
class PoissonNoise:
    r"""Count photons: ``v -> low + n (high - low) / peak``, where ``n`` is a Poisson number.

    Its expectation is ``(v - low) / (high - low) * peak``. ``low`` and ``high`` are the extremes of
    the channel: no photon is expected at the one, and ``peak`` at the other. Counts of photons, as
    in PET and SPECT, are of this distribution (Barrett and Myers 2004, Foundations of Image
    Science, chapter 11), so that mean values stay, and the variance grows with the signal.

    Parameters
    ----------
    peak : range
        Expected count of the brightest voxel; above 0. Its relative standard deviation is
        ``1 / sqrt(peak)``, and it is this which is drawn uniformly.
    """

    peak: Range

    def __post_init__(self) -> None:
        if self.peak[0] <= 0:
            raise ValueError(f"peak must stay above 0; got {self.peak}")

    def at_magnitude(self, magnitude: float) -> PoissonNoise:
        """Return the effect with more photons: noise is proportional to the magnitude."""
        share = magnitude * magnitude
        low, high = (end / share if share > 0 else math.inf for end in self.peak)
        return replace(self, peak=(low, high))

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``relative_std``, that of the brightest voxel, and ``seed`` for the counts."""
        weakest, strongest = (1.0 / math.sqrt(end) for end in reversed(self.peak))
        return {"relative_std": float(rng.uniform(weakest, strongest)), "seed": draw_seed(rng)}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Count the photons of ``seed``; a constant channel stays as it is."""
        relative_std = parameters["relative_std"]
        low, span = channel.low, channel.high - channel.low
        if relative_std < _LEAST or not span > 0:
            return
        peak, rng = relative_std**-2, generator(parameters["seed"], channel.index)

        def write(voxels: FloatArray, out: FloatArray) -> None:
            for plane, target in zip(voxels, out, strict=True):
                known = np.isfinite(plane)
                share = np.where(known, (plane.astype(np.float64) - low) / span, 0.0)
                counts = rng.poisson(peak * np.clip(share, 0.0, 1.0))
                target[...] = np.where(known, low + counts * (span / peak), plane)

        channel.rewrite(write)
