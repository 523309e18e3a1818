"""Scaling about the centre of the field of view."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from medaug.geometry import AffineStage, Warp, affine_about, affine_scale
from medaug.ranges import AxisRanges, axes_drawn_in
from medaug.spatial.effect import SpatialEffect
from medaug.spatial.grid import Grid


@dataclass(frozen=True)
class Scale(SpatialEffect):
    """Magnify what is seen: a factor of 1.2 makes it 1.2 times as large.

    Parameters
    ----------
    factors : three ranges
        Positive.
    isotropic : bool
        One factor, drawn from the first range, for all axes.
    name : str
        Of the argument that gave ``factors``, for errors.
    of_field : bool
        The factors are those of the field of view instead: 1.2 shows 1.2 times as much, smaller.
    """

    factors: AxisRanges
    isotropic: bool
    name: str = "scale"
    of_field: bool = False

    def __post_init__(self) -> None:
        if any(low <= 0 for low, _ in self.factors):
            raise ValueError(f"{self.name} must stay above 0; got {self.factors}")

    def at_magnitude(self, magnitude: float) -> Scale:
        """Return the effect with factors nearer to 1."""
        return replace(self, factors=axes_drawn_in(self.factors, magnitude, 1.0))

    def sample(self, rng: np.random.Generator, grid: Grid) -> Warp:
        """Draw the factors and return the pull-back."""
        if self.isotropic:
            factors = np.full(3, rng.uniform(*self.factors[0]))
        else:
            factors = np.array([rng.uniform(low, high) for low, high in self.factors])
        factors[grid.is_flat] = 1.0
        steps = factors if self.of_field else 1.0 / factors
        return Warp(grid.shape, (AffineStage(affine_about(affine_scale(steps), grid.centre)),))
