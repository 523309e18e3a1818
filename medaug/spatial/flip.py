"""Mirroring along array axes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medaug.geometry import AffineStage, Stage, affine_flip
from medaug.spatial.grid import Grid


@dataclass(frozen=True)
class Flip:
    """Mirror each axis with its own probability.

    Parameters
    ----------
    axis_probs : tuple of 3 floats
        Probability that the axis is mirrored.
    """

    axis_probs: tuple[float, float, float]

    def sample(self, rng: np.random.Generator, grid: Grid) -> list[Stage]:
        """Draw the axes and return the pull-back, exact to the voxel."""
        flipped = rng.random(3) < self.axis_probs
        return [AffineStage(affine_flip(flipped, grid.shape))] if flipped.any() else []
