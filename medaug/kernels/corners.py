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
    xyz : three float32 [n]
    shape, strides : int64 [3]
        Of the input, strides in elements.
    base, pairs : three intp [n], six float32 [n]
        Scratch.
    offset : intp [n]
    weights : float32 [8, n]
        Corner ``4 a + 2 b + c`` lies ``a``, ``b``, ``c`` voxels further along the axes.
    """
    x, y, z = xyz
    base_i, base_j, base_k = base
    i0, i1, j0, j1, k0, k1 = pairs
    axis_corners(x, shape[0], padding, base_i, i0, i1, n)
    axis_corners(y, shape[1], padding, base_j, j0, j1, n)
    axis_corners(z, shape[2], padding, base_k, k0, k1, n)
    step_i, step_j, step_k = strides[0], strides[1], strides[2]
    for k in range(n):
        offset[k] = base_i[k] * step_i + base_j[k] * step_j + base_k[k] * step_k
    corner_products(i0, j0, k0, k1, weights[0], weights[1], n)
    corner_products(i0, j1, k0, k1, weights[2], weights[3], n)
    corner_products(i1, j0, k0, k1, weights[4], weights[5], n)
    corner_products(i1, j1, k0, k1, weights[6], weights[7], n)


@kernel
def corner_products(along_i, along_j, low_k, high_k, low, high, n):
    """Write the weights of the two corners that differ along the last axis."""
    for k in range(n):
        both = along_i[k] * along_j[k]
        low[k] = both * low_k[k]
        high[k] = both * high_k[k]


@kernel
def row_nearest(xyz, shape, strides, padding, base, offset, valid, n):
    """Write the offset of the nearest voxel, and whether it lies inside, for a row."""
    x, y, z = xyz
    base_i, base_j, base_k = base
    for k in range(n):
        valid[k] = True
    axis_nearest(x, shape[0], padding, base_i, valid, n)
    axis_nearest(y, shape[1], padding, base_j, valid, n)
    axis_nearest(z, shape[2], padding, base_k, valid, n)
    step_i, step_j, step_k = strides[0], strides[1], strides[2]
    for k in range(n):
        offset[k] = base_i[k] * step_i + base_j[k] * step_j + base_k[k] * step_k
