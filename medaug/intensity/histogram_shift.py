"""Random piecewise linear, monotone curve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medaug.intensity.bounds import check_counts, check_share, draw_count
from medaug.intensity.channel import CURVE_POINTS, Channel
from medaug.intensity.effect import Parameters
from medaug.intensity.facts import ImageFacts
from medaug.intensity.unit_curve import bend
from medaug.ranges import Range, drawn_in


@dataclass(frozen=True)
class HistogramShift:
    """Move control points of the intensities at random; linear between them.

    The points are evenly spaced over the range of the channel, whose ends stay. One by one from
    below, each is drawn uniformly between the one before it, where that is by now, and the one
    after it, so that they keep their order: MONAI's ``RandHistogramShift``.

    Parameters
    ----------
    control_points : range
        How many, the two ends included; 3 to 1025. Fewer points allow larger shifts.
    strength : range
        From 0 to 1, the share of the way that each point goes.
    """

    control_points: Range
    strength: Range = (1.0, 1.0)

    def __post_init__(self) -> None:
        check_counts("control_points", self.control_points, 3)
        if self.control_points[1] > CURVE_POINTS:
            raise ValueError(
                f"control_points must not be more than {CURVE_POINTS}; got {self.control_points}"
            )
        check_share("strength", self.strength)

    def at_magnitude(self, magnitude: float) -> HistogramShift:
        """Return the effect with points that move less."""
        return replace(self, strength=drawn_in(self.strength, magnitude))

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``moved``: where the points went, from 0 for the lower end to 1 for the upper."""
        places = np.linspace(0.0, 1.0, draw_count(rng, self.control_points))
        strength, moved = rng.uniform(*self.strength), places.copy()
        for n in range(1, len(moved) - 1):
            moved[n] = rng.uniform(moved[n - 1], moved[n + 1])
        return {"moved": (places + strength * (moved - places)).tolist()}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Bend a channel; a constant one stays as it is."""
        moved = np.array(parameters["moved"])
        if not np.array_equal(moved, np.linspace(0.0, 1.0, len(moved))):
            bend(channel, moved)
