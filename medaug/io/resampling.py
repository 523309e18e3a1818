"""Resampling of whole scans from one grid of voxels to another, by SimpleITK.

A volume reaches half a voxel beyond its outermost voxel centres. Up to there the outermost voxels
are continued; beyond, there is nothing, and the result is what the caller says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
import SimpleITK as sitk  # noqa: N813 - as its own documentation does

from medaug.io.volume import Volume
from medaug.typing import AnyArray, Matrix

#: How image voxels are interpolated; ``cubic`` is the spline through the voxels.
Interpolation: TypeAlias = Literal["linear", "cubic", "nearest"]

# Each label is interpolated as a mask of its own, and the largest wins.
_Vote: TypeAlias = Literal["vote"]

_INTERPOLATORS = {
    "linear": sitk.sitkLinear,
    "cubic": sitk.sitkBSplineResampler,
    "nearest": sitk.sitkNearestNeighbor,
    "vote": sitk.sitkLabelLinear,
}

# SimpleITK has no images of these.
_SUBSTITUTES = {np.dtype(np.bool_): np.uint8, np.dtype(np.float16): np.float32}


def resample_image(
    volume: Volume,
    shape: Sequence[int],
    affine: Matrix,
    *,
    interpolation: Interpolation,
    outside: float = 0.0,
) -> Volume:
    """Bring an image to another grid.

    Parameters
    ----------
    volume : Volume
        Finite voxels of any real dtype.
    shape : sequence of 3 int
        Voxels of the new grid along I, J and K.
    affine : ndarray, shape [4, 4]
        Of the new grid: voxel coordinates to world coordinates in mm.
    interpolation : {"linear", "cubic", "nearest"}
    outside : float, default: 0
        Value of voxels whose centre is outside of the field of view of the volume.

    Returns
    -------
    Volume
        float32; with ``nearest``, the dtype of the volume (uint8 for bool, float32 for float16).
    """
    pull = np.linalg.inv(volume.affine) @ affine
    dtype = _stored_dtype(volume.data) if interpolation == "nearest" else np.dtype(np.float32)
    data = np.empty((len(volume.data), *shape), dtype)
    for channel, values in zip(data, volume.data, strict=True):
        channel[...] = resample_array(
            values, shape, pull, interpolation=interpolation, outside=outside
        )
    return Volume(data, np.array(affine, np.float64))


def resample_label(volume: Volume, shape: Sequence[int], affine: Matrix) -> Volume:
    """Bring a label map to another grid by a linear vote.

    Each label is interpolated as a mask of its own and the largest wins, so that no label appears
    that was not there. Outside of the field of view it is 0.

    Parameters
    ----------
    volume : Volume
        Label values of an integer dtype.
    shape : sequence of 3 int
        Voxels of the new grid along I, J and K.
    affine : ndarray, shape [4, 4]
        Of the new grid: voxel coordinates to world coordinates in mm.

    Returns
    -------
    Volume
        With the dtype of the volume.

    Raises
    ------
    ValueError
        If the voxels are not integers.
    """
    if volume.data.dtype.kind not in "iub":
        raise ValueError(f"a label map holds integers, not {volume.data.dtype}")
    pull = np.linalg.inv(volume.affine) @ affine
    data = np.empty((len(volume.data), *shape), volume.data.dtype)
    for channel, values in zip(data, volume.data, strict=True):
        channel[...] = resample_array(values, shape, pull, interpolation="vote")
    return Volume(data, np.array(affine, np.float64))


def resample_array(
    values: AnyArray,
    shape: Sequence[int],
    pull: Matrix,
    *,
    interpolation: Interpolation | _Vote,
    outside: float = 0.0,
) -> AnyArray:
    """Bring one channel, or a label map, to another grid.

    Parameters
    ----------
    values : ndarray, shape [I, J, K]
        Finite voxels of any real dtype; with ``vote``, label values of an integer dtype.
    shape : sequence of 3 int
        Voxels of the new grid.
    pull : ndarray, shape [4, 4]
        Voxel coordinates of the new grid to those of `values`.
    interpolation : {"linear", "cubic", "nearest", "vote"}
    outside : float, default: 0
        Value of voxels whose centre is outside of the field of view of `values`.

    Returns
    -------
    ndarray, shape `shape`
        float32; with ``nearest`` and ``vote``, the dtype of `values` (uint8 for bool, float32 for
        float16).
    """
    image = sitk.GetImageFromArray(_storable(values))
    kept = interpolation in ("nearest", "vote")
    pixel = image.GetPixelID() if kept else sitk.sitkFloat32
    if interpolation == "cubic":
        image = _spline_coefficients(image)
    result = _execute(
        image,
        shape,
        pull,
        interpolator=_INTERPOLATORS[interpolation],
        pixel=pixel,
        outside=outside,
    )
    del image  # before the result is copied
    resampled: AnyArray = sitk.GetArrayFromImage(result)
    return resampled


def _stored_dtype(values: AnyArray) -> np.dtype[np.generic]:
    return np.dtype(_SUBSTITUTES.get(values.dtype, values.dtype))


def _storable(values: AnyArray) -> AnyArray:
    return values.astype(_stored_dtype(values), copy=False)


def _spline_coefficients(image: sitk.Image) -> sitk.Image:
    """Return the coefficients in float32, half the size of those that sitkBSpline would make."""
    decompose = sitk.BSplineDecompositionImageFilter()
    decompose.SetSplineOrder(3)
    decompose.SetNumberOfThreads(1)
    decompose.SetNumberOfWorkUnits(1)
    return decompose.Execute(sitk.Cast(image, sitk.sitkFloat32))


def _execute(
    image: sitk.Image,
    shape: Sequence[int],
    pull: Matrix,
    *,
    interpolator: int,
    pixel: int,
    outside: float,
) -> sitk.Image:
    """Resample in voxel coordinates, so that sheared grids are no special case.

    SimpleITK counts the axes of an array from the last one, hence the flips. One thread: scans are
    shared out to processes.
    """
    resample = sitk.ResampleImageFilter()
    resample.SetSize([int(length) for length in reversed(shape)])
    matrix = pull[:3, :3][::-1, ::-1]
    resample.SetTransform(sitk.AffineTransform(matrix.ravel().tolist(), pull[:3, 3][::-1].tolist()))
    resample.SetInterpolator(interpolator)
    resample.SetOutputPixelType(pixel)
    resample.SetDefaultPixelValue(outside)
    resample.SetNumberOfThreads(1)
    resample.SetNumberOfWorkUnits(1)
    return resample.Execute(image)
