"""What every intensity effect offers, and how the numbers that many of them need are drawn."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from typing_extensions import Self

from medaug.intensity.channel import Channel
from medaug.intensity.facts import ImageFacts
from medaug.ranges import Range
from medaug.rng import SEED_BOUND

#: Plain numbers, texts and lists that JSON keeps exactly.
Parameters: TypeAlias = dict[str, Any]

#: How a factor is drawn from a range about 1. ``uniform`` and ``log_uniform`` as their names say;
#: ``balanced`` is in half of the cases uniform below 1 and in the others uniform above.
Distribution: TypeAlias = Literal["uniform", "log_uniform", "balanced"]


class IntensityEffect(Protocol):
    """An effect draws parameters and applies them to a channel; neither keeps anything."""

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw the parameters for one channel, or for all that share them."""
        ...

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Change a channel."""
        ...

    def at_magnitude(self, magnitude: float) -> Self:
        """Return the effect with its ranges drawn in: 1 is itself, and 0 changes nothing."""
        ...


def draw_factor(
    rng: np.random.Generator, bounds: Range, distribution: Distribution = "uniform"
) -> float:
    """Draw a positive factor from ``bounds``."""
    low, high = bounds
    if distribution == "log_uniform":
        return math.exp(rng.uniform(math.log(low), math.log(high)))
    if distribution == "balanced" and low < 1 < high:
        return float(rng.uniform(low, 1.0) if rng.random() < 0.5 else rng.uniform(1.0, high))
    return float(rng.uniform(low, high))


def draw_seed(rng: np.random.Generator) -> int:
    """Draw what stands for a random field."""
    return int(rng.integers(SEED_BOUND))
