"""The loops that read voxels: a row of output from offsets and weights.

Indices are unsigned, because numba adds a test for negative ones to every signed read, and four
channels are read at once, because they share offsets and weights.
"""

from __future__ import annotations

import numpy as np

from medaug.kernels.jit import kernel
from medaug.kernels.memory import blend, blend_four, prefetch

U = np.uintp
ROUNDING = np.float32(1e-5)
FAR = np.float32(1e4)  # voxels


@kernel
def corner_steps(shape, strides):
    """Return the steps in elements to the next voxel along each axis, zero where there is none."""
    step_i = U(strides[0]) if shape[0] > 1 else U(0)
    step_j = U(strides[1]) if shape[1] > 1 else U(0)
    step_k = U(strides[2]) if shape[2] > 1 else U(0)
    return step_i, step_j, step_k


@kernel
def pair_weights(pairs, k):
    """Return the weights of the 4 pairs of corners of voxel ``k`` of a row.

    Multiplied where they are needed: that costs less than reading them back.
    """
    i_low, i_high, j_low, j_high = pairs[0, k], pairs[1, k], pairs[2, k], pairs[3, k]
    return i_low * j_low, i_low * j_high, i_high * j_low, i_high * j_high


@kernel
def next_plane(xyz, r, rows, strides):
    """Return about how many elements further row ``r + rows`` reads than row ``r``.

    A warp is smooth, so the middle of the row stands for all of it.
    """
    middle, ahead = xyz.shape[2] // 2, np.intp(0)
    for axis in range(3):
        step = xyz[r + rows, axis, middle] - xyz[r, axis, middle]
        ahead += np.intp(np.round(min(max(step, -FAR), FAR))) * strides[axis]
    return ahead


@kernel
def linear_row_4(a, b, c, d, half, offset, pairs, steps, ahead, out_a, out_b, out_c, out_d):
    """Interpolate a row of four channels."""
    si, sj, sk = steps
    for k in range(U(offset.shape[0])):
        o0 = U(offset[k])
        o1, o2, o3 = o0 + sj, o0 + si, o0 + si + sj
        if k & U(1):  # two neighbours mostly share a line
            later = o3 + U(ahead)
            prefetch(a, later)
            prefetch(b, later)
            prefetch(c, later)
            prefetch(d, later)
        w0, w1, w2, w3 = pair_weights(pairs, k)
        low, high = pairs[4, k], pairs[5, k]
        out_a[k] = blend(a, half, o0, o1, o2, o3, sk, w0, w1, w2, w3, low, high)
        out_b[k] = blend(b, half, o0, o1, o2, o3, sk, w0, w1, w2, w3, low, high)
        out_c[k] = blend(c, half, o0, o1, o2, o3, sk, w0, w1, w2, w3, low, high)
        out_d[k] = blend(d, half, o0, o1, o2, o3, sk, w0, w1, w2, w3, low, high)


@kernel
def linear_row_beside(a, half, offset, pairs, steps, ahead, out_a, out_b, out_c, out_d):
    """Interpolate a row of four channels that lie side by side, the first of them at ``a``."""
    si, sj, sk = steps
    for k in range(U(offset.shape[0])):
        o0 = U(offset[k])
        o1, o2, o3 = o0 + sj, o0 + si, o0 + si + sj
        prefetch(a, o3 + U(ahead))
        w0, w1, w2, w3 = pair_weights(pairs, k)
        low, high = pairs[4, k], pairs[5, k]
        out_a[k], out_b[k], out_c[k], out_d[k] = blend_four(
            a, half, o0, o1, o2, o3, sk, w0, w1, w2, w3, low, high
        )


@kernel
def linear_row_1(a, half, offset, pairs, steps, ahead, out_a):
    """Interpolate a row of one channel."""
    si, sj, sk = steps
    for k in range(U(offset.shape[0])):
        o0 = U(offset[k])
        o1, o2, o3 = o0 + sj, o0 + si, o0 + si + sj
        if k & U(1):
            prefetch(a, o3 + U(ahead))
        w0, w1, w2, w3 = pair_weights(pairs, k)
        low, high = pairs[4, k], pairs[5, k]
        out_a[k] = blend(a, half, o0, o1, o2, o3, sk, w0, w1, w2, w3, low, high)


@kernel
def outside_share(pairs, k):
    """Return the share of voxel ``k`` of a row that lies outside the volume.

    Rounding alone gives none, so that nothing leaks into the inside.
    """
    i, j = pairs[0, k] + pairs[1, k], pairs[2, k] + pairs[3, k]
    share = np.float32(1.0) - i * j * (pairs[4, k] + pairs[5, k])
    return share if share > ROUNDING else np.float32(0.0)


@kernel
def add_outside(pairs, fill, out):
    """Give the part of each output voxel that lies outside the volume the value ``fill``."""
    for k in range(U(out.shape[0])):
        share = outside_share(pairs, k)
        out[k] += share * fill if share > 0.0 else np.float32(0.0)  # fill may be NaN


@kernel
def nearest_row(channel, offset, missed, fill, out):
    """Copy the nearest voxel, or ``fill`` where it lies outside."""
    for k in range(U(out.shape[0])):
        out[k] = fill if missed[k] else channel[U(offset[k])]
