"""Mirroring along array axes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medaug.geometry import AffineStage, Warp, affine_flip
from medaug.spatial.effect import SpatialEffect
from medaug.spatial.grid import Grid


@dataclass(frozen=True)
class Flip(SpatialEffect):
    """Mirror each axis with its own probability.

    Parameters
    ----------
    axis_probs : tuple of 3 floats
        Probability that the axis is mirrored.
    """

    axis_probs: tuple[float, float, float]

    def at_magnitude(self, magnitude: float) -> Flip:
        """Return the effect with smaller probabilities: there is no half a flip."""
        first, second, third = (prob * magnitude for prob in self.axis_probs)
        return Flip((first, second, third))

    def sample(self, rng: np.random.Generator, grid: Grid) -> Warp:
        """Draw the axes and return the pull-back, exact to the voxel."""
        flipped = rng.random(3) < self.axis_probs
        return Warp(grid.shape, (AffineStage(affine_flip(flipped, grid.shape)),))


def mirrors_left_right(flip: Warp, grid: Grid) -> bool:
    """Tell whether a warp of :class:`Flip` mirrors the axis of ``grid`` from left to right."""
    axis = grid.left_right_axis
    return bool(flip.affine_part()[axis, axis] < 0)
