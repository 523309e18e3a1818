"""Coarse grids with the axes of the fine one: reading them off it, and interpolating back."""

from __future__ import annotations

import numpy as np

from medaug.kernels.jit import kernel

U = np.uintp  # unsigned indices: see medaug.kernels.gather


@kernel
def pick_volume(source, voxels_i, voxels_j, voxels_k, out):
    """Write the voxels of ``source`` [I, J, K] at ``voxels_i`` x ``voxels_j`` x ``voxels_k``."""
    for a in range(out.shape[0]):
        for b in range(out.shape[1]):
            row = source[voxels_i[a], voxels_j[b]]
            for c in range(U(out.shape[2])):
                out[a, b, c] = row[U(voxels_k[c])]


@kernel
def expand_volume(coarse, below_i, below_j, below_k, part_i, part_j, part_k, out):
    """Fill ``out`` float32 [I, J, K] from ``coarse`` float32 [A, B, C].

    Parameters
    ----------
    coarse : float32 [A, B, C]
    below_i, below_j, below_k : int64 [I], [J], [K]
        The coarse voxel below each fine one; there is always one above it, or ``part`` is zero.
    part_i, part_j, part_k : float32 [I], [J], [K]
        Weight of the voxel above.
    out : float32 [I, J, K]
    """
    last_i, last_j, last_k = coarse.shape[0] - 1, coarse.shape[1] - 1, coarse.shape[2] - 1
    plane = np.empty((coarse.shape[1], coarse.shape[2]), np.float32)
    line = np.empty(coarse.shape[2], np.float32)
    for i in range(out.shape[0]):
        a, p = below_i[i], part_i[i]
        above = min(a + 1, last_i)
        for b in range(coarse.shape[1]):
            for c in range(U(coarse.shape[2])):
                plane[b, c] = coarse[a, b, c] + p * (coarse[above, b, c] - coarse[a, b, c])
        for j in range(out.shape[1]):
            b, q = below_j[j], part_j[j]
            above = min(b + 1, last_j)
            for c in range(U(coarse.shape[2])):
                line[c] = plane[b, c] + q * (plane[above, c] - plane[b, c])
            for k in range(U(out.shape[2])):
                c = below_k[k]
                low, high = line[U(c)], line[U(min(c + 1, last_k))]
                out[i, j, k] = low + part_k[k] * (high - low)
