"""Grids of voxels in the world, and boxes of their voxels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from medaug.typing import Matrix

#: Grids that agree so well are one: no voxel is moved by more, in voxels.
SAME_GRID_VOXELS = 1e-3

#: First voxel and end along each axis, the end not included.
Box: TypeAlias = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]

Mask: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Grid:
    """Where voxels are.

    Attributes
    ----------
    shape : tuple of 3 int
        Voxels along I, J and K.
    affine : ndarray, shape [4, 4]
        Voxel coordinates to world coordinates in mm.
    """

    shape: tuple[int, int, int]
    affine: Matrix

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centres along I, J and K, in mm."""
        i, j, k = np.linalg.norm(self.affine[:3, :3], axis=0).tolist()
        return (i, j, k)

    def with_spacing(self, spacing_mm: Sequence[float]) -> Grid:
        """Return a grid of this spacing about the same centre, as near to the same size as can be.

        An axis gets its length divided by the spacing, rounded, but at least one voxel.
        """
        old = np.array(self.spacing_mm)
        wanted = np.asarray(spacing_mm, np.float64)
        shape = np.maximum(np.floor(self.shape * old / wanted + 0.5), 1).astype(int)
        affine = np.array(self.affine)
        affine[:3, :3] *= wanted / old
        centre = self.affine[:3, :3] @ ((np.array(self.shape) - 1) / 2) + self.affine[:3, 3]
        affine[:3, 3] = centre - affine[:3, :3] @ ((shape - 1) / 2)
        return Grid((int(shape[0]), int(shape[1]), int(shape[2])), affine)

    def cropped(self, box: Box) -> Grid:
        """Return the part of this grid that is in the box."""
        affine = np.array(self.affine)
        affine[:3, 3] += affine[:3, :3] @ [start for start, _ in box]
        i, j, k = (stop - start for start, stop in box)
        return Grid((i, j, k), affine)

    def pull_from(self, old: Grid) -> Matrix:
        """Return the matrix from the voxel coordinates of this grid to those of `old`."""
        pull: Matrix = np.linalg.inv(old.affine) @ self.affine
        return pull


def box_around(mask: Mask) -> Box | None:
    """Return the smallest box that holds all voxels of a mask; None if there are none."""
    sides = []
    for axis in range(3):
        hit = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        if not len(hit):
            return None
        sides.append((int(hit[0]), int(hit[-1]) + 1))
    return (sides[0], sides[1], sides[2])


def box_on(new: Grid, box: Box, old: Grid, margin_mm: float) -> Box:
    """Return the voxels of a new grid that a box of voxels of the old one and a margin touch.

    Parameters
    ----------
    new : Grid
    box : Box
        Of voxels of `old`.
    old : Grid
        Its axes are parallel to those of `new`, in the same order.
    margin_mm : float
        Kept on all sides, as far as the new grid reaches.
    """
    push = old.pull_from(new)
    sides = []
    for axis, (start, stop) in enumerate(box):
        margin = margin_mm / new.spacing_mm[axis]
        low, high = (push[axis, axis] * (edge - 0.5) + push[axis, 3] for edge in (start, stop))
        # Voxel 0 reaches from -0.5 to 0.5; one that is touched by rounding alone is not.
        first = max(int(np.floor(low - margin + 0.5 + SAME_GRID_VOXELS)), 0)
        end = min(int(np.ceil(high + margin + 0.5 - SAME_GRID_VOXELS)), new.shape[axis])
        sides.append((min(first, new.shape[axis] - 1), max(end, 1)))
    return (sides[0], sides[1], sides[2])


def same_voxels(pull: Matrix, shape: Sequence[int]) -> Box | None:
    """Return the box of old voxels that a new grid consists of, or None.

    Parameters
    ----------
    pull : ndarray, shape [4, 4]
        Voxel coordinates of the new grid to those of the old one.
    shape : sequence of 3 int
        Of the new grid.
    """
    start = np.rint(pull[:3, 3])
    moved = pull - np.eye(4)
    moved[:3, 3] = pull[:3, 3] - start
    far = np.abs(moved[:3, :3]) @ shape + np.abs(moved[:3, 3])
    if far.max() > SAME_GRID_VOXELS:
        return None
    i, j, k = (
        (int(first), int(first) + length) for first, length in zip(start, shape, strict=True)
    )
    return (i, j, k)


def slices(box: Box) -> tuple[slice, slice, slice]:
    """Return what cuts a box out of an array."""
    i, j, k = (slice(*side) for side in box)
    return (i, j, k)
