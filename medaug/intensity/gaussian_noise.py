"""Additive Gaussian noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medaug.intensity.channel import Channel
from medaug.intensity.effect import Parameters, draw_seed
from medaug.intensity.facts import ImageFacts
from medaug.ranges import Range, drawn_in


@dataclass(frozen=True)
class GaussianNoise:
    """Add independent normal noise to every voxel.

    Parameters
    ----------
    std : range
        Standard deviation, in the units of the image; 0.1 is strong after a z-score.
    mean : float
        Of the noise.
    """

    std: Range
    mean: float = 0.0

    def at_magnitude(self, magnitude: float) -> GaussianNoise:
        """Return the effect with less noise."""
        std = drawn_in(self.std, magnitude)
        return replace(self, std=std, mean=magnitude * self.mean)

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``std`` and ``seed``, which stands for the whole field of noise."""
        return {"std": float(rng.uniform(*self.std)), "seed": draw_seed(rng)}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Add the noise of ``seed`` to a channel."""
        if parameters["std"] > 0:
            channel.add_normal(parameters["std"], parameters["seed"])
        if self.mean != 0:
            channel.linear(1.0, self.mean)
