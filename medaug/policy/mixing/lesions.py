"""Lesions as shapes: which there are, and how far from their surface a voxel is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from medaug.typing import AnyArray

Voxel = list[int]


@dataclass(frozen=True)
class Surroundings:
    """The signed distance from the surface of a lesion, in the box about it.

    Parameters
    ----------
    start : array of int [3]
        The first voxel of the box, in the grid of the donor.
    distance_mm : array [A, B, C]
        From voxel centre to the nearest one on the other side: negative inside, never 0.
    """

    start: AnyArray
    distance_mm: AnyArray

    @property
    def box(self) -> tuple[slice, ...]:
        """The box in the grid of the donor."""
        stops = self.start + self.distance_mm.shape
        return tuple(slice(a, b) for a, b in zip(self.start, stops, strict=True))


def lesion_mask(label: AnyArray, values: Sequence[int]) -> AnyArray:
    """Return where ``label`` [1, I, J, K] has one of ``values``, or where it is not 0 if none."""
    found = np.isin(label[0], values) if values else label[0] != 0
    return np.asarray(found, np.bool_)


def find_lesions(
    lesions: AnyArray, voxel_mm3: float, min_volume_mm3: float, whole_only: bool
) -> list[Voxel]:
    """Return the first voxel, in array order, of each lesion.

    Voxels that touch, be it at a corner, belong to one lesion.

    Parameters
    ----------
    lesions : array of bool [I, J, K]
    voxel_mm3 : float
    min_volume_mm3 : float
        Smaller ones do not count.
    whole_only : bool
        Nor do those that the border of the field of view may have cut off.
    """
    numbers, count = ndimage.label(lesions, np.ones((3, 3, 3)))
    if not count:
        return []
    flat = numbers.ravel()
    volumes = np.bincount(flat, minlength=count + 1)[1:] * voxel_mm3
    cut_off = _at_border(numbers) if whole_only else set()
    present, first = np.unique(flat, return_index=True)
    return [
        [int(i) for i in np.unravel_index(index, lesions.shape)]
        for number, index in zip(present, first, strict=True)
        if number and volumes[number - 1] >= min_volume_mm3 and number not in cut_off
    ]


def lesion_at(lesions: AnyArray, voxel: Sequence[int] | None) -> AnyArray:
    """Return the lesion that ``voxel`` belongs to, as bool [I, J, K]; all of them for ``None``."""
    if voxel is None:
        return lesions
    numbers, _ = ndimage.label(lesions, np.ones((3, 3, 3)))
    return np.asarray(numbers == numbers[tuple(voxel)])


def depth_mm(lesion: AnyArray, spacing_mm: AnyArray) -> float:
    """Return how far the innermost voxel is from the outside, beyond the field of view included."""
    return float(_distance_inside(lesion[_box_of(lesion)], spacing_mm).max())


def surroundings_of(lesion: AnyArray, spacing_mm: AnyArray, reach_mm: float) -> Surroundings:
    """Return the signed distances up to ``reach_mm`` outside of ``lesion``."""
    tight = _box_of(lesion)
    pads = np.ceil(reach_mm / np.asarray(spacing_mm)).astype(int)
    wide = tuple(
        slice(max(own.start - int(pad), 0), min(own.stop + int(pad), n))
        for own, pad, n in zip(tight, pads, lesion.shape, strict=True)
    )
    inside = lesion[wide]
    if inside.all():
        distance = np.zeros(inside.shape)
    else:
        distance = ndimage.distance_transform_edt(~inside, sampling=spacing_mm)
    distance[inside] = -_distance_inside(lesion[tight], spacing_mm)[lesion[tight]]
    return Surroundings(np.array([own.start for own in wide]), distance)


def _distance_inside(tight: AnyArray, spacing_mm: AnyArray) -> AnyArray:
    """Return the distance to the outside; an axis of one voxel leads nowhere."""
    wide = [n > 1 for n in tight.shape]
    pads = [(1, 1) if is_wide or not any(wide) else (0, 0) for is_wide in wide]
    distance = ndimage.distance_transform_edt(np.pad(tight, pads), sampling=spacing_mm)
    inner = tuple(slice(a, n + a) for (a, _), n in zip(pads, tight.shape, strict=True))
    return np.asarray(distance[inner])


def _box_of(mask: AnyArray) -> tuple[slice, ...]:
    box: tuple[slice, ...] = ndimage.find_objects(mask.astype(np.uint8))[0]
    return box


def _at_border(numbers: AnyArray) -> set[int]:
    """Return which components have voxels on a face; an axis of one voxel has none."""
    faces = [
        numbers.take(end, axis).ravel()
        for axis, n in enumerate(numbers.shape)
        if n > 1
        for end in (0, -1)
    ]
    return {int(number) for face in faces for number in np.unique(face)}
