"""Effects that keep to the planes across the first axis.

nnU-Net augments patches of thick slices slice by slice: nothing is turned or scaled out of a slice,
nor is its resolution lowered across slices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medaug.geometry import Warp
from medaug.intensity import Change, ImageFacts, LowResolution
from medaug.intensity.channel import Channel
from medaug.intensity.effect import Parameters
from medaug.spatial import Grid, Rotate, Scale, SpatialEffect, Step


@dataclass(frozen=True)
class InPlane(SpatialEffect):
    """A spatial effect that is drawn for a single slice and moves all slices alike.

    Parameters
    ----------
    effect : SpatialEffect
        It must leave the axis of a single slice alone, as rotation and scale do.
    """

    effect: SpatialEffect

    def at_magnitude(self, magnitude: float) -> InPlane:
        """Return the effect with its ranges drawn in."""
        return InPlane(self.effect.at_magnitude(magnitude))

    def sample(self, rng: np.random.Generator, grid: Grid) -> Warp:
        """Draw the warp of a slice and return it for all of them."""
        _, rows, columns = grid.shape
        slice_warp = self.effect.sample(rng, replace(grid, shape=(1, rows, columns)))
        return Warp(grid.shape, slice_warp.stages)


@dataclass(frozen=True)
class InPlaneResolution:
    """:class:`medaug.intensity.LowResolution` that keeps all slices.

    Parameters
    ----------
    effect : LowResolution
    """

    effect: LowResolution

    def at_magnitude(self, magnitude: float) -> InPlaneResolution:
        """Return the effect with its ranges drawn in."""
        return InPlaneResolution(self.effect.at_magnitude(magnitude))

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``shape``, the voxels that are kept along each axis."""
        slices, _, _ = facts.shape
        _, *kept = self.effect.sample(rng, facts)["shape"]
        return {"shape": [slices, *kept]}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Take a channel to the coarse grid and back."""
        self.effect.apply(channel, parameters)


def spatial_in_plane(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Return the steps with rotation and scale kept in plane; slices may still change order."""
    return tuple(
        replace(step, effect=InPlane(step.effect))
        if isinstance(step.effect, Rotate | Scale)
        else step
        for step in steps
    )


def intensity_in_plane(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Return the changes with lower resolution kept in plane."""
    return tuple(
        replace(change, effect=InPlaneResolution(change.effect))
        if isinstance(change.effect, LowResolution)
        else change
        for change in changes
    )
