"""Separable smoothing of a channel, plane by plane, so that each voxel is read from memory once.

Planes smoothed along the last two axes wait in a ring that the second-level cache holds until all
neighbours along the first axis have used them. What lies outside mirrors about the centres of the
outermost voxels, or is zero.
"""

from __future__ import annotations

import numpy as np

from medaug.kernels.jit import kernel

U = np.uintp  # unsigned indices: see medaug.kernels.gather


@kernel
def mirrored(n, size):
    """Return voxel ``n`` folded into 0 to ``size``, about the centres of the outermost voxels."""
    if size == 1:
        return 0
    period = 2 * size - 2
    n = abs(n) % period
    return min(n, period - n)


@kernel
def found(n, size, mirror):
    """Return where voxel ``n`` is found: inside, or at ``size``, where zeros are kept."""
    if mirror:
        return mirrored(n, size)
    return n if 0 <= n < size else size


@kernel
def smooth_row(row, weights, mirror, padded, out):
    """Smooth a row, float32 [n], by symmetric ``weights`` [r + 1], the middle one first."""
    reach, size = weights.shape[0] - 1, row.shape[0]
    for k in range(U(size)):
        padded[U(reach) + k] = row[k]
    for t in range(1, reach + 1):
        before, behind = np.float32(0.0), np.float32(0.0)
        if mirror:
            before, behind = row[mirrored(-t, size)], row[mirrored(size - 1 + t, size)]
        padded[reach - t], padded[reach + size - 1 + t] = before, behind
    w, middle = weights[0], U(reach)
    for k in range(U(size)):
        out[k] = w * padded[middle + k]
    for t in range(U(1), U(reach + 1)):
        w = weights[t]
        for k in range(U(size)):
            out[k] += w * (padded[middle - t + k] + padded[middle + t + k])


@kernel
def smooth_plane(plane, weights_j, weights_k, mirror, padded, rows, out):
    """Smooth a plane, float32 [J, K], along both axes.

    ``rows`` [J + 1, K] is scratch whose last row is zero.
    """
    reach, size = weights_j.shape[0] - 1, plane.shape[0]
    for j in range(size):
        smooth_row(plane[j], weights_k, mirror, padded, rows[j])
    for j in range(size):
        w = weights_j[0]
        for k in range(U(plane.shape[1])):
            out[j, k] = w * rows[j, k]
        for t in range(1, reach + 1):
            w = weights_j[t]
            before, behind = found(j - t, size, mirror), found(j + t, size, mirror)
            for k in range(U(plane.shape[1])):
                out[j, k] += w * (rows[before, k] + rows[behind, k])


@kernel
def smooth_volume(source, weights_i, weights_j, weights_k, mirror, keep, gain, out):
    """Write ``keep * source + gain * smoothed``.

    Parameters
    ----------
    source : float32 [I, J, K]
    weights_i, weights_j, weights_k : float32 [r + 1]
        Of the voxel itself and of its neighbours on either side, for each axis.
    mirror : bool
        What lies outside mirrors; otherwise it is zero.
    keep, gain : float32
    out : float32 [I, J, K]
        Another array.
    """
    size, rows, columns = source.shape
    reach = weights_i.shape[0] - 1
    planes = min(2 * reach + 1, size)
    ring = np.empty((planes + 1, rows, columns), np.float32)
    ring[planes] = 0.0
    scratch = np.empty((rows + 1, columns), np.float32)
    scratch[rows] = 0.0
    padded = np.empty(columns + 2 * (weights_k.shape[0] - 1), np.float32)
    total = np.empty(columns, np.float32)
    done = 0
    for i in range(size):
        while done < min(i + reach + 1, size):
            place = ring[done % planes]
            smooth_plane(source[done], weights_j, weights_k, mirror, padded, scratch, place)
            done += 1
        here = ring[i % planes]
        for j in range(rows):
            w = gain * weights_i[0]
            for k in range(U(columns)):
                total[k] = w * here[j, k]
            for t in range(1, reach + 1):
                w = gain * weights_i[t]
                m, n = found(i - t, size, mirror), found(i + t, size, mirror)
                before = ring[m % planes if m < size else planes]
                behind = ring[n % planes if n < size else planes]
                for k in range(U(columns)):
                    total[k] += w * (before[j, k] + behind[j, k])
            if keep != 0.0:  # else what is not finite in the source would come through
                for k in range(U(columns)):
                    total[k] += keep * source[i, j, k]
            for k in range(U(columns)):
                out[i, j, k] = total[k]
