"""Elastic deformation that never folds."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from medaug.geometry import (
    INJECTIVITY_BOUND,
    VARIANCE_FACTOR,
    Lattice,
    LatticeStage,
    Warp,
    lattice_grid,
)
from medaug.ranges import Range, drawn_in
from medaug.spatial.effect import SpatialEffect
from medaug.spatial.grid import Grid


@dataclass(frozen=True)
class Elastic(SpatialEffect):
    r"""Deform by a cubic B-spline lattice of random control displacements.

    Control displacements are independent and uniform on ``[-a, a]`` along each axis. A spline
    averages its control points, so the displacement of the tissue has the standard deviation
    ``a / sqrt(3) * (151 / 315) ** (d / 2)`` along each of ``d`` axes, and ``a`` is chosen to make
    that ``std_mm``. The uniform distribution is the one that gets the most deformation out of a
    bound on ``a``.

    One lattice is injective while ``a`` stays below 0.4 of the control spacing (Choi and Lee 2000;
    Rueckert et al. 2006), which is a ``std_mm`` of 0.077 of the control spacing in three
    dimensions. Beyond that the lattice is scaled down and composed with itself, as often as
    needed: the map still never folds, and its displacement falls a little short of ``std_mm``.

    Parameters
    ----------
    spacing_mm : range
        Distance of control points; the size of the bumps.
    std_mm : range
        Standard deviation of the displacement along each axis.
    """

    spacing_mm: Range
    std_mm: Range

    def __post_init__(self) -> None:
        if self.spacing_mm[0] <= 0:
            raise ValueError(f"elastic_spacing_mm must be above 0; got {self.spacing_mm}")

    def at_magnitude(self, magnitude: float) -> Elastic:
        """Return the effect with smaller displacements."""
        return replace(self, std_mm=drawn_in(self.std_mm, magnitude))

    def check_fits(self, grid: Grid) -> None:
        """Refuse a distance of control points that is larger than the volume.

        Raises
        ------
        ValueError
            It would be a wrong unit rather than a deformation.
        """
        longest_mm = float((np.array(grid.shape) * grid.spacing_mm)[~grid.is_flat].max(initial=0))
        if self.std_mm[1] > 0 and self.spacing_mm[1] > longest_mm:
            raise ValueError(
                f"elastic_spacing_mm is larger than the volume: {self.spacing_mm[1]:g} mm against "
                f"{longest_mm:g} mm along its longest axis, of shape {grid.shape}"
            )

    def sample(self, rng: np.random.Generator, grid: Grid) -> Warp:
        """Draw a lattice and return the pull-back, one stage a repetition."""
        spacing_mm, std_mm = rng.uniform(*self.spacing_mm), rng.uniform(*self.std_mm)
        if std_mm == 0:
            return Warp(grid.shape)
        voxel_mm, moves = grid.spacing_mm, ~grid.is_flat
        shape, origin = lattice_grid([0, 0, 0], np.array(grid.shape) - 1, spacing_mm / voxel_mm)
        amplitude_mm = std_mm * np.sqrt(3.0) / VARIANCE_FACTOR ** (moves.sum() / 2)
        repeats = max(1, int(np.ceil(amplitude_mm / (INJECTIVITY_BOUND * spacing_mm))))
        unit = rng.uniform(-1.0, 1.0, (3, *shape))
        scale = np.where(moves, amplitude_mm / repeats / voxel_mm, 0.0)
        control = (unit * scale[:, None, None, None]).astype(np.float32)
        bend = LatticeStage(Lattice(control, origin, spacing_mm / voxel_mm))
        return Warp(grid.shape, (bend,) * repeats)
