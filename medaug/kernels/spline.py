"""Coefficients of interpolating cubic B-splines, by one recursive filter there and back an axis.

Lines are mirrored about the centres of their outermost voxels (Unser, Aldroubi and Eden 1993, IEEE
Transactions on Signal Processing 41(2); Thévenaz, Blu and Unser 2000, IEEE Transactions on Medical
Imaging 19(7)). Each has a margin of one entry at either end, which is left as it is.
"""

from __future__ import annotations

import math

import numpy as np

from medaug.kernels.jit import kernel

U = np.uintp  # unsigned indices: see medaug.kernels.gather

_POLE = math.sqrt(3.0) - 2.0  # of the filters; they forget by this factor a voxel
#: Voxels behind which what a filter started from is below the rounding of float32.
REACH = math.ceil(math.log(1e-7) / math.log(-_POLE))
POLE, GAIN = np.float32(_POLE), np.float32(6.0)
TURN = np.float32(_POLE / (_POLE * _POLE - 1.0))  # starts the way back at a mirror

COLUMNS = 256  # filtered together: some hundred voxels of them stay in the second-level cache
LANES = 32  # rows along the last axis that are turned into columns at once


@kernel
def start_weights(n):
    """Return what the first voxels of a mirrored line of ``n >= 2`` add to its first coefficient.

    The filter would start infinitely far outside; its geometric series is summed over the mirror
    images.
    """
    period = 2 * n - 2
    weights = np.empty(min(n, REACH), np.float32)
    for k in range(weights.shape[0]):
        image = _POLE ** (period - k) if 0 < k < n - 1 else 0.0
        weights[k] = 6.0 * (_POLE**k + image) / (1.0 - _POLE**period)
    return weights


@kernel
def filter_columns(lines, b, start, stop, weights):
    """Filter lines [before, n + 2, after] along the second axis in place, some columns of block b.

    There and back; the first and the last entry are margin.
    """
    n = U(lines.shape[1] - 2)
    one = U(1)
    for m in range(start, stop):
        lines[b, one, m] *= weights[0]
    for k in range(one, U(weights.shape[0])):
        for m in range(start, stop):
            lines[b, one, m] += weights[k] * lines[b, one + k, m]
    for k in range(U(2), n + one):
        for m in range(start, stop):
            lines[b, k, m] = GAIN * lines[b, k, m] + POLE * lines[b, k - one, m]
    for m in range(start, stop):
        lines[b, n, m] = TURN * (lines[b, n, m] + POLE * lines[b, n - one, m])
    for done in range(one, n):
        last = n - done
        for m in range(start, stop):
            lines[b, last, m] = POLE * (lines[b, last + one, m] - lines[b, last, m])


@kernel
def filter_lines(lines):
    """Turn values into coefficients along the second axis of float32 [before, n + 2, after]."""
    weights = start_weights(lines.shape[1] - 2)
    for b in range(U(lines.shape[0])):
        for start in range(0, lines.shape[2], COLUMNS):
            stop = min(start + COLUMNS, lines.shape[2])
            filter_columns(lines, b, U(start), U(stop), weights)


@kernel
def filter_rows(rows):
    """Turn values into coefficients along the last axis of float32 [rows, n + 2].

    Each step along a row waits for the one before, so rows go many at once, turned into columns.
    """
    weights = start_weights(rows.shape[1] - 2)
    block = np.empty((1, rows.shape[1], LANES), np.float32)
    zero, length = U(0), U(rows.shape[1])
    for top in range(0, rows.shape[0], LANES):
        lanes = U(min(LANES, rows.shape[0] - top))
        for lane in range(lanes):
            for k in range(length):
                block[zero, k, lane] = rows[U(top) + lane, k]
        filter_columns(block, zero, zero, lanes, weights)
        for lane in range(lanes):
            for k in range(length):
                rows[U(top) + lane, k] = block[zero, k, lane]
