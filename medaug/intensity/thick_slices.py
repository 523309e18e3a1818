"""Thick slices, as in routine scans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medaug.intensity.channel import Channel
from medaug.intensity.coarse import expand
from medaug.intensity.effect import Parameters
from medaug.intensity.facts import ImageFacts
from medaug.ranges import Range, drawn_in
from medaug.typing import FloatArray, Matrix


@dataclass(frozen=True)
class ThickSlices:
    """Average over slices along one axis, and interpolate linearly between their centres.

    A slice is the mean of what lies in it: a box profile without gaps between slices, which is
    what partial volume means (Greenspan 2009, The Computer Journal 52(1)).

    Parameters
    ----------
    thickness_mm : range
        Of a slice. One that is thinner than a voxel changes nothing.
    axis : int
        The array axis across the slices; -1 draws one.
    """

    thickness_mm: Range
    axis: int = -1

    def __post_init__(self) -> None:
        if self.axis not in (-1, 0, 1, 2):
            raise ValueError(f"axis must be 0, 1 or 2, or -1 for a random one; got {self.axis}")

    def at_magnitude(self, magnitude: float) -> ThickSlices:
        """Return the effect with thinner slices."""
        return replace(self, thickness_mm=drawn_in(self.thickness_mm, magnitude))

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``axis`` and ``slices``, their number."""
        thickness_mm = float(rng.uniform(*self.thickness_mm))
        axis = self.axis
        if axis == -1:
            axis = int(rng.choice(facts.wide_axes)) if facts.wide_axes else 0
        n, spacing_mm = facts.shape[axis], facts.spacing_mm[axis]
        slices = n if thickness_mm <= spacing_mm else max(1, round(n * spacing_mm / thickness_mm))
        return {"axis": axis, "slices": slices}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Cut a channel into slices and interpolate between them."""
        axis, slices = parameters["axis"], parameters["slices"]
        shares = _shares(channel.facts.shape[axis], slices)
        if slices == len(shares[0]):
            return

        def write(voxels: FloatArray, out: FloatArray) -> None:
            averaged = np.tensordot(shares.astype(np.float32), voxels, (1, axis))
            expand(np.ascontiguousarray(np.moveaxis(averaged, 0, axis)), out)

        channel.rewrite(write)


def _shares(voxels: int, slices: int) -> Matrix:
    """Return the share of each voxel in the mean of each slice, [slices, voxels]."""
    edges = np.arange(slices + 1) * voxels / slices
    start, stop = edges[:-1, None], edges[1:, None]
    voxel = np.arange(voxels)
    overlap = np.minimum(stop, voxel + 1) - np.maximum(start, voxel)
    return np.asarray(np.maximum(overlap, 0.0) * slices / voxels)
