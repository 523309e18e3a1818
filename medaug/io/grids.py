"""Where two grids of voxels lie to each other in the world."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from medaug.typing import AnyArray, Matrix

#: Two grids are one if no corner voxel lies further apart than this, in voxels of the finest axis.
ALIGNMENT_VOXELS = 0.1

# Points along each axis that stand for a field of view when its overlap with another is measured.
_PROBES = 24

# Voxels whose places are worked out at a time.
_CHUNK = 1 << 18


def corner_distance_mm(shape: Sequence[int], affine: Matrix, other: Matrix) -> float:
    """Return how far two affines put a corner voxel of a volume apart, at most, in mm.

    Parameters
    ----------
    shape : sequence of 3 int
        Voxels along I, J and K.
    affine, other : ndarray, shape [4, 4]
        Voxel coordinates to world coordinates in mm.
    """
    corners = np.array([(*corner, 1) for corner in product(*((0, n - 1) for n in shape))])
    shifts: Matrix = corners @ (affine - other).T
    return float(np.linalg.norm(shifts, axis=1).max())


def is_same_place(shape: Sequence[int], affine: Matrix, other: Matrix) -> bool:
    """Return whether two affines put a volume in one place, up to `ALIGNMENT_VOXELS`."""
    finest_mm = np.linalg.norm(affine[:3, :3], axis=0).min()
    return corner_distance_mm(shape, affine, other) <= ALIGNMENT_VOXELS * float(finest_mm)


def is_part(
    shape: Sequence[int], affine: Matrix, other_shape: Sequence[int], other_affine: Matrix
) -> bool:
    """Return whether each voxel of a grid is one of another grid, up to `ALIGNMENT_VOXELS`."""
    first = np.round((np.linalg.inv(other_affine) @ affine)[:3, 3])
    shift = np.eye(4)
    shift[:3, 3] = first
    within = (first >= 0).all() and (first + shape <= other_shape).all()
    return bool(within) and is_same_place(shape, affine, other_affine @ shift)


def overlap(
    shape: Sequence[int], affine: Matrix, other_shape: Sequence[int], other_affine: Matrix
) -> float:
    """Return which share of the smaller of two fields of view lies inside of the other, 0 to 1.

    A field of view reaches half a voxel beyond the outermost voxel centres.
    """
    grids = [(tuple(shape), affine), (tuple(other_shape), other_affine)]
    small, large = sorted(grids, key=lambda g: np.prod(g[0]) * abs(np.linalg.det(g[1][:3, :3])))
    along = (np.arange(_PROBES) + 0.5) / _PROBES
    axes = [along * length - 0.5 for length in small[0]]
    probes = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    return float(_inside(probes, small[1], *large).mean())


def share_inside(mask: AnyArray, affine: Matrix, shape: Sequence[int], other: Matrix) -> float:
    """Return which share of the voxels that are set lies inside of another field of view.

    Parameters
    ----------
    mask : ndarray, shape [I, J, K]
        What is not 0 counts.
    affine : ndarray, shape [4, 4]
        Voxel coordinates of the mask to world coordinates in mm.
    shape, other
        Shape and affine of the other grid.

    Returns
    -------
    float
        0 to 1; 1 if no voxel is set.
    """
    places = np.flatnonzero(mask)
    if not len(places):
        return 1.0
    inside = 0
    for start in range(0, len(places), _CHUNK):
        points = np.stack(np.unravel_index(places[start : start + _CHUNK], mask.shape), axis=-1)
        inside += int(_inside(points, affine, tuple(shape), other).sum())
    return inside / len(places)


def _inside(points: AnyArray, affine: Matrix, shape: tuple[int, ...], other: Matrix) -> AnyArray:
    """Return which voxel coordinates of one grid lie in the field of view of the other."""
    pull = np.linalg.inv(other) @ affine
    there = points @ pull[:3, :3].T + pull[:3, 3]
    # A hair of tolerance: on equal borders rounding must not decide.
    within = (there >= -0.5 - 1e-6) & (there <= np.array(shape) - 0.5 + 1e-6)
    return np.asarray(within.all(axis=-1))
