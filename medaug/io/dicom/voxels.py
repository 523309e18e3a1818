"""The voxels of a stack of slices: rescaled slice by slice, and straightened if the stack leans."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import ndimage

from medaug.errors import InputError
from medaug.io.dicom.decode import stored_frames
from medaug.io.dicom.geometry import StackGeometry
from medaug.io.dicom.headers import SlicePlane
from medaug.typing import AnyArray

_INT32 = np.iinfo(np.int32)


def read_voxels(geometry: StackGeometry) -> AnyArray:
    """Read the slices of a stack.

    Parameters
    ----------
    geometry : StackGeometry

    Returns
    -------
    ndarray, shape [1, I, J, K]
        Columns, rows, slices. int16, or int32 where a value needs it, if every slope and every
        intercept is a whole number; otherwise float32.

    Raises
    ------
    InputError
        If a file cannot be decoded.
    """
    stack = _read_stack(geometry.planes)
    if geometry.shifts.any():
        stack = _straightened(stack, geometry.shifts[:, ::-1])
    return np.ascontiguousarray(stack.transpose(2, 1, 0)[np.newaxis], _narrowest(stack))


def _read_stack(planes: tuple[SlicePlane, ...]) -> AnyArray:
    """Return the rescaled slices, [slices, rows, columns], in int32 or float32."""
    whole = all(_stays_whole(plane) for plane in planes)
    stack = np.empty((len(planes), *planes[0].size), np.int32 if whole else np.float32)
    places: dict[Path, list[int]] = {}
    for place, plane in enumerate(planes):
        places.setdefault(plane.file, []).append(place)
    for file, of_file in places.items():
        frames = stored_frames(file)
        for place in of_file:
            plane = planes[place]
            if plane.frame >= len(frames):
                raise InputError(
                    f"{file}: the header lists more frames than the {len(frames)} there are; "
                    "copy or export the file again."
                )
            stack[place] = _rescaled(frames[plane.frame], plane, whole=whole)
    return stack


def _stays_whole(plane: SlicePlane) -> bool:
    """Return whether all rescaled values are whole numbers that fit int32."""
    ends = [plane.slope * end + plane.intercept for end in plane.stored_range]
    whole = plane.slope.is_integer() and plane.intercept.is_integer()
    return whole and _INT32.min <= min(ends) and max(ends) <= _INT32.max


def _rescaled(stored: AnyArray, plane: SlicePlane, *, whole: bool) -> AnyArray:
    if whole:
        return stored.astype(np.int32) * np.int32(plane.slope) + np.int32(plane.intercept)
    return stored.astype(np.float64) * plane.slope + plane.intercept


def _straightened(stack: AnyArray, shifts: AnyArray) -> AnyArray:
    """Move each slice by its shift in rows and columns, linearly, onto a grid that holds them all.

    What no slice covers gets the lowest value of the stack.
    """
    size = np.array(stack.shape[1:]) + np.ceil(np.ptp(shifts, axis=0)).astype(int)
    upright = np.empty((len(stack), *size), stack.dtype)
    lowest = float(stack.min())
    for place, shift in enumerate(shifts):
        moved = ndimage.affine_transform(
            stack[place].astype(np.float64),
            np.ones(2),
            offset=-shift,
            output_shape=tuple(size),
            order=1,
            mode="constant",
            cval=lowest,
        )
        upright[place] = np.rint(moved) if stack.dtype == np.int32 else moved
    return upright


def _narrowest(stack: AnyArray) -> type[np.int16 | np.int32 | np.float32]:
    if stack.dtype != np.int32:
        return np.float32
    int16 = np.iinfo(np.int16)
    return np.int16 if int16.min <= stack.min() and stack.max() <= int16.max else np.int32
