"""Translation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medaug.geometry import AffineStage, Warp, affine_translation
from medaug.ranges import AxisRanges, axes_drawn_in
from medaug.spatial.effect import SpatialEffect
from medaug.spatial.grid import Grid


@dataclass(frozen=True)
class Translate(SpatialEffect):
    """Shift what is seen along the array axes.

    Parameters
    ----------
    mm : three ranges
        A positive shift moves it towards larger indices.
    """

    mm: AxisRanges

    def at_magnitude(self, magnitude: float) -> Translate:
        """Return the effect with smaller shifts."""
        return Translate(axes_drawn_in(self.mm, magnitude))

    def sample(self, rng: np.random.Generator, grid: Grid) -> Warp:
        """Draw three shifts and return the pull-back."""
        shift = np.array([rng.uniform(low, high) for low, high in self.mm])
        shift[grid.is_flat] = 0.0
        return Warp(grid.shape, (AffineStage(affine_translation(-shift / grid.spacing_mm)),))
