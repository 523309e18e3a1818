"""Random smooth curve that may rise and fall."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.interpolate import PchipInterpolator

from medaug.intensity.bounds import check_counts, check_share, draw_count
from medaug.intensity.channel import Channel
from medaug.intensity.effect import Parameters
from medaug.intensity.facts import ImageFacts
from medaug.intensity.unit_curve import PLACES, bend
from medaug.ranges import Range, drawn_in


@dataclass(frozen=True)
class NonlinearCurve:
    r"""Blend the image with a random curve of itself: ``v -> (1 - strength) v + strength g(v)``.

    Mean and standard deviation of the channel stay. This is the idea of global intensity
    non-linearity: shapes keep their place while the order of tissues changes, so that a network
    must not rely on that order (Ouyang et al. 2023, IEEE Transactions on Medical Imaging 42(4)).
    Theirs is a random shallow network; here ``g`` runs smoothly through control points that are
    evenly spaced over the range of the channel and uniform within it, and does not overshoot them
    (Fritsch and Butland 1984, SIAM Journal on Scientific and Statistical Computing 5(2)). The
    smallest value stays the smallest, because air is dark on every scanner.

    Parameters
    ----------
    strength : range
        From 0 to 1, the share of the curve in the result.
    control_points : range
        How many, both ends included; 3 at least. More points make more turns.
    """

    strength: Range
    control_points: Range = (4.0, 7.0)

    def __post_init__(self) -> None:
        check_share("strength", self.strength)
        check_counts("control_points", self.control_points, 3)

    def at_magnitude(self, magnitude: float) -> NonlinearCurve:
        """Return the effect with less of the curve."""
        return replace(self, strength=drawn_in(self.strength, magnitude))

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``strength`` and ``values``: the control points from 0 to 1."""
        strength = float(rng.uniform(*self.strength))
        values = rng.uniform(size=draw_count(rng, self.control_points) - 1)
        return {"strength": strength, "values": [0.0, *values.tolist()]}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Bend a channel; a constant one stays as it is."""
        strength, values = parameters["strength"], parameters["values"]
        if strength == 0:
            return
        mean, std = channel.mean, channel.std
        curve = PchipInterpolator(np.linspace(0.0, 1.0, len(values)), values)(PLACES)
        bend(channel, (1.0 - strength) * PLACES + strength * curve)
        channel.set_moments(mean, std)
