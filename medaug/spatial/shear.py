"""Shear about the centre of the field of view."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medaug.geometry import AffineStage, Warp, affine_about, affine_in_voxels, affine_shear
from medaug.ranges import AxisRanges, axes_drawn_in
from medaug.spatial.effect import SpatialEffect
from medaug.spatial.grid import Grid


@dataclass(frozen=True)
class Shear(SpatialEffect):
    """Lean the axes towards each other, in millimetres.

    Parameters
    ----------
    degrees : three ranges
        Within 26.5 degrees either way, so that the map stays invertible. The range of axis ``a``
        holds for the two angles by which the other axes lean towards ``a``, drawn independently.
    """

    degrees: AxisRanges

    def __post_init__(self) -> None:
        # With all six tangents below 1/2 the matrix is diagonally dominant, hence invertible.
        limit = float(np.rad2deg(np.arctan(0.5)))
        if any(max(abs(low), abs(high)) >= limit for low, high in self.degrees):
            raise ValueError(f"shear_degrees must stay within {limit:.1f}; got {self.degrees}")

    def at_magnitude(self, magnitude: float) -> Shear:
        """Return the effect with smaller angles."""
        return Shear(axes_drawn_in(self.degrees, magnitude))

    def sample(self, rng: np.random.Generator, grid: Grid) -> Warp:
        """Draw six angles and return the pull-back."""
        angles = np.array([rng.uniform(low, high, size=3) for low, high in self.degrees])
        np.fill_diagonal(angles, 0.0)
        angles[grid.is_flat, :] = angles[:, grid.is_flat] = 0.0
        lean = np.linalg.inv(affine_shear(angles)).astype(np.float64)
        shear = affine_about(affine_in_voxels(lean, grid.spacing_mm), grid.centre)
        return Warp(grid.shape, (AffineStage(shear),))
