"""The steps that a scan goes through, each a function of arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from medaug.foreground import foreground_of
from medaug.io.resampling import Interpolation, resample_array
from medaug.preprocessing.grids import SAME_GRID_VOXELS, Grid, Mask, box_on, same_voxels, slices
from medaug.typing import AnyArray, FloatArray

#: An axis with voxels more than so many times as long as the shortest is resampled slice by slice.
COARSE_RATIO = 3.0

# Relative error of the spacing of an oblique scan, whose header holds float32.
_SPACING_NOISE = 1e-5

# Voxels about a cropped grid that are read too. What is further away changes a spline by less than
# a float32 can tell: its poles are 0.27.
_HALO_VOXELS = 16

# Rows of voxels whose float64 sums are taken at a time.
_SLAB = 8


def coarse_axis(*grids_mm: Sequence[float]) -> int | None:
    """Return the one axis that is more than `COARSE_RATIO` times as coarse as the finest, or None.

    Parameters
    ----------
    *grids_mm : sequences of 3 floats
        Spacings along the same axes. The first with such a coarse axis decides, as in nnU-Net: if
        another axis of it is as coarse, there is none.
    """
    for spacing_mm in grids_mm:
        coarsest = max(spacing_mm)
        if coarsest > COARSE_RATIO * min(spacing_mm) * (1 + _SPACING_NOISE):
            axes = np.flatnonzero(np.isclose(spacing_mm, coarsest, rtol=_SPACING_NOISE))
            return int(axes[0]) if len(axes) == 1 else None
    return None


def resample(
    values: AnyArray, old: Grid, new: Grid, interpolation: Interpolation | Literal["vote"]
) -> AnyArray:
    """Bring one channel, or a label map, to a grid whose axes are parallel to those that it has.

    Where the new voxels are old ones they are cut out. Across the coarse axis of the old grid, or
    otherwise of the new one, the nearest slice is taken (as in nnU-Net), along the others the
    voxels are interpolated.

    Parameters
    ----------
    values : ndarray, shape [I, J, K]
        Voxels on `old`.
    old, new : Grid
        Of parallel axes in the same order.
    interpolation : {"linear", "cubic", "nearest", "vote"}

    Returns
    -------
    ndarray, shape ``new.shape``
        float32 if it was interpolated, otherwise of the dtype of `values`.
    """
    box = same_voxels(new.pull_from(old), new.shape)
    if box is not None:
        return values[slices(box)]
    i, j, k = new.shape
    halo_mm = _HALO_VOXELS * max(old.spacing_mm)
    near = box_on(old, ((0, i), (0, j), (0, k)), new, halo_mm)
    values, old = values[slices(near)], old.cropped(near)
    pull = new.pull_from(old)
    axis = coarse_axis(old.spacing_mm, new.spacing_mm)
    if axis is not None:
        places = np.arange(new.shape[axis]) * pull[axis, axis] + pull[axis, 3]
        # Of two that are equally near the later one, whichever way rounding goes.
        nearest = np.floor(places + 0.5 + SAME_GRID_VOXELS).astype(int)
        values = values.take(nearest.clip(0, values.shape[axis] - 1), axis)
        pull[axis] = np.eye(4)[axis]
    return resample_array(values, new.shape, pull, interpolation=interpolation)


def foreground_mask(values: AnyArray, above: float | None) -> Mask:
    """Return which voxels of a channel are foreground.

    Parameters
    ----------
    values : ndarray, shape [I, J, K]
    above : float or None
        They exceed this; None: see `medaug.foreground.foreground_of`.
    """
    return foreground_of(values) if above is None else np.asarray(values > above)


def clip_to_percentiles(
    values: FloatArray, mask: Mask, percentiles: tuple[float, float]
) -> tuple[float, float]:
    """Clip a channel, in place, to percentiles of its foreground.

    Returns
    -------
    pair of floats
        The bounds.
    """
    low, high = np.percentile(values[mask], percentiles, overwrite_input=True).tolist()
    np.clip(values, low, high, out=values)
    return low, high


def zscore(values: FloatArray, mask: Mask) -> tuple[float, float]:
    """Shift and scale a channel, in place, to mean 0 and s.d. 1 over its foreground, 0 elsewhere.

    Returns
    -------
    pair of floats
        The mean and the s.d. that it had.

    Raises
    ------
    ValueError
        If the foreground is empty or constant.
    """
    count = int(mask.sum())
    mean = _sum(values, mask, 0.0, 1) / max(count, 1)
    variance = _sum(values, mask, mean, 2) / max(count, 1)
    if not variance > 0:
        raise ValueError("the foreground is constant" if count else "there is no foreground")
    values -= np.float32(mean)
    values /= np.float32(np.sqrt(variance))
    values[~mask] = 0
    return mean, float(np.sqrt(variance))


def remap(label: AnyArray, mapping: Mapping[int, int], dtype: npt.DTypeLike) -> AnyArray:
    """Give label values new values.

    Parameters
    ----------
    label : ndarray of integers
    mapping : mapping of int to int
        New value of each old one; what is not named stays.
    dtype : dtype
        Of the result; holds all values that there are then.
    """
    new = label.astype(dtype)
    for old, value in mapping.items():
        if old != value:
            new[label == old] = value
    return new


def to_int16(values: FloatArray) -> AnyArray:
    """Round a channel to int16.

    Raises
    ------
    ValueError
        If a value does not fit in.
    """
    low, high = float(values.min()), float(values.max())
    bounds = np.iinfo(np.int16)
    if low < bounds.min or high > bounds.max:
        raise ValueError(f"the values go from {low:.6g} to {high:.6g}, beyond those of int16")
    return np.rint(values).astype(np.int16)


def _sum(values: FloatArray, mask: Mask, centre: float, power: int) -> float:
    """Sum over the foreground in float64, without a float64 copy of the volume."""
    total = 0.0
    for start in range(0, len(values), _SLAB):
        rows = slice(start, start + _SLAB)
        inside = values[rows][mask[rows]].astype(np.float64) - centre
        total += float((inside**power).sum())
    return total
