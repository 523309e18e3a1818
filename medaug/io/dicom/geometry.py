"""The grid of a stack of slices, and all that can be wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medaug.errors import InputError
from medaug.io.dicom.headers import SlicePlane
from medaug.typing import Matrix, StrPath

#: Direction cosines of one stack agree to this; headers round them to six digits or so.
SAME_DIRECTION = 1e-3

# Slices closer than this are at one place.
_SAME_PLACE_MM = 1e-3

# A gap is of missing slices if it is a whole multiple of the usual distance to within this part.
_WHOLE_MULTIPLE = 0.1

# How far a slice may lie from where an even grid puts it, as a part of the distance of the slices:
# up to the first nothing is said, up to the second there is a warning, and beyond it an error.
_EVEN, _NEARLY_EVEN = 0.01, 0.1

# Headers round positions to this or better, which must not pass for uneven distances.
_ROUNDING_MM = 0.01

# How far, in pixels, a stack may lean over its whole height before it is straightened, and how far
# a slice of a leaning stack may lie from the straight line.
_UPRIGHT_PIXELS, _STRAIGHT_PIXELS = 0.5, 1.0

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True)
class StackGeometry:
    """The grid of a stack.

    Attributes
    ----------
    planes : tuple of SlicePlane
        The slices in the order of their places along the normal (row direction x column direction).
    affine : ndarray, shape [4, 4]
        Column, row and slice index to world coordinates in mm (right, anterior, superior), with
        orthogonal axes.
    shifts : ndarray, shape [slices, 2]
        How far the first pixel of each slice lies from where the affine puts it: columns and rows,
        in pixels. All zero if the stack is upright.
    tilt_degrees : float
        Angle between the line of the slices and their normal; 0 if the stack is upright.
    unevenness_mm : float
        How far the worst slice lies from its place on the grid; 0 where rounding explains it.
    """

    planes: tuple[SlicePlane, ...]
    affine: Matrix
    shifts: Matrix
    tilt_degrees: float
    unevenness_mm: float


def sorted_along_normal(planes: Sequence[SlicePlane]) -> list[SlicePlane]:
    """Sort slices of one orientation by their places along its normal."""
    normal = normal_of(planes[0])
    return sorted(planes, key=lambda plane: float(np.dot(normal, plane.position_mm)))


def normal_of(plane: SlicePlane) -> Matrix:
    """Return the unit normal of a slice, in DICOM's patient coordinates."""
    row, column = _directions(plane)
    normal: Matrix = np.cross(row, column)
    return normal / np.linalg.norm(normal)


def stack_geometry(source: StrPath, planes: Sequence[SlicePlane]) -> StackGeometry:
    """Work out the grid of a stack of slices, in whatever order they come.

    The distance of the slices comes from their positions alone, never from their thickness, but for
    a single slice. Where distances differ by more than rounding, the mean is taken, as long as
    no slice is misplaced by more than a tenth of it.

    Parameters
    ----------
    source : path-like
        What messages name.
    planes : sequence of SlicePlane
        At least one.

    Raises
    ------
    InputError
        If the slices differ in size, pixel spacing or orientation, if one is missing or there
        twice, or if they lie too unevenly or on no straight line.
    """
    _require_alike(source, planes)
    ordered = sorted_along_normal(planes)
    positions = np.array([plane.position_mm for plane in ordered])
    depths = positions @ normal_of(ordered[0])
    spacing_mm, unevenness_mm = _slice_spacing(source, ordered, depths)
    shifts, tilt_degrees = _lean(source, ordered, positions, depths)
    origin = positions[0] - _in_plane_mm(ordered[0], shifts[0])
    return StackGeometry(
        tuple(ordered),
        _affine(ordered[0], origin, spacing_mm),
        shifts,
        tilt_degrees,
        unevenness_mm,
    )


def _directions(plane: SlicePlane) -> tuple[Matrix, Matrix]:
    """Return unit vectors along a row and along a column, exactly at right angles."""
    row, column = np.reshape(plane.orientation, (2, 3)).astype(np.float64)
    row = row / np.linalg.norm(row)
    column = column - row * np.dot(row, column)
    return row, column / np.linalg.norm(column)


def _in_plane_mm(plane: SlicePlane, pixels: Matrix) -> Matrix:
    """Return a shift by columns and rows as a vector in mm."""
    row, column = _directions(plane)
    row_spacing, column_spacing = plane.pixel_spacing_mm
    vector: Matrix = row * column_spacing * pixels[0] + column * row_spacing * pixels[1]
    return vector


def _affine(plane: SlicePlane, origin: Matrix, spacing_mm: float) -> Matrix:
    affine = np.eye(4)
    affine[:3, 0] = _in_plane_mm(plane, np.array([1.0, 0.0]))
    affine[:3, 1] = _in_plane_mm(plane, np.array([0.0, 1.0]))
    affine[:3, 2] = normal_of(plane) * spacing_mm
    affine[:3, 3] = origin
    ras: Matrix = _LPS_TO_RAS @ affine
    return ras


