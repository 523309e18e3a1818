"""Ghosts: copies of what is seen, shifted along the phase encoding axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medaug.intensity.bounds import draw_count
from medaug.intensity.channel import Channel
from medaug.intensity.effect import Parameters
from medaug.intensity.facts import ImageFacts
from medaug.intensity.kspace import (
    along,
    check_axis,
    draw_axis,
    lines_of,
    rewrite_finite,
    voxels_of_lines,
)
from medaug.ranges import Range, drawn_in
from medaug.typing import AnyArray, FloatArray


@dataclass(frozen=True)
class Ghosting:
    """Weigh the lines of k-space periodically, as pulsation and breathing do.

    If every ``g``-th line is weighed by ``1 + a (g - 1)`` and the others by ``1 - a``, an image of
    ``n`` voxels becomes itself plus ``a`` times its copies, shifted by ``m n / g`` voxels for
    ``m = 1 .. g - 1`` and wrapped around (Wood and Henkelman 1985, Medical Physics 12(2); for two,
    this is the Nyquist ghost of echo planar imaging). The lines about the centre of k-space stay,
    so copies lack their coarsest structure, and the mean of the image stays.

    Copies can be brighter or darker than what they lie on. The image is treated as real: where a
    scanner shows the magnitude of a negative background, this shows it negative.

    Parameters
    ----------
    ghosts : range
        Whole numbers of images along the axis, the original included, from 2 on.
    intensity : range
        Of each copy, as a share of the original; not negative.
    axis : int
        The phase encoding axis; -1 draws one.
    centre : float
        Share of the lines, those about the centre, that stays.
    """

    ghosts: tuple[int, int]
    intensity: Range
    axis: int = -1
    centre: float = 0.02

    def __post_init__(self) -> None:
        check_axis("axis", self.axis)
        if self.ghosts[0] < 2:
            raise ValueError(f"ghosts must be 2 or more, the original included; got {self.ghosts}")

    def at_magnitude(self, magnitude: float) -> Ghosting:
        """Return the effect with fainter copies."""
        return replace(self, intensity=drawn_in(self.intensity, magnitude))

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``axis``, ``ghosts`` and ``intensity``, which is negative for dark copies."""
        sign = 1.0 if rng.random() < 0.5 else -1.0
        return {
            "axis": draw_axis(rng, self.axis, facts),
            "ghosts": draw_count(rng, self.ghosts),
            "intensity": sign * float(rng.uniform(*self.intensity)),
        }

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Add the copies to a channel; along an axis of one voxel there are none."""
        axis, n = parameters["axis"], channel.facts.shape[parameters["axis"]]
        if parameters["intensity"] == 0 or n == 1:
            return
        weights = self._weights(n, parameters["ghosts"], parameters["intensity"])

        def change(voxels: FloatArray) -> AnyArray:
            lines = lines_of(voxels, axis)
            lines *= along(axis, weights)
            return voxels_of_lines(lines, axis, n)

        rewrite_finite(channel, change)

    def _weights(self, n: int, ghosts: int, intensity: float) -> AnyArray:
        """Return the weight of each line from the centre on."""
        line = np.arange(n // 2 + 1)
        weights = np.where(line % ghosts == 0, 1.0 + intensity * (ghosts - 1), 1.0 - intensity)
        weights[line < 0.5 * self.centre * n] = 1.0
        return weights
