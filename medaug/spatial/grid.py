"""The voxel grid that a spatial effect acts on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from medaug.geometry import Shape, Warp, affine_spacing
from medaug.spatial.foreground import Foreground
from medaug.typing import AnyArray, Matrix


@dataclass(frozen=True, eq=False)
class Grid:
    """A grid of voxels in the world, and the labels that it shows.

    Parameters
    ----------
    shape : tuple of 3 ints
        Two-dimensional images are one slice thick.
    affine : float64 array [4, 4]
        From voxels to world coordinates in millimetres.
    rank : int
        Axes that the user sees, 2 or 3.
    foreground : Foreground, optional
        For effects that look at labels.
    """

    shape: Shape
    affine: Matrix
    rank: int = 3
    foreground: Foreground | None = None

    @property
    def spacing_mm(self) -> Matrix:
        """Voxel spacing along the array axes, float64 [3]."""
        return affine_spacing(self.affine)

    @property
    def centre(self) -> Matrix:
        """Centre of the field of view in voxel coordinates, float64 [3]."""
        return (np.array(self.shape, np.float64) - 1) / 2

    @property
    def is_flat(self) -> AnyArray:
        """Axes of a single slice, bool [3]: nothing may move along them."""
        return np.array([n == 1 for n in self.shape])

    @property
    def left_right_axis(self) -> int:
        """The array axis nearest to the world's first axis, which runs from left to right."""
        return int(np.abs(self.affine[0, :3] / self.spacing_mm).argmax())

    def through(self, warp: Warp) -> Grid:
        """Return the grid that ``warp``, a pull-back to this one, is evaluated on."""
        moved = self.showing(warp)
        affine = self.affine @ warp.affine_part()
        return Grid(warp.output_shape, affine, self.rank, moved.foreground)

    def showing(self, warp: Warp) -> Grid:
        """Return this same grid after ``warp`` has moved what is seen on it."""
        foreground = None if self.foreground is None else self.foreground.through(warp)
        return Grid(self.shape, self.affine, self.rank, foreground)

    def with_labels_swapped(self, pairs: Sequence[tuple[int, int]]) -> Grid:
        """Return the grid when the label values of each pair have changed places."""
        if self.foreground is None:
            return self
        return replace(self, foreground=self.foreground.swapped(pairs))