def _require_alike(source: StrPath, planes: Sequence[SlicePlane]) -> None:
    first = planes[0]
    numbers = [
        (*plane.position_mm, *plane.orientation, *plane.pixel_spacing_mm) for plane in planes
    ]
    flat = np.linalg.norm(np.cross(first.orientation[:3], first.orientation[3:])) < 0.5
    if flat or not np.isfinite(numbers).all() or min(first.pixel_spacing_mm) <= 0:
        raise InputError(
            f"{source}: position, orientation or pixel spacing in the headers make no sense; "
            "export the series again."
        )
    for plane in planes:
        if plane.size != first.size:
            what = f"{_size(first)} and {_size(plane)} pixels"
        elif not np.allclose(plane.pixel_spacing_mm, first.pixel_spacing_mm, rtol=1e-3):
            what = f"pixels of {first.pixel_spacing_mm} and {plane.pixel_spacing_mm} mm"
        elif not np.allclose(plane.orientation, first.orientation, rtol=0, atol=SAME_DIRECTION):
            what = "different orientations"
        else:
            continue
        raise InputError(
            f"{source}: the slices {first.file.name} and {plane.file.name} of one series have "
            f"{what}; keep the slices of one stack in it."
        )


def _size(plane: SlicePlane) -> str:
    return f"{plane.size[0]} x {plane.size[1]}"


def _slice_spacing(
    source: StrPath, planes: Sequence[SlicePlane], depths: Matrix
) -> tuple[float, float]:
    """Return the distance of the slices, and how far the worst lies off its place, both in mm."""
    if len(planes) == 1:
        return planes[0].depth_mm or 1.0, 0.0
    gaps = np.diff(depths)
    _require_single(source, planes, gaps)
    usual = float(np.median(gaps))
    _require_complete(source, planes, gaps / usual)
    even = np.linspace(depths[0], depths[-1], len(depths))
    spacing_mm = float(np.mean(gaps))
    off_mm = float(np.abs(depths - even).max())
    if off_mm > _NEARLY_EVEN * spacing_mm:
        raise InputError(
            f"{source}: the distance of the slices varies from {gaps.min():.3g} to "
            f"{gaps.max():.3g} mm, which no regular grid can hold; resample the series to even "
            "distances or leave it out."
        )
    return spacing_mm, off_mm if off_mm > max(_EVEN * spacing_mm, _ROUNDING_MM) else 0.0


def _require_single(source: StrPath, planes: Sequence[SlicePlane], gaps: Matrix) -> None:
    doubled = np.flatnonzero(gaps < _SAME_PLACE_MM)
    if len(doubled):
        first, second = planes[doubled[0]], planes[doubled[0] + 1]
        which = (
            f"frames {first.frame + 1} and {second.frame + 1} are"
            if first.file == second.file
            else f"{first.file.name} and {second.file.name} are"
        )
        others = f" (and {len(doubled) - 1} more)" if len(doubled) > 1 else ""
        raise InputError(
            f"{source}: a slice is there twice: {which} at the same place{others}; keep one of "
            "them, or put repeated scans into series of their own."
        )


def _require_complete(source: StrPath, planes: Sequence[SlicePlane], steps: Matrix) -> None:
    missing = np.rint(steps).astype(int) - 1
    jumps = np.flatnonzero((missing > 0) & (np.abs(steps - missing - 1) < _WHOLE_MULTIPLE))
    if len(jumps):
        below, above = planes[jumps[0]], planes[jumps[0] + 1]
        count = int(missing[jumps].sum())
        verb = "slice is" if count == 1 else "slices are"
        raise InputError(
            f"{source}: {count} {verb} missing, the first after {below.file.name} (before "
            f"{above.file.name}); export the whole series again or leave it out."
        )


def _lean(
    source: StrPath, planes: Sequence[SlicePlane], positions: Matrix, depths: Matrix
) -> tuple[Matrix, float]:
    """Return how far each slice is shifted from an upright stack, in pixels, and the tilt."""
    row, column = _directions(planes[0])
    row_spacing, column_spacing = planes[0].pixel_spacing_mm
    offsets = positions - positions[0]
    drift_mm = np.stack([offsets @ row, offsets @ column], axis=1)
    shifts = drift_mm / (column_spacing, row_spacing)
    if np.abs(np.ptp(shifts, axis=0)).max() < _UPRIGHT_PIXELS:
        return np.zeros_like(shifts), 0.0
    along = (depths - depths[0])[:, np.newaxis]
    slopes = (along * drift_mm).sum(axis=0) / (along**2).sum()
    if np.abs(shifts - along * slopes / (column_spacing, row_spacing)).max() > _STRAIGHT_PIXELS:
        raise InputError(
            f"{source}: the slices do not lie on a straight line; keep the slices of one stack in "
            "it, or leave it out."
        )
    shifts = shifts - shifts.min(axis=0)
    return shifts, float(np.degrees(np.arctan(np.linalg.norm(slopes))))
