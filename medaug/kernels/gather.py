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
def corner_weights(pairs, k):
    """Return the weights of the 8 corners of voxel ``k`` of a row; the last axis runs fastest.

    Multiplied where they are needed: that costs less than reading them back.
    """
    low, high = pairs[4, k], pairs[5, k]
    w00, w01 = pairs[0, k] * pairs[2, k], pairs[0, k] * pairs[3, k]
    w10, w11 = pairs[1, k] * pairs[2, k], pairs[1, k] * pairs[3, k]
    return (
        w00 * low,
        w00 * high,
        w01 * low,
        w01 * high,
        w10 * low,
        w10 * high,
        w11 * low,
        w11 * high,
    )


@kernel
def linear_row_4(a, b, c, d, offset, pairs, steps, out_a, out_b, out_c, out_d, n):
    """Interpolate a row of four channels."""
    si, sj, sk = steps
    for k in range(U(n)):
        o = U(offset[k])
        w0, w1, w2, w3, w4, w5, w6, w7 = corner_weights(pairs, k)
        out_a[k] = blend(a, o, si, sj, sk, w0, w1, w2, w3, w4, w5, w6, w7)
        out_b[k] = blend(b, o, si, sj, sk, w0, w1, w2, w3, w4, w5, w6, w7)
        out_c[k] = blend(c, o, si, sj, sk, w0, w1, w2, w3, w4, w5, w6, w7)
        out_d[k] = blend(d, o, si, sj, sk, w0, w1, w2, w3, w4, w5, w6, w7)


@kernel
def linear_row_1(a, offset, pairs, steps, out_a, n):
    """Interpolate a row of one channel."""
    si, sj, sk = steps
    for k in range(U(n)):
        w0, w1, w2, w3, w4, w5, w6, w7 = corner_weights(pairs, k)
        out_a[k] = blend(a, U(offset[k]), si, sj, sk, w0, w1, w2, w3, w4, w5, w6, w7)


@kernel
def outside_share(pairs, k):
    """Return the share of voxel ``k`` of a row that lies outside the volume.

    Rounding alone gives none, so that nothing leaks into the inside.
    """
    i, j = pairs[0, k] + pairs[1, k], pairs[2, k] + pairs[3, k]
    share = np.float32(1.0) - i * j * (pairs[4, k] + pairs[5, k])
    return share if share > ROUNDING else np.float32(0.0)


@kernel
def add_outside(pairs, fill, out, n):
    """Give the part of each output voxel that lies outside the volume the value ``fill``."""
    for k in range(U(n)):
        out[k] += outside_share(pairs, k) * fill


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
def vote_row(channel, offset, pairs, steps, nearest, valid, fill, labels, votes, out, n):
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
        if differ == 0 and (l0 == fill or outside_share(pairs, k) == 0.0):
            out[k] = l0
            continue
        w = corner_weights(pairs, k)
        votes[0], votes[1], votes[2], votes[3] = w[0], w[1], w[2], w[3]
        votes[4], votes[5], votes[6], votes[7] = w[4], w[5], w[6], w[7]
        labels[0], labels[1], labels[2], labels[3] = l0, l1, l2, l3
        labels[4], labels[5], labels[6], labels[7] = l4, l5, l6, l7
        labels[8], votes[8] = fill, outside_share(pairs, k)
        out[k] = elect(labels, votes, channel[U(nearest[k])] if valid[k] else fill)
