"""The election of labels: a row of output from offsets and weights.

Most voxels have eight equal corners, and most others two different ones. So a row is done in steps
without branches that nobody can predict: find the voxels whose corners differ, lay their corners
side by side, settle all contests of two at once, and elect the few others one by one.
"""

from __future__ import annotations

import numpy as np

from medaug.kernels.corners import nearest_voxel
from medaug.kernels.gather import ROUNDING, outside_share, pair_weights
from medaug.kernels.jit import kernel

U = np.uintp  # unsigned indices: see medaug.kernels.gather
MAJORITY = np.float32(0.5) + ROUNDING  # of votes that sum to one: nothing can beat it


@kernel
def vote_scratch(source, n):
    """Return what ``vote_row`` writes to, for rows of ``n`` voxels."""
    contested, labels = np.empty(n + 1, np.intp), np.empty((8, n), source.dtype)
    shares, most = np.empty((6, n), np.float32), np.empty(n, np.float32)
    return contested, labels, shares, np.empty(n, source.dtype), most


@kernel
def corner_weights(pairs, k):
    """Return the weights of the 8 corners of voxel ``k``; the last axis runs fastest."""
    w0, w1, w2, w3 = pair_weights(pairs, k)
    low, high = pairs[4, k], pairs[5, k]
    return w0 * low, w0 * high, w1 * low, w1 * high, w2 * low, w2 * high, w3 * low, w3 * high


@kernel
def corner_labels(labels, position):
    """Return the labels of the 8 corners of a contested voxel; the last axis runs fastest."""
    return (
        labels[0, position],
        labels[1, position],
        labels[2, position],
        labels[3, position],
        labels[4, position],
        labels[5, position],
        labels[6, position],
        labels[7, position],
    )


@kernel
def votes_for(label, labels, votes):
    """Return the sum of the votes of the corners that hold ``label``.

    Spelt out, because a loop over tuples would go through memory.
    """
    l0, l1, l2, l3, l4, l5, l6, l7 = labels
    w0, w1, w2, w3, w4, w5, w6, w7 = votes
    none = np.float32(0.0)
    return (
        ((w0 if l0 == label else none) + (w1 if l1 == label else none))
        + ((w2 if l2 == label else none) + (w3 if l3 == label else none))
    ) + (
        ((w4 if l4 == label else none) + (w5 if l5 == label else none))
        + ((w6 if l6 == label else none) + (w7 if l7 == label else none))
    )


@kernel
def challenge(label, labels, votes, outside, fill, winner, most):
    """Return the one of ``label`` and ``winner`` with more votes, and their number."""
    total = votes_for(label, labels, votes) + (outside if label == fill else np.float32(0.0))
    return (label, total) if total > most else (winner, most)


@kernel
def elect(labels, votes, outside, fill, nearest):
    """Return the label with the most votes; what lies outside votes for ``fill``."""
    l0, l1, l2, l3, l4, l5, l6, l7 = labels
    winner, most = challenge(nearest, labels, votes, outside, fill, fill, np.float32(-1.0))
    most += ROUNDING  # a tie goes to the nearest
    if outside > most:
        winner, most = fill, outside
    winner, most = challenge(l0, labels, votes, outside, fill, winner, most)
    winner, most = challenge(l1, labels, votes, outside, fill, winner, most)
    winner, most = challenge(l2, labels, votes, outside, fill, winner, most)
    winner, most = challenge(l3, labels, votes, outside, fill, winner, most)
    winner, most = challenge(l4, labels, votes, outside, fill, winner, most)
    winner, most = challenge(l5, labels, votes, outside, fill, winner, most)
    winner, most = challenge(l6, labels, votes, outside, fill, winner, most)
    winner, most = challenge(l7, labels, votes, outside, fill, winner, most)
    return winner


