"""Boxes cut out of an image."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from medaug.intensity.bounds import check_counts, draw_count
from medaug.intensity.channel import Channel
from medaug.intensity.effect import Parameters
from medaug.intensity.facts import ImageFacts
from medaug.ranges import AxisRanges, Range, axes_drawn_in
from medaug.typing import FloatArray

#: What a hole holds: the smallest value of the channel, its mean, or zero.
Fill: TypeAlias = Literal["low", "mean", "zero"]


@dataclass(frozen=True)
class CutOut:
    """Fill boxes with a constant, so that a network must look at the rest.

    The centre of a box is uniform over the field of view, beyond which nothing is cut. A box holds
    the voxels whose centres are in it, and reaches right through an axis of one voxel (DeVries and
    Taylor 2017, arXiv:1708.04552).

    Parameters
    ----------
    holes : range
        How many boxes; they may overlap.
    size_mm : three ranges
        Edge along each axis, not negative.
    fill : {"low", "mean", "zero"}
        What they hold: the smallest value of the channel, its mean, or zero.
    """

    holes: Range
    size_mm: AxisRanges
    fill: Fill = "mean"

    def __post_init__(self) -> None:
        check_counts("holes", self.holes, 0)

    def at_magnitude(self, magnitude: float) -> CutOut:
        """Return the effect with as many boxes, but smaller ones."""
        return replace(self, size_mm=axes_drawn_in(self.size_mm, magnitude))

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``boxes``: for each and each axis, the first voxel and the one after the last."""
        boxes = [self._draw_box(rng, facts) for _ in range(draw_count(rng, self.holes))]
        return {"boxes": [box for box in boxes if all(stop > start for start, stop in box)]}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Fill the boxes of a channel."""
        boxes = [tuple(slice(*ends) for ends in box) for box in parameters["boxes"]]
        if not boxes:
            return
        value = 0.0
        if self.fill != "zero":
            value = channel.low if self.fill == "low" else channel.mean

        def write(voxels: FloatArray, out: FloatArray) -> None:
            np.copyto(out, voxels)
            for box in boxes:
                out[box] = value

        channel.rewrite(write)

    def _draw_box(self, rng: np.random.Generator, facts: ImageFacts) -> list[list[int]]:
        box = []
        for n, spacing, bounds in zip(facts.shape, facts.spacing_mm, self.size_mm, strict=True):
            centre, half = rng.uniform(-0.5, n - 0.5), rng.uniform(*bounds) / spacing / 2
            if n == 1 or half == 0:
                box.append([0, 1 if half > 0 else 0])
            else:
                start = max(math.ceil(centre - half), 0)
                box.append([start, min(math.floor(centre + half) + 1, n)])
        return box
