"""Cutting the tails of the intensities."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medaug.intensity.channel import Channel
from medaug.intensity.effect import Parameters
from medaug.intensity.facts import ImageFacts
from medaug.ranges import Range, drawn_in

#: A percentile of that many is right within about 0.2, and in the tails within 0.1.
_VOXELS = 100_000


@dataclass(frozen=True)
class Clip:
    """Cut every voxel to the range between two percentiles of the channel.

    Percentiles are those of evenly spaced voxels, 100 000 at least where there are so many.

    Parameters
    ----------
    lower_percentile : range
        From 0, which cuts nothing, to below 50.
    upper_percentile : range
        From above 50 to 100, which cuts nothing.
    """

    lower_percentile: Range
    upper_percentile: Range

    def __post_init__(self) -> None:
        if not 0 <= self.lower_percentile[0] <= self.lower_percentile[1] < 50:
            raise ValueError(f"lower_percentile must be in [0, 50); got {self.lower_percentile}")
        if not 50 < self.upper_percentile[0] <= self.upper_percentile[1] <= 100:
            raise ValueError(f"upper_percentile must be in (50, 100]; got {self.upper_percentile}")

    def at_magnitude(self, magnitude: float) -> Clip:
        """Return the effect with percentiles nearer to 0 and 100."""
        return replace(
            self,
            lower_percentile=drawn_in(self.lower_percentile, magnitude),
            upper_percentile=drawn_in(self.upper_percentile, magnitude, 100.0),
        )

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``lower`` and ``upper``, in percent."""
        return {
            "lower": float(rng.uniform(*self.lower_percentile)),
            "upper": float(rng.uniform(*self.upper_percentile)),
        }

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Cut the tails of a channel."""
        lower, upper = parameters["lower"], parameters["upper"]
        if lower == 0 and upper == 100:
            return
        values = channel.subsample(_VOXELS)
        if values.size:
            low, high = np.percentile(values, (lower, upper)).tolist()
            channel.clip(low if lower > 0 else -math.inf, high if upper < 100 else math.inf)
