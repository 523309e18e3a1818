"""Unsharp masking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medaug.intensity.channel import Channel
from medaug.intensity.effect import Parameters
from medaug.intensity.facts import ImageFacts
from medaug.intensity.smoothing import sigma_in_voxels, smooth
from medaug.ranges import Range, drawn_in


@dataclass(frozen=True)
class Sharpen:
    """Add what a Gaussian blur would take away: ``v -> v + amount * (v - blurred v)``.

    That is unsharp masking, which scanners offer as an edge filter.

    Parameters
    ----------
    amount : range
        Not negative.
    sigma_mm : range
        Standard deviation of the blur: the size of the details that are stressed.
    """

    amount: Range
    sigma_mm: Range

    def at_magnitude(self, magnitude: float) -> Sharpen:
        """Return the effect with smaller amounts."""
        return replace(self, amount=drawn_in(self.amount, magnitude))

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``amount`` and ``sigma_voxels``, a list of three."""
        amount, sigma_mm = float(rng.uniform(*self.amount)), float(rng.uniform(*self.sigma_mm))
        return {"amount": amount, "sigma_voxels": sigma_in_voxels([sigma_mm] * 3, facts)}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Sharpen a channel."""
        amount = parameters["amount"]
        if amount > 0 and any(parameters["sigma_voxels"]):
            smooth(channel, parameters["sigma_voxels"], keep=1.0 + amount, gain=-amount)
