"""Zooming by the means of boxes, torch's ``area``."""

from __future__ import annotations

import numpy as np

from medaug import buffers
from medaug.geometry import Warp
from medaug.kernels.average import average_boxes
from medaug.typing import AnyArray, FloatArray

#: Much less than the fractions of a voxel at which boxes can end.
_ROUNDING = 1e-6


def mean_of_boxes(array: AnyArray, warp: Warp) -> FloatArray:
    """Return the mean of the voxels that the box of each output voxel touches.

    Parameters
    ----------
    array : array [C, I, J, K]
    warp : Warp
        Scales and shifts each axis; the centres of all output voxels lie inside the array.

    Returns
    -------
    float32 array [C, *warp.output_shape]
    """
    voxels = np.ascontiguousarray(array, np.float32)
    matrix = warp.affine_part()
    bounds = [
        _touched(matrix[axis, axis], matrix[axis, 3], count, array.shape[axis + 1])
        for axis, count in enumerate(warp.output_shape)
    ]
    out: FloatArray = buffers.empty((len(array), *warp.output_shape), np.float32)
    for source, target in zip(voxels, out, strict=True):
        average_boxes(source, *bounds, target)
    return out


def _touched(step: float, start: float, count: int, size: int) -> AnyArray:
    """Return the first voxel of each box along an axis and the one behind its last, [count, 2]."""
    lower = start + step * np.arange(count) + 0.5 - step / 2
    first = np.floor(lower + _ROUNDING)
    behind = np.ceil(lower + step - _ROUNDING)
    bounds: AnyArray = np.clip(np.stack([first, behind], axis=1), 0, size)
    return bounds.astype(np.int64)
