"""Additive shift of intensities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from medaug.intensity.channel import Channel
from medaug.intensity.effect import Parameters
from medaug.intensity.facts import ImageFacts
from medaug.ranges import Range, drawn_in

#: What an offset is counted in: standard deviations of the channel, or the units of the image.
ShiftUnit: TypeAlias = Literal["std", "absolute"]


@dataclass(frozen=True)
class IntensityShift:
    """Add the same to every voxel: ``v -> v + offset * std``, or ``v + offset``.

    Parameters
    ----------
    offset : range
        Of either sign.
    unit : {"std", "absolute"}
        ``std``: in standard deviations of the channel, so that a constant channel stays as it is.
        ``absolute``: in the units of the image.
    """

    offset: Range
    unit: ShiftUnit = "std"

    def at_magnitude(self, magnitude: float) -> IntensityShift:
        """Return the effect with offsets nearer to 0."""
        return replace(self, offset=drawn_in(self.offset, magnitude))

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``offset``."""
        return {"offset": float(rng.uniform(*self.offset))}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Shift a channel."""
        offset = parameters["offset"]
        if offset != 0:
            channel.linear(1.0, offset * channel.std if self.unit == "std" else offset)
