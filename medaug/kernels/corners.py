"""From a row of input coordinates to what the gather loops need, for each rule of the outside.

Along one axis, a coordinate ``x`` lies between voxels ``base`` and ``base + 1`` with weights
``low`` and ``high``. ``base`` always names a voxel that may be read; what lies outside the volume
has weight zero. So no gather loop ever tests a bound.

What may be read is a ``box`` of the volume, int64 [2, 3]: its first voxel and the one behind its
last. ``base`` counts from the first. The box has two voxels at least along each axis that has two,
and holds all that the warp reads, so limiting to it changes nothing; only, no rounding of a
coordinate can ever lead out of the memory.
"""

from __future__ import annotations

import numpy as np

from medaug.kernels.jit import kernel

CONSTANT, BORDER, REFLECT, SYMMETRIC = 0, 1, 2, 3


@kernel
def inside(x, size, padding):
    """Return ``x`` folded into the volume; ``constant`` leaves it.

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
    elif padding == SYMMETRIC:
        half, period = np.float32(0.5), np.float32(2 * size)
        x = abs(x + half)
        x -= period * np.floor(x / period)
        x = min(x, period - x) - half
    return min(max(x, np.float32(0.0)), last)


@kernel
def nearest_voxel(x, size, padding):
    """Return the nearest voxel, int32; halfway between two it is the upper one."""
    return np.int32(np.floor(inside(x, size, padding) + np.float32(0.5)))


@kernel
def axis_corners(xyz, r, axis, size, box, padding, base, pairs):
    """Write ``base`` (int32) and the two weights along one axis for a row of coordinates.

    A voxel at ``v`` has the weight ``max(0, 1 - |x - v|)``, which also fades out correctly where
    ``base`` had to be moved into the volume.
    """
    one, zero = np.float32(1.0), np.float32(0.0)
    first = np.int32(box[0, axis])
    bottom = np.float32(first)
    top = np.float32(max(box[1, axis] - 2, box[0, axis]))  # the largest base with a neighbour
    neighbour = one if size > 1 else zero
    low, high = 2 * axis, 2 * axis + 1
    for k in range(xyz.shape[2]):
        position = inside(xyz[r, axis, k], size, padding)
        floor = min(max(np.floor(position), bottom), top)
        base[axis, k] = np.int32(floor) - first
        pairs[low, k] = max(zero, one - abs(position - floor))
        pairs[high, k] = neighbour * max(zero, one - abs(position - floor - one))


@kernel
def axis_nearest(xyz, r, axis, size, box, padding, base, missed):
    """Write the nearest voxel along one axis, and set ``missed`` where it lies outside."""
    first, last = np.int32(box[0, axis]), np.int32(box[1, axis] - 1)
    for k in range(xyz.shape[2]):
        nearest = nearest_voxel(xyz[r, axis, k], size, padding)
        kept = min(max(nearest, first), last)
        base[axis, k] = kept - first
        missed[k] |= kept ^ nearest


@kernel
def offsets(base, strides, offset):
    """Write the offset in elements, intp [n], of the voxels ``base`` int32 [3, n]."""
    step_i, step_j, step_k = strides[0], strides[1], strides[2]
    for k in range(offset.shape[0]):
        offset[k] = base[0, k] * step_i + base[1, k] * step_j + base[2, k] * step_k


@kernel
def row_corners(xyz, r, shape, box, strides, padding, base, pairs, offset):
    """Write the offset of the lowest of the 8 corners, and the weights along each axis, for a row.

    Parameters
    ----------
    xyz : float32 [rows, 3, n]
    r : int
        The row.
    shape : int64 [3]
        Of the volume.
    box : int64 [2, 3]
        The part of it that may be read.
    strides : int64 [3]
        Of that part, in elements.
    base : int32 [3, n]
        Scratch.
    pairs : float32 [6, n]
        Weight of the lower and the upper voxel along the first, second and third axis.
    offset : intp [n]
    """
    for axis in range(3):
        axis_corners(xyz, r, axis, shape[axis], box, padding, base, pairs)
    offsets(base, strides, offset)


@kernel
def row_nearest(xyz, r, shape, box, strides, padding, base, offset, missed):
    """Write the offset of the nearest voxel for a row, and what is not zero where it is outside.

    ``missed`` is int32 as ``base`` is: lanes of one width fill the registers.
    """
    for k in range(xyz.shape[2]):
        missed[k] = 0
    for axis in range(3):
        axis_nearest(xyz, r, axis, shape[axis], box, padding, base, missed)
    offsets(base, strides, offset)
