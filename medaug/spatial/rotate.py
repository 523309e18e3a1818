"""Rotation about the centre of the field of view."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medaug.geometry import AffineStage, Warp, affine_about, affine_in_voxels, affine_rotation
from medaug.ranges import AxisRanges, axes_drawn_in
from medaug.spatial.effect import SpatialEffect
from medaug.spatial.grid import Grid


@dataclass(frozen=True)
class Rotate(SpatialEffect):
    """Rotate by an angle about each array axis, in millimetres, so that no anatomy is sheared.

    Parameters
    ----------
    degrees : three ranges
        A positive angle turns what is seen along axis ``a + 1`` towards axis ``a + 2``.
    """

    degrees: AxisRanges

    def at_magnitude(self, magnitude: float) -> Rotate:
        """Return the effect with smaller angles."""
        return Rotate(axes_drawn_in(self.degrees, magnitude))

    def sample(self, rng: np.random.Generator, grid: Grid) -> Warp:
        """Draw three angles and return the pull-back."""
        angles = np.array([rng.uniform(low, high) for low, high in self.degrees])
        # A turn about axis a needs both other axes.
        flat = grid.is_flat
        angles[np.roll(flat, -1) | np.roll(flat, 1)] = 0.0
        turn = affine_in_voxels(affine_rotation(angles).T, grid.spacing_mm)
        return Warp(grid.shape, (AffineStage(affine_about(turn, grid.centre)),))
