"""Crop, pad, flip and axis swaps: the warps that only move voxels, done by slices."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from medaug import buffers
from medaug.geometry import Warp
from medaug.kernels.stream import can_stream
from medaug.kernels.turn import copy_rows, turn_volume
from medaug.resample.options import Sampling
from medaug.typing import AnyArray, Matrix


def copy_grid(
    array: AnyArray, warp: Warp, sampling: Sampling, dtype: npt.DTypeLike
) -> AnyArray | None:
    """Return what a grid warp makes of ``array`` [C, I, J, K], exact to the bit.

    Only the voxels of the output are copied. ``None`` where padding other than ``constant``
    has to invent voxels, which slices cannot do.
    """
    moved, offset = _axes_turned(array, warp.affine_part())
    places = list(zip(warp.output_shape, offset, moved.shape[1:], strict=True))
    starts = [max(-o, 0) for _, o, _ in places]
    stops = [
        max(start, min(n, size - o)) for start, (n, o, size) in zip(starts, places, strict=True)
    ]
    covers = starts == [0, 0, 0] and stops == [*warp.output_shape]
    if not covers and sampling.padding_mode != "constant":
        return None
    inside = (slice(None), *map(slice, starts, stops))
    seen = [slice(a + o, b + o) for a, b, o in zip(starts, stops, offset, strict=True)]
    view = moved[(slice(None), *seen)]
    out = buffers.empty((array.shape[0], *warp.output_shape), dtype)
    if covers:
        _copy(view, out)
    else:
        np.copyto(out, sampling.padding_value, casting="unsafe")
        out[inside] = view
    return out


def _copy(view: AnyArray, out: AnyArray) -> None:
    """Copy ``view`` [C, I, J, K] to contiguous memory.

    NumPy is slow where rows become columns, and writes large results through the caches.
    """
    steps = np.array(view.strides) // view.itemsize
    along = np.flatnonzero(np.abs(steps[1:]) == 1)
    in_rows = abs(steps[3]) == 1
    plain = view.dtype != out.dtype or not view.flags.aligned or len(along) == 0
    past = can_stream(out, out.shape[3])
    if plain or (in_rows and not past):
        np.copyto(out, view, casting="unsafe")
        return
    bits = np.dtype(f"u{view.itemsize}")
    memory, start = _memory_of(view.view(bits))
    if in_rows:
        copy_rows(memory, start, steps, out.view(bits))
        return
    for channel, target in enumerate(out.view(bits)):
        first = start + channel * steps[0]
        turn_volume(memory, first, steps[1:], int(along[0]), past, target)


def _memory_of(view: AnyArray) -> tuple[AnyArray, int]:
    """Return the memory of ``view`` as a flat array, and where in it its first voxel lies."""
    backwards = [slice(None, None, -1 if stride < 0 else 1) for stride in view.strides]
    forwards = view[tuple(backwards)]
    steps = [stride // view.itemsize for stride in view.strides]
    last = [(n - 1) * abs(step) for n, step in zip(view.shape, steps, strict=True)]
    memory = as_strided(forwards, (1 + sum(last),), (view.itemsize,), writeable=False)
    start = sum(end for end, step in zip(last, steps, strict=True) if step < 0)
    return memory, start


def _axes_turned(array: AnyArray, matrix: Matrix) -> tuple[AnyArray, list[int]]:
    """Return a view of ``array`` with axes and directions of the output, and its offset.

    In plain numbers: of so few, NumPy takes several times as long.
    """
    rows = [[round(entry) for entry in row] for row in matrix.tolist()[:3]]
    # For each output axis, the input axis that it walks along, and whether forwards.
    axes = [next(axis for axis in range(3) if rows[axis][b]) for b in range(3)]
    signs = [rows[axis][b] for b, axis in enumerate(axes)]
    view = array.transpose(0, *(axis + 1 for axis in axes))
    view = view[(slice(None), *(slice(None, None, sign) for sign in signs))]
    shifts = [rows[axis][3] for axis in axes]
    offset = [
        shift if sign > 0 else size - 1 - shift
        for sign, shift, size in zip(signs, shifts, view.shape[1:], strict=True)
    ]
    return view, offset
