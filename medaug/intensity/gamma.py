"""Gamma correction."""

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
class Gamma:
    """Bend the intensity curve: ``v -> low + (high - low) * ((v - low) / (high - low)) ** gamma``.

    ``low`` and ``high`` are the extremes of the channel, so the range stays what it is. Of a
    negated image bright tissue is stretched where dark one would be.

    Parameters
    ----------
    gamma : range
        Positive.
    distribution : {"log_uniform", "uniform", "balanced"}
        How the exponent is drawn; by its logarithm, darker and brighter are equally likely where
        the range is symmetric, as (2/3, 3/2) is.
    negate_prob : float
        Probability that the curve is bent from the bright end.
    keep_stats : bool
        Restore mean and standard deviation of each channel afterwards.
    """

    gamma: Range
    distribution: Distribution = "log_uniform"
    negate_prob: float = 0.0
    keep_stats: bool = False

    def __post_init__(self) -> None:
        if self.gamma[0] <= 0:
            raise ValueError(f"gamma must stay above 0; got {self.gamma}")

    def at_magnitude(self, magnitude: float) -> Gamma:
        """Return the effect with exponents nearer to 1."""
        return replace(self, gamma=drawn_in(self.gamma, magnitude, 1.0))

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``gamma`` and ``negated``."""
        gamma = draw_factor(rng, self.gamma, self.distribution)
        return {"gamma": gamma, "negated": bool(rng.random() < self.negate_prob)}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Bend a channel; a constant one stays as it is."""
        start, end = channel.low, channel.high
        if parameters["gamma"] == 1 or not end > start:
            return
        if parameters["negated"]:
            start, end = end, start
        mean, std = (channel.mean, channel.std) if self.keep_stats else (0.0, 0.0)
        span = end - start
        channel.linear(1.0 / span, -start / span)
        channel.power(parameters["gamma"])
        channel.linear(span, start)
        if self.keep_stats:
            channel.set_moments(mean, std)
