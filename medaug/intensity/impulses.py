"""Salt and pepper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medaug.intensity.bounds import check_share
from medaug.intensity.channel import Channel
from medaug.intensity.effect import Parameters, draw_seed
from medaug.intensity.facts import ImageFacts
from medaug.ranges import Range, drawn_in


@dataclass(frozen=True)
class Impulses:
    """Set single voxels to the largest or the smallest value of the channel.

    Each voxel is hit with the probability ``density``, whatever becomes of the others.

    Parameters
    ----------
    density : range
        Share of the voxels, from 0 to 1.
    salt : float
        Share of the largest value among them.
    """

    density: Range
    salt: float = 0.5

    def __post_init__(self) -> None:
        check_share("density", self.density)

    def at_magnitude(self, magnitude: float) -> Impulses:
        """Return the effect on fewer voxels."""
        return replace(self, density=drawn_in(self.density, magnitude))

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``density`` and ``seed``, which stands for the voxels."""
        return {"density": float(rng.uniform(*self.density)), "seed": draw_seed(rng)}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Set the voxels of ``seed``."""
        density = parameters["density"]
        if density > 0 and channel.high > channel.low:
            salt = self.salt * density
            low, high = channel.low, channel.high
            channel.add_impulses(density - salt, salt, low, high, parameters["seed"])
