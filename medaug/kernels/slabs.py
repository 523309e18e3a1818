"""Whole slabs of output, row by row: the entry points that the CPU backend calls.

Each fills ``out[:, start:stop]``, so that a caller may hand slabs to several threads. ``source``
is the memory of the input as a flat array, ``strides`` [4] its strides (channel first) in elements.
Memory beyond input and output is a few rows.
"""

from __future__ import annotations

import numpy as np

from medaug.kernels.corners import row_corners, row_nearest
from medaug.kernels.gather import (
    add_outside,
    corner_steps,
    linear_row_1,
    linear_row_4,
    nearest_row,
    vote_row,
)
from medaug.kernels.jit import kernel
from medaug.kernels.rows import grid_row, move_row


@kernel
def row_scratch(control, n):
    """Return what ``grid_row`` and ``row_corners`` write to, for rows of ``n`` voxels."""
    plane = np.empty((3, control.shape[2], control.shape[3]), np.float32)
    xyz, base = np.empty((3, n), np.float32), np.empty((3, n), np.int32)
    return plane, xyz, base, np.empty((6, n), np.float32), np.empty(n, np.intp)


@kernel
def linear_slab(source, shape, strides, head, tail, padding, fill, out, start, stop):
    """Interpolate linearly into float32 ``out`` [C, I, J, K]."""
    channels, n = out.shape[0], out.shape[3]
    matrix, control, basis_i, basis_j, basis_k, reach = head
    plane, xyz, base, pairs, offset = row_scratch(control, n)
    channel_stride, voxel_strides = strides[0], strides[1:]
    steps = corner_steps(shape, voxel_strides)
    for i in range(start, stop):
        for j in range(out.shape[2]):
            grid_row(matrix, control, basis_i, basis_j, basis_k, reach, plane, i, j, xyz, n)
            if tail[0].size > 0:
                move_row(tail, xyz, n)
            row_corners(xyz, shape, voxel_strides, padding, base, pairs, offset, n)
            c = 0
            while c + 4 <= channels:
                linear_row_4(
                    source[c * channel_stride :],
                    source[(c + 1) * channel_stride :],
                    source[(c + 2) * channel_stride :],
                    source[(c + 3) * channel_stride :],
                    offset,
                    pairs,
                    steps,
                    out[c, i, j],
                    out[c + 1, i, j],
                    out[c + 2, i, j],
                    out[c + 3, i, j],
                    n,
                )
                c += 4
            while c < channels:
                linear_row_1(source[c * channel_stride :], offset, pairs, steps, out[c, i, j], n)
                c += 1
            if fill != 0.0:
                for c in range(channels):
                    add_outside(pairs, fill, out[c, i, j], n)


@kernel
def nearest_slab(source, shape, strides, head, tail, padding, fill, out, start, stop):
    """Copy nearest voxels into ``out`` [C, I, J, K] of the dtype of ``source``."""
    channels, n = out.shape[0], out.shape[3]
    matrix, control, basis_i, basis_j, basis_k, reach = head
    plane, xyz, base, _, offset = row_scratch(control, n)
    valid = np.empty(n, np.bool_)
    channel_stride, voxel_strides = strides[0], strides[1:]
    for i in range(start, stop):
        for j in range(out.shape[2]):
            grid_row(matrix, control, basis_i, basis_j, basis_k, reach, plane, i, j, xyz, n)
            if tail[0].size > 0:
                move_row(tail, xyz, n)
            row_nearest(xyz, shape, voxel_strides, padding, base, offset, valid, n)
            for c in range(channels):
                nearest_row(source[c * channel_stride :], offset, valid, fill, out[c, i, j], n)


@kernel
def vote_slab(source, shape, strides, head, tail, padding, fill, out, start, stop):
    """Elect labels into ``out`` [C, I, J, K] of the dtype of ``source``."""
    channels, n = out.shape[0], out.shape[3]
    matrix, control, basis_i, basis_j, basis_k, reach = head
    plane, xyz, base, pairs, offset = row_scratch(control, n)
    nearest, valid = np.empty(n, np.intp), np.empty(n, np.bool_)
    channel_stride, voxel_strides = strides[0], strides[1:]
    steps = corner_steps(shape, voxel_strides)
    labels, votes = np.empty(9, source.dtype), np.empty(9, np.float32)
    for i in range(start, stop):
        for j in range(out.shape[2]):
            grid_row(matrix, control, basis_i, basis_j, basis_k, reach, plane, i, j, xyz, n)
            if tail[0].size > 0:
                move_row(tail, xyz, n)
            row_corners(xyz, shape, voxel_strides, padding, base, pairs, offset, n)
            row_nearest(xyz, shape, voxel_strides, padding, base, nearest, valid, n)
            for c in range(channels):
                vote_row(
                    source[c * channel_stride :],
                    offset,
                    pairs,
                    steps,
                    nearest,
                    valid,
                    fill,
                    labels,
                    votes,
                    out[c, i, j],
                    n,
                )
