"""Translation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medaug.geometry import AffineStage, Stage, affine_translation
from medaug.ranges import AxisRanges
from medaug.spatial.grid import Grid


@dataclass(frozen=True)
class Translate:
    """Shift what is seen along the array axes.

    Parameters
    ----------
    mm : three ranges
        A positive shift moves it towards larger indices.
    """

    mm: AxisRanges

    def sample(self, rng: np.random.Generator, grid: Grid) -> list[Stage]:
        """Draw three shifts and return the pull-back."""
        shift = np.array([rng.uniform(low, high) for low, high in self.mm])
        shift[grid.is_flat] = 0.0
        return [AffineStage(affine_translation(-shift / np.array(grid.spacing_mm)))]
