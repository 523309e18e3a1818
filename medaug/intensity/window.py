"""Window and level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medaug.intensity.channel import Channel
from medaug.intensity.effect import Parameters
from medaug.intensity.facts import ImageFacts
from medaug.ranges import Range, drawn_in


@dataclass(frozen=True)
class Window:
    """Show a window of the intensities, as radiologists look at CT.

    ``level - width / 2`` to ``level + width / 2`` becomes the range ``output``, linearly, and what
    is beyond is cut: the function ``LINEAR_EXACT`` of DICOM (PS3.3, section C.11.2.1.3.2).

    Parameters
    ----------
    level : range
        Centre of the window, in the units of the image: HU for CT.
    width : range
        Positive, in the same units.
    output : pair
        What its ends become.
    """

    level: Range
    width: Range
    output: Range = (0.0, 1.0)

    def __post_init__(self) -> None:
        if self.width[0] <= 0:
            raise ValueError(f"width must stay above 0; got {self.width}")
        if not self.output[1] > self.output[0]:
            raise ValueError(f"output must be a range of some length; got {self.output}")

    def at_magnitude(self, magnitude: float) -> Window:
        """Return the effect with windows nearer to the central one.

        An image that is seen through no window is not on the same scale, so that magnitude 0 is
        the central window and not the image as it was.
        """
        level = drawn_in(self.level, magnitude, sum(self.level) / 2)
        width = drawn_in(self.width, magnitude, sum(self.width) / 2)
        return replace(self, level=level, width=width)

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``level`` and ``width``."""
        return {"level": float(rng.uniform(*self.level)), "width": float(rng.uniform(*self.width))}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Show a channel through the window."""
        level, width = parameters["level"], parameters["width"]
        start, end = self.output
        factor = (end - start) / width
        channel.linear(factor, start + factor * (width / 2 - level))
        channel.clip(start, end)
