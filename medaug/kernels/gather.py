"""The loops that read voxels: a row of output from offsets and weights.

Indices are unsigned, because numba adds a test for negative ones to every signed read, and four
channels are read at once, because they share offsets and weights. Together that halves the time.
"""

from __future__ import annotations

import numpy as np

from medaug.kernels.jit import kernel

U = np.uintp
ROUNDING = np.float32(1e-5)
MAJORITY = np.float32(0.5) + ROUNDING  # of votes that sum to one: nothing can beat it


@kernel
def corner_steps(shape, strides):
    """Return the steps in elements to the next voxel along each axis, zero where there is none."""
    step_i = U(strides[0]) if shape[0] > 1 else U(0)
    step_j = U(strides[1]) if shape[1] > 1 else U(0)
    step_k = U(strides[2]) if shape[2] > 1 else U(0)
    return step_i, step_j, step_k


@kernel
def blend(channel, o, si, sj, sk, w0, w1, w2, w3, w4, w5, w6, w7):
    """Return the weighted sum of the 8 corners above element ``o`` of one channel."""
    low = (channel[o] * w0 + channel[o + sk] * w1) + (
        channel[o + sj] * w2 + channel[o + sj + sk] * w3
    )
    high = (channel[o + si] * w4 + channel[o + si + sk] * w5) + (
        channel[o + si + sj] * w6 + channel[o + si + sj + sk] * w7
    )
    return np.float32(low + high)


@kernel
def linear_row_4(a, b, c, d, offset, weights, steps, out_a, out_b, out_c, out_d, n):
    """Interpolate a row of four channels."""
    si, sj, sk = steps
    for k in range(U(n)):
        o = U(offset[k])
        w0, w1, w2, w3 = weights[0, k], weights[1, k], weights[2, k], weights[3, k]
        w4, w5, w6, w7 = weights[4, k], weights[5, k], weights[6, k], weights[7, k]
        out_a[k] = blend(a, o, si, sj, sk, w0, w1, w2, w3, w4, w5, w6, w7)
        out_b[k] = blend(b, o, si, sj, sk, w0, w1, w2, w3, w4, w5, w6, w7)
        out_c[k] = blend(c, o, si, sj, sk, w0, w1, w2, w3, w4, w5, w6, w7)
        out_d[k] = blend(d, o, si, sj, sk, w0, w1, w2, w3, w4, w5, w6, w7)


@kernel
def linear_row_1(a, offset, weights, steps, out_a, n):
    """Interpolate a row of one channel."""
    si, sj, sk = steps
    for k in range(U(n)):
        o = U(offset[k])
        w0, w1, w2, w3 = weights[0, k], weights[1, k], weights[2, k], weights[3, k]
        w4, w5, w6, w7 = weights[4, k], weights[5, k], weights[6, k], weights[7, k]
        out_a[k] = blend(a, o, si, sj, sk, w0, w1, w2, w3, w4, w5, w6, w7)


@kernel
def add_outside(weights, fill, out, n):
    """Give the part of each output voxel that lies outside the volume the value ``fill``."""
    for k in range(n):
        missing = np.float32(1.0)
        for corner in range(8):
            missing -= weights[corner, k]
        # Rounding alone must not let the fill value leak into the inside.
        out[k] += missing * fill if missing > ROUNDING else np.float32(0.0)


@kernel
def nearest_row(channel, offset, valid, fill, out, n):
    """Copy the nearest voxel, or ``fill`` where it lies outside."""
    for k in range(U(n)):
        out[k] = channel[U(offset[k])] if valid[k] else fill


@kernel
def elect(labels, votes, nearest):
    """Return the label with the most votes; ``nearest`` wins unless another has more."""
    winner, most = nearest, np.float32(-1.0)
    for candidate in range(-1, 9):
        label = nearest if candidate < 0 else labels[candidate]
        total = np.float32(0.0)
        for corner in range(9):
            if labels[corner] == label:
                total += votes[corner]
        if total > most:
            winner, most = label, total
        if most > MAJORITY:
            break
    return winner


@kernel
def vote_row(channel, offset, weights, steps, nearest, valid, fill, labels, votes, out, n):
    """Elect the label with the largest sum of corner weights; a tie goes to the nearest voxel.

    What lies outside the volume votes for ``fill``. Most voxels have equal corners: they are told
    apart first, without touching a weight. ``labels`` and ``votes`` [9] are scratch.
    """
    si, sj, sk = steps
    for k in range(U(n)):
        o = U(offset[k])
        l0, l1, l2, l3 = channel[o], channel[o + sk], channel[o + sj], channel[o + sj + sk]
        o += si
        l4, l5, l6, l7 = channel[o], channel[o + sk], channel[o + sj], channel[o + sj + sk]
        differ = (l0 ^ l1) | (l0 ^ l2) | (l0 ^ l3) | (l0 ^ l4) | (l0 ^ l5) | (l0 ^ l6) | (l0 ^ l7)
        if differ == 0 and l0 == fill:
            out[k] = l0
            continue
        votes[8] = np.float32(1.0)
        for corner in range(8):
            votes[corner] = weights[corner, k]
            votes[8] -= votes[corner]
        if differ == 0 and votes[8] < ROUNDING:
            out[k] = l0
            continue
        labels[0], labels[1], labels[2], labels[3] = l0, l1, l2, l3
        labels[4], labels[5], labels[6], labels[7] = l4, l5, l6, l7
        labels[8] = fill
        out[k] = elect(labels, votes, channel[U(nearest[k])] if valid[k] else fill)
