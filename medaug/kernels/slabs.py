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
from medaug.kernels.rows import fill_row, row_table


@kernel
def row_buffers(n):
    """Return coordinates, base voxels and weight pairs of a row; separate arrays never alias."""
    f = np.float32
    xyz = (np.empty(n, f), np.empty(n, f), np.empty(n, f))
    base = (np.empty(n, np.intp), np.empty(n, np.intp), np.empty(n, np.intp))
    pairs = (
        np.empty(n, f),
        np.empty(n, f),
        np.empty(n, f),
        np.empty(n, f),
        np.empty(n, f),
        np.empty(n, f),
    )
    return xyz, base, pairs


@kernel
def linear_slab(source, shape, strides, chain, padding, fill, out, start, stop):
    """Interpolate linearly into float32 ``out`` [C, I, J, K]."""
    channels, n = out.shape[0], out.shape[3]
    xyz, base, pairs = row_buffers(n)
    x, y, z = xyz
    offset, weights = np.empty(n, np.intp), np.empty((8, n), np.float32)
    table = row_table(chain[0], n)
    steps = corner_steps(shape, strides[1:])
    for i in range(start, stop):
        for j in range(out.shape[2]):
            fill_row(chain, table, i, j, x, y, z, n)
            row_corners(xyz, shape, strides[1:], padding, base, pairs, offset, weights, n)
            c = 0
            while c + 4 <= channels:
                linear_row_4(
                    source[c * strides[0] :],
                    source[(c + 1) * strides[0] :],
                    source[(c + 2) * strides[0] :],
                    source[(c + 3) * strides[0] :],
                    offset,
                    weights,
                    steps,
                    out[c, i, j],
                    out[c + 1, i, j],
                    out[c + 2, i, j],
                    out[c + 3, i, j],
                    n,
                )
                c += 4
            while c < channels:
                linear_row_1(source[c * strides[0] :], offset, weights, steps, out[c, i, j], n)
                c += 1
            if fill != 0.0:
                for c in range(channels):
                    add_outside(weights, fill, out[c, i, j], n)


@kernel
def nearest_slab(source, shape, strides, chain, padding, fill, out, start, stop):
    """Copy nearest voxels into ``out`` [C, I, J, K] of the dtype of ``source``."""
    channels, n = out.shape[0], out.shape[3]
    xyz, base, _ = row_buffers(n)
    x, y, z = xyz
    offset, valid = np.empty(n, np.intp), np.empty(n, np.bool_)
    table = row_table(chain[0], n)
    for i in range(start, stop):
        for j in range(out.shape[2]):
            fill_row(chain, table, i, j, x, y, z, n)
            row_nearest(xyz, shape, strides[1:], padding, base, offset, valid, n)
            for c in range(channels):
                nearest_row(source[c * strides[0] :], offset, valid, fill, out[c, i, j], n)


@kernel
def vote_slab(source, shape, strides, chain, padding, fill, out, start, stop):
    """Elect labels into ``out`` [C, I, J, K] of the dtype of ``source``."""
    channels, n = out.shape[0], out.shape[3]
    xyz, base, pairs = row_buffers(n)
    x, y, z = xyz
    offset, weights = np.empty(n, np.intp), np.empty((8, n), np.float32)
    nearest, valid = np.empty(n, np.intp), np.empty(n, np.bool_)
    table = row_table(chain[0], n)
    steps = corner_steps(shape, strides[1:])
    for i in range(start, stop):
        for j in range(out.shape[2]):
            fill_row(chain, table, i, j, x, y, z, n)
            row_corners(xyz, shape, strides[1:], padding, base, pairs, offset, weights, n)
            row_nearest(xyz, shape, strides[1:], padding, base, nearest, valid, n)
            for c in range(channels):
                vote_row(
                    source[c * strides[0] :],
                    offset,
                    weights,
                    steps,
                    nearest,
                    valid,
                    fill,
                    out[c, i, j],
                    n,
                )
