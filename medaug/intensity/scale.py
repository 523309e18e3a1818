"""Multiplicative scaling of intensities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medaug.intensity.channel import Channel
from medaug.intensity.effect import Distribution, Parameters, draw_factor
from medaug.intensity.facts import ImageFacts
from medaug.ranges import Range, drawn_in


@dataclass(frozen=True)
class IntensityScale:
    """Multiply intensities, as the gain of a receiver does: ``v -> factor * v``.

    Parameters
    ----------
    factor : range
        Positive.
    distribution : {"uniform", "log_uniform", "balanced"}
        How the factor is drawn.
    """

    factor: Range
    distribution: Distribution = "uniform"

    def __post_init__(self) -> None:
        if self.factor[0] <= 0:
            raise ValueError(f"factor must stay above 0; got {self.factor}")

    def at_magnitude(self, magnitude: float) -> IntensityScale:
        """Return the effect with factors nearer to 1."""
        return replace(self, factor=drawn_in(self.factor, magnitude, 1.0))

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``factor``."""
        return {"factor": draw_factor(rng, self.factor, self.distribution)}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Scale a channel."""
        channel.linear(parameters["factor"], 0.0)
