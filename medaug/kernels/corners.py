"""From a row of input coordinates to what the gather loops need, for each rule of the outside.

Along one axis, a coordinate ``x`` lies between voxels ``base`` and ``base + 1`` with weights
``low`` and ``high``. ``base`` always names a voxel that may be read; what lies outside the volume
has weight zero. So no gather loop ever tests a bound.
"""

from __future__ import annotations

import numpy as np

from medaug.kernels.jit import kernel

CONSTANT, BORDER, REFLECT = 0, 1, 2


@kernel
def inside(x, size, padding):
    """Return ``x`` folded into the volume by ``border`` and ``reflect``; ``constant`` leaves it.

    ``constant`` limits it to two voxels outside, where nothing of the volume is left to see, so
    that the conversion to an integer is safe.
    """
    last = np.float32(size - 1)
    if padding == CONSTANT:
        return min(max(x, np.float32(-2.0)), last + np.float32(2.0))
    if padding == REFLECT and size > 1:
        x = abs(x)
        x -= np.float32(2.0) * last * np.floor(x / (np.float32(2.0) * last))
        x = min(x, np.float32(2.0) * last - x)
    return min(max(x, np.float32(0.0)), last)


@kernel
def axis_corners(x, size, padding, base, low, high, n):
    """Write ``base`` (intp) and the two weights along one axis for the ``n`` coordinates ``x``.

    A voxel at ``v`` has the weight ``max(0, 1 - |x - v|)``, which also fades out correctly where
    ``base`` had to be moved into the volume.
    """
    one, zero = np.float32(1.0), np.float32(0.0)
    top = np.float32(max(size - 2, 0))  # the largest base whose neighbour exists
    neighbour = one if size > 1 else zero
    for k in range(n):
        position = inside(x[k], size, padding)
        floor = min(max(np.floor(position), zero), top)
        base[k] = np.intp(floor)
        low[k] = max(zero, one - abs(position - floor))
        high[k] = neighbour * max(zero, one - abs(position - floor - one))


@kernel
def axis_nearest(x, size, padding, index, valid, n):
    """Write the nearest voxel along one axis, and clear ``valid`` where it lies outside.

    Halfway between two voxels the upper one is the nearest.
    """
    for k in range(n):
        nearest = np.int64(np.floor(inside(x[k], size, padding) + np.float32(0.5)))
        index[k] = min(max(nearest, 0), size - 1)
        valid[k] &= 0 <= nearest < size


@kernel
def row_corners(xyz, shape, strides, padding, base, pairs, offset, weights, n):
    """Write the offset of the lowest of the 8 corners, and the 8 corner weights, for a row.

    Parameters
    ----------
    xyz : float32 [3, n]
    shape, strides : int64 [3]
        Of the input, strides in elements.
    base, pairs : intp [3, n], float32 [3, 2, n]
        Scratch.
    offset : intp [n]
    weights : float32 [8, n]
        Corner ``4 a + 2 b + c`` lies ``a``, ``b``, ``c`` voxels further along the axes.
    """
    for axis in range(3):
        axis_corners(xyz[axis], shape[axis], padding, base[axis], pairs[axis, 0], pairs[axis, 1], n)
    for k in range(n):
        offset[k] = base[0, k] * strides[0] + base[1, k] * strides[1] + base[2, k] * strides[2]
    for corner in range(8):
        along_i, along_j = pairs[0, corner >> 2], pairs[1, (corner >> 1) & 1]
        along_k = pairs[2, corner & 1]
        for k in range(n):
            weights[corner, k] = along_i[k] * along_j[k] * along_k[k]


@kernel
def row_nearest(xyz, shape, strides, padding, base, offset, valid, n):
    """Write the offset of the nearest voxel, and whether it lies inside, for a row."""
    for k in range(n):
        valid[k] = True
    for axis in range(3):
        axis_nearest(xyz[axis], shape[axis], padding, base[axis], valid, n)
    for k in range(n):
        offset[k] = base[0, k] * strides[0] + base[1, k] * strides[1] + base[2, k] * strides[2]
