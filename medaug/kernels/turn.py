"""Copying a volume with its axes in another order, so that memory is read and written by rows."""

from __future__ import annotations

import numpy as np

from medaug.buffers import LINE_BYTES
from medaug.kernels.jit import kernel
from medaug.kernels.memory import prefetch
from medaug.kernels.stream import settle, stream_line, write_row

U = np.uintp  # unsigned indices: see medaug.kernels.gather
#: Rows ahead that are fetched: processors foresee long runs, not short ones or those backwards.
_AHEAD = 8


@kernel
def turn_volume(source, start, steps, along, past, out):
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
    past : bool
        Write past the caches, see :func:`medaug.kernels.stream.can_stream`.
    out : array [A, B, D]
        Contiguous.
    """
    across = 1 - along
    length, columns = out.shape[along], out.shape[2]
    # An odd number of entries a row, so that a column is not a multiple of the cache's period.
    plane = np.empty((columns, length + 1 - length % 2), source.dtype)
    row, flat = np.empty(columns, source.dtype), out.reshape(-1)
    lanes = LINE_BYTES // out.itemsize
    for n in range(out.shape[across]):
        for k in range(columns):
            first = start + n * steps[across] + k * steps[2]
            ahead = U(first + _AHEAD * steps[2])
            for m in range(U(0), U(length), U(lanes)):
                prefetch(source, ahead + m if steps[along] == 1 else ahead - m)
            if steps[along] == 1:
                for m in range(U(length)):
                    plane[k, m] = source[U(first) + m]
            else:
                for m in range(U(length)):
                    plane[k, m] = source[U(first) - m]
        for m in range(length):
            for k in range(U(columns)):
                row[k] = plane[k, m]
            place = m * out.shape[1] + n if along == 0 else n * out.shape[1] + m
            write_row(row, flat, U(place * columns), past)
    settle()


@kernel
def copy_rows(source, start, steps, out):
    """Fill ``out`` with voxels of ``source``, whose rows stay rows, past the caches.

    Parameters
    ----------
    source, start
        See :func:`turn_volume`.
    steps : int64 [4]
        The same for each axis of ``out``; that of the last is 1 or -1.
    out : array [C, A, B, D]
        Contiguous, see :func:`medaug.kernels.stream.can_stream`.
    """
    channels, planes, rows, length = out.shape
    row, flat = np.empty(length, source.dtype), out.reshape(-1)
    lanes, target = LINE_BYTES // out.itemsize, U(0)
    for c in range(channels):
        for i in range(planes):
            for j in range(rows):
                first = start + c * steps[0] + i * steps[1] + j * steps[2]
                ahead = U(first + _AHEAD * steps[2])
                if steps[3] == 1:
                    for k in range(U(0), U(length), U(lanes)):
                        prefetch(source, ahead + k)
                        stream_line(source, U(first) + k, flat, target + k)
                else:
                    for k in range(U(length)):
                        row[k] = source[U(first) - k]
                    for k in range(U(0), U(length), U(lanes)):
                        prefetch(source, ahead - k)
                        stream_line(row, k, flat, target + k)
                target += U(length)
    settle()
