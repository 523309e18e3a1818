"""Scaling by a relative amount."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medaug.intensity import Channel, ImageFacts, Parameters
from medaug.ranges import Range, drawn_in


@dataclass(frozen=True)
class RelativeScale:
    """Multiply: ``v -> v * (1 + factor)``.

    Parameters
    ----------
    factor : range
        Of either sign; below -1 the image is negated.
    """

    factor: Range

    def at_magnitude(self, magnitude: float) -> RelativeScale:
        """Return the effect with factors nearer to 0."""
        return replace(self, factor=drawn_in(self.factor, magnitude))

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``factor``."""
        return {"factor": float(rng.uniform(*self.factor))}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Scale a channel."""
        channel.linear(1.0 + parameters["factor"], 0.0)
