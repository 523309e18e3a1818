"""Tiles of output, row by row: the entry points that the CPU backend calls.

Each fills the rows ``(i, j)`` of ``tile`` = (i_start, i_stop, j_start, j_stop) of ``out``
[C, I, J, n] from their input coordinates ``xyz`` [rows, 3, n] in a volume of ``shape``. ``source``
is flat memory that holds the ``box`` of the volume (see :mod:`medaug.kernels.corners`), ``strides``
[4] its strides (channel first) in elements. Memory beyond input and output is a few rows.
"""

from __future__ import annotations

import numpy as np

from medaug.kernels.corners import CONSTANT, row_corners, row_nearest
from medaug.kernels.cubic import blend_outside, cubic_row, row_taps
from medaug.kernels.gather import (
    add_outside,
    corner_steps,
    linear_row_1,
    linear_row_4,
    linear_row_beside,
    nearest_row,
    next_plane,
)
from medaug.kernels.jit import kernel
from medaug.kernels.votes import vote_row, vote_scratch

U = np.uintp  # unsigned indices: see medaug.kernels.gather


@kernel
def row_scratch(n):
    """Return what ``row_corners`` writes to, for rows of ``n`` voxels."""
    return np.empty((3, n), np.int32), np.empty((6, n), np.float32), np.empty(n, np.intp)


@kernel
def linear_rows(source, half, shape, box, strides, steps, padding, fill, xyz, tile, out):
    """Interpolate the rows of a tile; ``steps`` lead to the next voxel along each axis."""
    channels = out.shape[0]
    base, pairs, offset = row_scratch(out.shape[3])
    i_start, i_stop, j_start, j_stop = tile
    channel_stride, voxel_strides = strides[0], strides[1:]
    r, ahead = 0, np.intp(0)
    for i in range(i_start, i_stop):
        for j in range(j_start, j_stop):
            row_corners(xyz, r, shape, box, voxel_strides, padding, base, pairs, offset)
            if i + 1 < i_stop:
                ahead = next_plane(xyz, r, j_stop - j_start, voxel_strides)
            r += 1
            c = 0
            while c + 4 <= channels:
                first = source[c * channel_stride :]
                if channel_stride == 1:
                    linear_row_beside(
                        first,
                        half,
                        offset,
                        pairs,
                        steps,
                        ahead,
                        out[c, i, j],
                        out[c + 1, i, j],
                        out[c + 2, i, j],
                        out[c + 3, i, j],
                    )
                else:
                    linear_row_4(
                        first,
                        source[(c + 1) * channel_stride :],
                        source[(c + 2) * channel_stride :],
                        source[(c + 3) * channel_stride :],
                        half,
                        offset,
                        pairs,
                        steps,
                        ahead,
                        out[c, i, j],
                        out[c + 1, i, j],
                        out[c + 2, i, j],
                        out[c + 3, i, j],
                    )
                c += 4
            while c < channels:
                channel = source[c * channel_stride :]
                linear_row_1(channel, half, offset, pairs, steps, ahead, out[c, i, j])
                c += 1
            if fill != 0.0:
                for c in range(channels):
                    add_outside(pairs, fill, out[c, i, j])


@kernel
def linear_of(source, half, shape, box, strides, padding, fill, xyz, tile, out):
    """Interpolate linearly; ``half`` as in :mod:`medaug.kernels.memory`.

    Where the last axis has no gaps, saying so makes a copy of the loops that loads two neighbours
    at once.
    """
    si, sj, sk = corner_steps(shape, strides[1:])
    if sk == 1:
        steps = si, sj, U(1)
        linear_rows(source, half, shape, box, strides, steps, padding, fill, xyz, tile, out)
    else:
        steps = si, sj, sk
        linear_rows(source, half, shape, box, strides, steps, padding, fill, xyz, tile, out)


@kernel
def linear_tile(source, shape, box, strides, padding, fill, xyz, tile, out):
    """Interpolate linearly into float32 ``out``."""
    linear_of(source, None, shape, box, strides, padding, fill, xyz, tile, out)


@kernel
def linear_half_tile(source, shape, box, strides, padding, fill, xyz, tile, out):
    """Interpolate linearly into float32 ``out``; the uint16 of ``source`` are float16."""
    linear_of(source, True, shape, box, strides, padding, fill, xyz, tile, out)


@kernel
def cubic_tile(source, shape, box, strides, padding, fill, xyz, tile, out):
    """Interpolate by cubic splines into float32 ``out``; ``source`` is a coefficient box."""
    n = out.shape[3]
    base, _, offset = row_scratch(n)
    weights, cover = np.empty((12, n), np.float32), np.empty(n, np.float32)
    i_start, i_stop, j_start, j_stop = tile
    channel_stride, voxel_strides = strides[0], strides[1:]
    step_i, step_j = U(voxel_strides[0]), U(voxel_strides[1])
    r = 0
    for i in range(i_start, i_stop):
        for j in range(j_start, j_stop):
            row_taps(xyz, r, shape, box, voxel_strides, padding, base, weights, offset, cover)
            r += 1
            for c in range(out.shape[0]):
                channel = source[c * channel_stride :]
                cubic_row(channel, offset, weights, step_i, step_j, out[c, i, j])
                if padding == CONSTANT:
                    blend_outside(cover, fill, out[c, i, j])


@kernel
def nearest_tile(source, shape, box, strides, padding, fill, xyz, tile, out):
    """Copy nearest voxels into ``out`` of the dtype of ``source``."""
    n = out.shape[3]
    base, _, offset = row_scratch(n)
    missed = np.empty(n, np.int32)
    i_start, i_stop, j_start, j_stop = tile
    channel_stride, voxel_strides = strides[0], strides[1:]
    r = 0
    for i in range(i_start, i_stop):
        for j in range(j_start, j_stop):
            row_nearest(xyz, r, shape, box, voxel_strides, padding, base, offset, missed)
            r += 1
            for c in range(out.shape[0]):
                nearest_row(source[c * channel_stride :], offset, missed, fill, out[c, i, j])


@kernel
def vote_tile(source, shape, box, strides, padding, fill, xyz, tile, out):
    """Elect labels into ``out`` of the dtype of ``source``."""
    base, pairs, offset = row_scratch(out.shape[3])
    scratch = vote_scratch(source, out.shape[3])
    i_start, i_stop, j_start, j_stop = tile
    channel_stride, voxel_strides = strides[0], strides[1:]
    steps = corner_steps(shape, voxel_strides)
    r = 0
    for i in range(i_start, i_stop):
        for j in range(j_start, j_stop):
            row_corners(xyz, r, shape, box, voxel_strides, padding, base, pairs, offset)
            for c in range(out.shape[0]):
                channel = source[c * channel_stride :]
                vote_row(
                    channel,
                    xyz,
                    r,
                    shape,
                    box,
                    voxel_strides,
                    padding,
                    offset,
                    pairs,
                    steps,
                    fill,
                    out[c, i, j],
                    scratch,
                )
            r += 1
