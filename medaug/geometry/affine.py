"""Affine maps as 4x4 float64 matrices that act on column vectors of three coordinates.

Every function returns a new matrix. ``a @ b`` applies ``b`` first. Nothing here knows what the
coordinates mean (voxels or millimetres) but :func:`affine_in_voxels`, which changes between them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from medaug.typing import AnyArray, Matrix

_IDENTITY = np.eye(4).tolist()


def affine_translation(offset: Sequence[float] | AnyArray) -> Matrix:
    """Return the map ``x -> x + offset``.

    >>> affine_translation([1, 2, 3])[:3, 3]
    array([1., 2., 3.])
    """
    matrix = np.eye(4)
    matrix[:3, 3] = offset
    return matrix


def affine_scale(factors: Sequence[float] | AnyArray) -> Matrix:
    """Return the map that multiplies each coordinate by its factor.

    >>> affine_scale([2, 3, 4]).diagonal()
    array([2., 3., 4., 1.])
    """
    return np.diag([*np.asarray(factors, dtype=np.float64), 1.0])


def affine_rotation(angles_degrees: Sequence[float] | AnyArray) -> Matrix:
    """Return ``R0 @ R1 @ R2``, where ``Ra`` is the right-handed rotation about axis ``a``.

    Parameters
    ----------
    angles_degrees : sequence of 3 floats
        Angle about each axis. Positive turns axis ``a + 1`` towards axis ``a + 2``, cyclically.

    >>> affine_rotation([90, 0, 0])[:3, :3].round() @ [0, 1, 0]
    array([0., 0., 1.])
    """
    matrix = np.eye(4)
    for axis, angle in enumerate(np.deg2rad(np.asarray(angles_degrees, dtype=np.float64))):
        first, second = (axis + 1) % 3, (axis + 2) % 3
        turn = np.eye(4)
        turn[first, first] = turn[second, second] = np.cos(angle)
        turn[second, first] = np.sin(angle)
        turn[first, second] = -np.sin(angle)
        matrix = matrix @ turn
    return matrix


def affine_shear(angles_degrees: AnyArray) -> Matrix:
    """Return the shear with ``tan(angles_degrees[a, b])`` in row ``a``, column ``b``.

    Parameters
    ----------
    angles_degrees : array [3, 3]
        Entry ``(a, b)`` is the angle by which axis ``b`` leans towards axis ``a``. The diagonal
        must be zero.
    """
    matrix = np.eye(4)
    matrix[:3, :3] += np.tan(np.deg2rad(angles_degrees))
    return matrix


def affine_flip(axes: Sequence[bool] | AnyArray, shape: Sequence[int]) -> Matrix:
    """Return the map of voxel coordinates that mirrors an array of ``shape`` along ``axes``.

    >>> affine_flip([True, False, False], (5, 4, 3))[0]
    array([-1.,  0.,  0.,  4.])
    """
    matrix = np.eye(4)
    for axis, flipped in enumerate(axes):
        if flipped:
            matrix[axis, axis] = -1.0
            matrix[axis, 3] = shape[axis] - 1
    return matrix


def affine_about(matrix: Matrix, centre: Sequence[float] | AnyArray) -> Matrix:
    """Return ``matrix`` with its origin moved to ``centre``."""
    centre = np.asarray(centre, dtype=np.float64)
    return affine_translation(centre) @ matrix @ affine_translation(-centre)


def affine_in_voxels(matrix_mm: Matrix, spacing_mm: Sequence[float] | AnyArray) -> Matrix:
    """Return, in voxel coordinates, a map that is given in millimetres along the array axes."""
    spacing_mm = np.asarray(spacing_mm, dtype=np.float64)
    return affine_scale(1.0 / spacing_mm) @ matrix_mm @ affine_scale(spacing_mm)


def affine_spacing(affine: Matrix) -> Matrix:
    """Return the voxel spacing [3] of a voxel-to-world affine: the lengths of its columns.

    >>> affine_spacing(affine_scale([1, 2, 3]))
    array([1., 2., 3.])
    """
    linear = affine[:3, :3]
    return np.asarray(np.sqrt(np.add.reduce(linear * linear)))  # linalg.norm takes twice as long


def affine_apply(matrix: Matrix, points: AnyArray) -> Matrix:
    """Map ``points`` [..., 3] and return them as float64 of the same shape."""
    return np.asarray(points @ matrix[:3, :3].T + matrix[:3, 3])


def affine_is_identity(matrix: Matrix) -> bool:
    """Tell whether the map leaves every point where it is."""
    return bool(matrix.tolist() == _IDENTITY)


def affine_is_grid_map(matrix: Matrix) -> bool:
    """Tell whether flips, swaps of axes and whole-voxel shifts make up the map."""
    rows = matrix.tolist()[:3]
    axes = [axis for row in rows for axis in range(3) if row[axis] in (1.0, -1.0)]
    zeros = sum(row[:3].count(0.0) for row in rows)
    return sorted(axes) == [0, 1, 2] and zeros == 6 and all(row[3].is_integer() for row in rows)
