"""Random smooth, monotone curve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medaug.intensity.bounds import check_share
from medaug.intensity.channel import Channel
from medaug.intensity.effect import Parameters
from medaug.intensity.facts import ImageFacts
from medaug.intensity.unit_curve import PLACES, bend
from medaug.ranges import Range, drawn_in
from medaug.typing import Matrix

#: The inner control points of the Bezier curve that changes nothing.
_DIAGONAL = np.array([[1.0, 1.0], [2.0, 2.0]]) / 3.0
#: Enough points of the curve that its own bends are finer than those of the table.
_STEPS = 4 * len(PLACES)


@dataclass(frozen=True)
class MonotoneCurve:
    """Bend the intensities by a cubic Bezier curve whose ends are those of the channel's range.

    The two inner control points are uniform in the square of the range (Zhou et al. 2021, "Models
    Genesis", Medical Image Analysis 67). Both coordinates of such a curve grow all along it, so
    that the order of intensities stays.

    Parameters
    ----------
    strength : range
        From 0 to 1, the share of the way from the straight line at which the control points stop.
    """

    strength: Range

    def __post_init__(self) -> None:
        check_share("strength", self.strength)

    def at_magnitude(self, magnitude: float) -> MonotoneCurve:
        """Return the effect with curves nearer to the straight line."""
        return replace(self, strength=drawn_in(self.strength, magnitude))

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``points``: both inner control points, [2][2], in the unit square."""
        strength = rng.uniform(*self.strength)
        points = _DIAGONAL + strength * (rng.uniform(size=(2, 2)) - _DIAGONAL)
        return {"points": points.tolist()}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Bend a channel; a constant one stays as it is."""
        points = np.array(parameters["points"])
        if not np.array_equal(points[:, 0], points[:, 1]):
            bend(channel, _bezier(points))


def _bezier(inner: Matrix) -> Matrix:
    """Return the heights at ``PLACES`` of a curve from (0, 0) to (1, 1)."""
    t = np.linspace(0.0, 1.0, _STEPS)
    first, second, third = 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3
    x, y = (first * one + second * other + third for one, other in inner.T)
    return np.asarray(np.interp(PLACES, x, y))
