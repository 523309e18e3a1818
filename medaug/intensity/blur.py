"""Gaussian blur."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medaug.intensity.channel import Channel
from medaug.intensity.effect import Parameters
from medaug.intensity.facts import ImageFacts
from medaug.intensity.smoothing import sigma_in_voxels, smooth
from medaug.ranges import AxisRanges, axes_drawn_in


@dataclass(frozen=True)
class Blur:
    """Convolve with a Gaussian, a standard deviation drawn for each axis.

    Parameters
    ----------
    sigma : three ranges
        Standard deviation along each axis; not negative.
    in_voxels : bool
        They are voxels instead of millimetres.
    isotropic : bool
        One standard deviation, drawn from the first range, for all axes.
    """

    sigma: AxisRanges
    in_voxels: bool = False
    isotropic: bool = False

    def at_magnitude(self, magnitude: float) -> Blur:
        """Return the effect with less blur."""
        return replace(self, sigma=axes_drawn_in(self.sigma, magnitude))

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``sigma_voxels``, a list of three."""
        if self.isotropic:
            drawn = [float(rng.uniform(*self.sigma[0]))] * 3
        else:
            drawn = [float(rng.uniform(*bounds)) for bounds in self.sigma]
        unit = ImageFacts(facts.shape) if self.in_voxels else facts
        return {"sigma_voxels": sigma_in_voxels(drawn, unit)}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Blur a channel."""
        if any(parameters["sigma_voxels"]):
            smooth(channel, parameters["sigma_voxels"])
