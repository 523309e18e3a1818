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
def axis_corners(xyz, axis, size, padding, base, pairs, n):
    """Write ``base`` (int32) and the two weights along one axis for a row of coordinates.

    A voxel at ``v`` has the weight ``max(0, 1 - |x - v|)``, which also fades out correctly where
    ``base`` had to be moved into the volume.
    """
    one, zero = np.float32(1.0), np.float32(0.0)
    top = np.float32(max(size - 2, 0))  # the largest base whose neighbour exists
    neighbour = one if size > 1 else zero
    low, high = 2 * axis, 2 * axis + 1
    for k in range(n):
        position = inside(xyz[axis, k], size, padding)
        floor = min(max(np.floor(position), zero), top)
        base[axis, k] = np.int32(floor)
        pairs[low, k] = max(zero, one - abs(position - floor))
        pairs[high, k] = neighbour * max(zero, one - abs(position - floor - one))


@kernel
def axis_nearest(xyz, axis, size, padding, base, valid, n):
    """Write the nearest voxel along one axis, and clear ``valid`` where it lies outside.

    Halfway between two voxels the upper one is the nearest.
    """
    last = np.int32(size - 1)
    for k in range(n):
        position = inside(xyz[axis, k], size, padding)
        nearest = np.int32(np.floor(position + np.float32(0.5)))
        kept = min(max(nearest, np.int32(0)), last)
        base[axis, k] = kept
        valid[k] &= kept == nearest


@kernel
def offsets(base, strides, offset, n):
    """Write the offset in elements, intp [n], of the voxels ``base`` int32 [3, n]."""
    step_i, step_j, step_k = strides[0], strides[1], strides[2]
    for k in range(n):
        offset[k] = base[0, k] * step_i + base[1, k] * step_j + base[2, k] * step_k


@kernel
def row_corners(xyz, shape, strides, padding, base, pairs, offset, n):
    """Write the offset of the lowest of the 8 corners, and the weights along each axis, for a row.

    Parameters
    ----------
    xyz : float32 [3, n]
    shape, strides : int64 [3]
        Of the input, strides in elements.
    base : int32 [3, n]
        Scratch.
    pairs : float32 [6, n]
        Weight of the lower and the upper voxel along the first, second and third axis.
    offset : intp [n]
    """
    for axis in range(3):
        axis_corners(xyz, axis, shape[axis], padding, base, pairs, n)
    offsets(base, strides, offset, n)


@kernel
def row_nearest(xyz, shape, strides, padding, base, offset, valid, n):
    """Write the offset of the nearest voxel, and whether it lies inside, for a row."""
    for k in range(n):
        valid[k] = True
    for axis in range(3):
        axis_nearest(xyz, axis, shape[axis], padding, base, valid, n)
    offsets(base, strides, offset, n)