@kernel
def nearest_label(channel, xyz, r, k, shape, box, strides, padding, fill):
    """Return the label of the nearest voxel, or ``fill`` where it lies outside."""
    offset = np.intp(0)
    for axis in range(3):
        nearest = nearest_voxel(xyz[r, axis, k], shape[axis], padding)
        if nearest < box[0, axis] or nearest >= box[1, axis]:
            return fill
        offset += (nearest - box[0, axis]) * strides[axis]
    return channel[U(offset)]


@kernel
def leaves_volume(pairs):
    """Tell whether any part of a row lies outside the volume."""
    most = np.float32(0.0)
    for k in range(U(pairs.shape[1])):
        most = max(most, outside_share(pairs, k))
    return most > 0.0


@kernel
def corners_differ(channel, o, steps):
    """Tell whether not all of the 8 corners above element ``o`` are equal."""
    si, sj, sk = steps
    first, p = channel[o], o + si
    differ = (first ^ channel[o + sk]) | (first ^ channel[o + sj]) | (first ^ channel[o + sj + sk])
    differ |= (first ^ channel[p]) | (first ^ channel[p + sk])
    differ |= (first ^ channel[p + sj]) | (first ^ channel[p + sj + sk])
    return differ != 0


@kernel
def find_contested(channel, offset, pairs, steps, fill, out, contested):
    """Write the label of the first corner, and list the voxels where that does not settle it.

    Returns how many there are.
    """
    count = np.intp(0)
    for k in range(U(out.shape[0])):
        o = U(offset[k])
        out[k] = channel[o]
        contested[count] = k
        count += np.intp(corners_differ(channel, o, steps))
    if leaves_volume(pairs):
        count = np.intp(0)
        for k in range(U(out.shape[0])):
            differ = corners_differ(channel, U(offset[k]), steps)
            contested[count] = k
            count += np.intp(differ | ((out[k] != fill) & (outside_share(pairs, k) > 0.0)))
    return count


@kernel
def collect(channel, offset, pairs, steps, contested, count, labels, shares):
    """Lay the corners of the contested voxels side by side, and their weights."""
    si, sj, sk = steps
    for position in range(U(count)):
        k = U(contested[position])
        o = U(offset[k])
        p = o + si
        labels[0, position], labels[1, position] = channel[o], channel[o + sk]
        labels[2, position], labels[3, position] = channel[o + sj], channel[o + sj + sk]
        labels[4, position], labels[5, position] = channel[p], channel[p + sk]
        labels[6, position], labels[7, position] = channel[p + sj], channel[p + sj + sk]
        for each in range(U(6)):
            shares[each, position] = pairs[each, k]


@kernel
def settle(labels, shares, count, winners, most):
    """Write which of the first two labels of each contest has more votes, and how many."""
    for position in range(U(count)):
        corners, votes = corner_labels(labels, position), corner_weights(shares, position)
        l0, l1, l2, l3, l4, l5, l6, l7 = corners
        other = l1 if l1 != l0 else (l2 if l2 != l0 else (l3 if l3 != l0 else l4))
        other = other if other != l0 else (l5 if l5 != l0 else (l6 if l6 != l0 else l7))
        first, second = votes_for(l0, corners, votes), votes_for(other, corners, votes)
        winners[position] = l0 if first > second else other
        most[position] = max(first, second)


@kernel
def vote_row(
    channel, xyz, r, shape, box, strides, padding, offset, pairs, steps, fill, out, scratch
):
    """Elect the label with the largest sum of corner weights; a tie goes to the nearest voxel."""
    contested, labels, shares, winners, most = scratch
    count = find_contested(channel, offset, pairs, steps, fill, out, contested)
    collect(channel, offset, pairs, steps, contested, count, labels, shares)
    settle(labels, shares, count, winners, most)
    for position in range(U(count)):
        k = U(contested[position])
        if most[position] > MAJORITY:
            out[k] = winners[position]
        else:
            nearest = nearest_label(channel, xyz, r, k, shape, box, strides, padding, fill)
            corners, votes = corner_labels(labels, position), corner_weights(shares, position)
            out[k] = elect(corners, votes, outside_share(shares, position), fill, nearest)
