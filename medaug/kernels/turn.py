"""Copying a volume with its axes in another order, so that memory is read and written by rows."""

from __future__ import annotations

import numpy as np

from medaug.kernels.jit import kernel

U = np.uintp  # unsigned indices: see medaug.kernels.gather


@kernel
def turn_volume(source, start, steps, along, out):
    """Fill ``out`` with voxels of ``source``, whose rows become columns.

    Plane by plane: its rows are read one after the other, wait in the cache, and leave as columns.

    Parameters
    ----------
    source : array [n]
        Flat memory.
    start : int
        Where the first voxel of ``out`` comes from.
    steps : int64 [3]
        Elements from there to what the next voxel along each axis of ``out`` comes from.
    along : int
        The axis of ``out``, 0 or 1, along which ``steps`` is 1 or -1.
    out : array [A, B, D]
    """
    across = 1 - along
    length, columns = out.shape[along], out.shape[2]
    # An odd number of entries a row, so that a column is not a multiple of the cache's period.
    plane = np.empty((columns, length + 1 - length % 2), source.dtype)
    for n in range(out.shape[across]):
        for k in range(columns):
            first = start + n * steps[across] + k * steps[2]
            if steps[along] == 1:
                for m in range(U(length)):
                    plane[k, m] = source[U(first) + m]
            else:
                for m in range(U(length)):
                    plane[k, m] = source[U(first) - m]
        for m in range(length):
            row = out[m, n] if along == 0 else out[n, m]
            for k in range(U(columns)):
                row[k] = plane[k, m]
