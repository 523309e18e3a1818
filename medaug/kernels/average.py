"""Means over boxes of voxels, as pooling to another size takes them."""

from __future__ import annotations

import numpy as np

from medaug.kernels.jit import kernel

U = np.uintp  # unsigned indices: see medaug.kernels.gather


@kernel
def average_boxes(source, bounds_i, bounds_j, bounds_k, out):
    """Fill ``out`` float32 [A, B, D] with means of boxes of ``source``, float32 [I, J, K].

    Parameters
    ----------
    source : float32 [I, J, K]
    bounds_i, bounds_j, bounds_k : int64 [A, 2], [B, 2], [D, 2]
        The first voxel of each box along an axis, and the one behind its last.
    out : float32 [A, B, D]
    """
    line = np.empty(source.shape[2], np.float32)
    for a in range(out.shape[0]):
        for b in range(out.shape[1]):
            line[:] = np.float32(0.0)
            rows = 0
            for i in range(bounds_i[a, 0], bounds_i[a, 1]):
                for j in range(bounds_j[b, 0], bounds_j[b, 1]):
                    row = source[i, j]
                    for k in range(U(line.shape[0])):
                        line[k] += row[k]
                    rows += 1
            for d in range(out.shape[2]):
                first, behind = bounds_k[d, 0], bounds_k[d, 1]
                total = np.float32(0.0)
                for k in range(U(first), U(behind)):
                    total += line[k]
                out[a, b, d] = total / np.float32(rows * (behind - first))
