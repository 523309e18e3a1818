"""The z-score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from medaug.intensity.channel import Channel
from medaug.intensity.effect import Parameters
from medaug.intensity.facts import ImageFacts


@dataclass(frozen=True)
class Standardise:
    """Shift and scale to mean 0 and standard deviation 1; what is constant is only shifted."""

    def at_magnitude(self, magnitude: float) -> Standardise:
        """Return the effect itself: it is the same at every magnitude."""
        return self

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Return nothing, because there is nothing to draw."""
        return {}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Standardise a channel."""
        channel.set_moments(0.0, 1.0)
