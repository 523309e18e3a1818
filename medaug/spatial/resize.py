"""Another number of voxels for the same field of view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from medaug.geometry import AffineStage, Shape, Warp, affine_scale, affine_translation
from medaug.spatial.effect import SpatialEffect
from medaug.spatial.grid import Grid
from medaug.spatial.size import SizeLike, SpacingLike, shape_of, spacing_of
from medaug.typing import AnyArray


@dataclass(frozen=True)
class ResizeToSize(SpatialEffect):
    """Show the same field of view, edge to edge, in ``size`` voxels.

    Parameters
    ----------
    size : int or sequence of ints, optional
        Voxels along each axis; ``None`` or -1 keeps them.
    """

    reframes: ClassVar[bool] = True
    size: SizeLike | None

    def sample(self, rng: np.random.Generator, grid: Grid) -> Warp:
        """Return the pull-back."""
        shape = shape_of(self.size, grid)
        return _resized(grid, shape, np.array(grid.shape) / shape)


@dataclass(frozen=True)
class ResizeToSpacing(SpatialEffect):
    """Show the same field of view in voxels of ``spacing_mm``.

    Their number is rounded, so up to a quarter of a voxel is gained or lost at either edge; the
    centre of the field of view stays.

    Parameters
    ----------
    spacing_mm : float or sequence of floats
        Along each axis.
    """

    reframes: ClassVar[bool] = True
    spacing_mm: SpacingLike

    def sample(self, rng: np.random.Generator, grid: Grid) -> Warp:
        """Return the pull-back."""
        step = np.array(spacing_of(self.spacing_mm, grid)) / grid.spacing_mm
        # Nearly equal spacings are equal: affines are written in float32.
        step = np.where(np.isclose(step, 1.0, rtol=1e-5), 1.0, step)
        first, second, third = np.maximum(1, np.round(np.array(grid.shape) / step)).astype(int)
        return _resized(grid, (int(first), int(second), int(third)), step)


def _resized(grid: Grid, shape: Shape, step: AnyArray) -> Warp:
    """Return the pull-back with ``step`` old voxels to a new one, about the common centre."""
    start = grid.centre - step * (np.array(shape) - 1) / 2
    return Warp(shape, (AffineStage(affine_translation(start) @ affine_scale(step)),))
