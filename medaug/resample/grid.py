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
    moved, offset, size = _axes_turned(array, warp.affine_part())
    start = np.maximum(-offset, 0)
    stop = np.minimum(np.array(warp.output_shape), size - offset)
    covers = np.all(start == 0) and np.all(stop == warp.output_shape)
    if not covers and sampling.padding_mode != "constant":
        return None
    inside = tuple(slice(a, max(a, b)) for a, b in zip(start, stop, strict=True))
    source = tuple(slice(s.start + o, s.stop + o) for s, o in zip(inside, offset, strict=True))
    out = buffers.empty((array.shape[0], *warp.output_shape), dtype)
    if covers:
        _copy(moved[(slice(None), *source)], out)
        return out
    np.copyto(out, sampling.padding_value, casting="unsafe")
    if all(s.stop > s.start for s in inside):
        out[(slice(None), *inside)] = moved[(slice(None), *source)]
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


def _axes_turned(array: AnyArray, matrix: Matrix) -> tuple[AnyArray, AnyArray, AnyArray]:
    """Return a view of ``array`` with axes and directions of the output, its offset and size."""
    linear = np.round(matrix[:3, :3]).astype(np.int64)
    shift = np.round(matrix[:3, 3]).astype(np.int64)
    axis_of = np.abs(linear).argmax(axis=0)  # the input axis that output axis b walks along
    sign = linear[axis_of, np.arange(3)]
    view = array.transpose(0, *(axis_of + 1))
    size = np.array(view.shape[1:])
    view = view[(slice(None), *(slice(None, None, s) for s in sign.tolist()))]
    offset = np.where(sign > 0, shift[axis_of], size - 1 - shift[axis_of])
    return view, offset, size
