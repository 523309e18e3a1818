"""Arrays as kernels read them: flat memory that holds the box of the volume that a warp touches."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from medaug.geometry import Warp
from medaug.kernels import spline
from medaug.resample.options import PaddingMode
from medaug.typing import AnyArray, FloatArray, Matrix

#: What the float32 coordinates of the kernels may differ from those of the geometry layer.
_ROUNDING_VOXELS = 1


class Source(NamedTuple):
    """Part of an array [C, I, J, K], or its spline coefficients, as kernels take it."""

    memory: AnyArray  # flat
    shape: AnyArray  # int64 [3], I, J, K
    box: AnyArray  # int64 [2, 3]: the first voxel that the memory holds, and behind the last
    strides: AnyArray  # int64 [4], in elements


def voxels_of(
    array: AnyArray, dtype: npt.DTypeLike, warp: Warp, padding_mode: PaddingMode
) -> Source:
    """Return the voxels of ``array`` [C, I, J, K] that ``warp`` touches, as ``dtype``.

    The memory is the array's own wherever kernels can read that; otherwise only the box is copied.
    """
    shape = np.array(array.shape[1:], np.int64)
    box = np.stack([np.zeros(3, np.int64), shape])
    if array.dtype != dtype or not _is_readable(array):
        box = touched_box(warp, shape, padding_mode, _ROUNDING_VOXELS)
        array = array[_slices(box)].astype(dtype, order="C")
    return Source(_flat(array), shape, box, np.array(array.strides, np.int64) // array.itemsize)


def coefficients_of(array: AnyArray, warp: Warp, padding_mode: PaddingMode) -> Source:
    """Return the cubic spline coefficients of ``array`` [C, I, J, K] that ``warp`` touches."""
    shape = np.array(array.shape[1:], np.int64)
    # One more tap on each side; and the filter starts so far outside that it forgets how.
    box = touched_box(warp, shape, padding_mode, _ROUNDING_VOXELS + 1 + spline.REACH)
    coefficients = _filtered(array[_slices(box)])
    strides = np.array(coefficients.strides, np.int64) // coefficients.itemsize
    return Source(_flat(coefficients), shape, box, strides)


def touched_box(
    warp: Warp, shape: AnyArray, padding_mode: PaddingMode, margin_voxels: int
) -> AnyArray:
    """Return the voxels between which all coordinates that ``warp`` reads lie.

    Parameters
    ----------
    warp : Warp
    shape : int64 array [3]
        Of the volume, no entry zero.
    padding_mode : {"constant", "border", "reflect", "symmetric"}
        The last two touch what is mirrored into the outside.
    margin_voxels : int
        That the box has more on each side, where the volume has them.

    Returns
    -------
    int64 array [2, 3]
        The first voxel and the one behind the last: two at least along each axis that has two.
    """
    lower, upper = warp.bounding_box()
    last = shape - 1
    if padding_mode == "reflect":
        lower, upper = _mirrored_inside(lower, upper, last)
    elif padding_mode == "symmetric":  # at half a voxel before the first and behind the last one
        lower, upper = (end - 0.5 for end in _mirrored_inside(lower + 0.5, upper + 0.5, shape))
    first = np.clip(np.floor(lower) - margin_voxels, 0, np.maximum(last - 1, 0))
    stop = np.clip(np.ceil(upper) + margin_voxels + 1, np.minimum(2, shape), shape)
    return np.stack([first, stop]).astype(np.int64)


def _mirrored_inside(lower: Matrix, upper: Matrix, last: AnyArray) -> tuple[Matrix, Matrix]:
    """Return the extremes of what mirrors at 0 and ``last`` make of the interval."""
    period = np.maximum(last, 1)
    # Extremes lie at the ends, or at two mirrors in a row: one at 0 and one at ``last``.
    mirror = np.ceil(lower / period) * period
    ends = np.clip([lower, mirror, mirror + period, upper], lower, upper)
    folded = np.minimum(period - np.abs(ends % (2 * period) - period), last)
    return folded.min(axis=0), folded.max(axis=0)


def _slices(box: AnyArray) -> tuple[slice, ...]:
    return slice(None), *(slice(a, b) for a, b in box.T.tolist())


def _is_readable(array: AnyArray) -> bool:
    """Tell whether the array steps forward through its memory by whole elements."""
    steps = all(stride >= 0 and stride % array.itemsize == 0 for stride in array.strides)
    return steps and array.flags.aligned


def _flat(array: AnyArray) -> AnyArray:
    """Return the memory of ``array`` from its first to its last element as a flat array."""
    span = sum((n - 1) * stride for n, stride in zip(array.shape, array.strides, strict=True))
    size = 1 + span // array.itemsize
    return as_strided(array, shape=(size,), strides=(array.itemsize,), writeable=False)


def _filtered(voxels: AnyArray) -> FloatArray:
    """Return the coefficient box of ``voxels``; see :mod:`medaug.kernels.spline`."""
    sizes = voxels.shape[1:]
    shape = (len(voxels), *(max(n + 2, 4) for n in sizes))
    coefficients = np.zeros(shape, np.float32)
    coefficients[(slice(None), *(slice(1, n + 1) for n in sizes))] = voxels
    for axis, n in enumerate(sizes, 1):
        if n == 1:
            continue
        if axis == 3:
            spline.filter_rows(coefficients.reshape(-1, shape[3]))
        else:
            before, after = math.prod(shape[:axis]), math.prod(shape[axis + 1 :])
            spline.filter_lines(coefficients.reshape(before, shape[axis], after))
    for axis, n in enumerate(sizes, 1):
        planes = np.moveaxis(coefficients, axis, 0)
        if n == 1:
            planes[:] = planes[1].copy()
        else:
            planes[0], planes[-1] = planes[2], planes[-3]
    return coefficients
