"""Sort the slices of DICOM series into stacks that can be volumes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medaug.io.cases import ScanFiles
from medaug.io.dicom.geometry import SAME_DIRECTION, normal_of, sorted_along_normal
from medaug.io.dicom.headers import Header

# Images of one place are told apart by this only if each part has this many slices.
_LEAST_SLICES = 2


@dataclass(frozen=True)
class Series:
    """The files of a stack of slices: a series, or a part of one that holds several stacks.

    Attributes
    ----------
    path : Path
        The folder that holds its files, or the file of a multi-frame image.
    files : tuple of Path
        In the order of their places along the normal of the slices.
    uid, study, frame_of_reference : str
        Unique identifiers of the series, of its study and of its coordinate system.
    patient : str
        The patient's ID, possibly empty.
    study_date : str
        As YYYYMMDD, or empty.
    modality, description : str
    number : int
        Of the series; 0 if it has none.
    slices : int
        How many slices there are, which are more than files in a multi-frame image.
    is_localizer : bool
    part : str
        Which part of a series that was split, such as ``orientation 1 of 3``; otherwise empty.
    """

    path: Path
    files: tuple[Path, ...]
    uid: str
    study: str
    frame_of_reference: str
    patient: str
    study_date: str
    modality: str
    description: str
    number: int
    slices: int
    is_localizer: bool = False
    part: str = ""

    @property
    def scan(self) -> ScanFiles:
        """What `read_series` reads."""
        return ScanFiles(self.path, self.files)

    def __str__(self) -> str:
        """Say in a few words which series this is."""
        part = f", {self.part}" if self.part else ""
        noun = "slice" if self.slices == 1 else "slices"
        return (
            f"{self.modality or 'no modality'} {self.description!r} "
            f"(series {self.number}{part}, {self.slices} {noun})"
        )


def group_by_series(headers: Iterable[Header]) -> list[list[Header]]:
    """Group all but segmentations by series; each multi-frame file is a group of its own."""
    groups: dict[tuple[str, Path | None], list[Header]] = {}
    for header in headers:
        if not header.is_segmentation:
            alone = header.file if len(header.planes) > 1 else None
            groups.setdefault((header.series, alone), []).append(header)
    return list(groups.values())


def split_into_stacks(headers: list[Header]) -> list[Series]:
    """Split a group of headers into stacks, each of one orientation and with one slice a place.

    Headers without planes are left out. Slices that share a place are told apart by acquisition,
    time, echo, b-value or image type, whichever leaves each place with one slice; if none does,
    they stay together, and reading them fails.

    Parameters
    ----------
    headers : list of Header
        A group of `group_by_series`.

    Returns
    -------
    list of Series
    """
    placed = [header for header in headers if header.planes]
    if not placed:
        return []
    if len(placed[0].planes) > 1:
        return [_series(placed, "")]
    stacks: list[Series] = []
    orientations = _by_orientation(placed)
    for index, group in enumerate(orientations, start=1):
        turn = f"orientation {index} of {len(orientations)}" if len(orientations) > 1 else ""
        moments = _by_moment(group)
        for number, part in enumerate(moments, start=1):
            moment = f"acquisition {number} of {len(moments)}" if len(moments) > 1 else ""
            stacks.append(_series(part, ", ".join(filter(None, (turn, moment)))))
    return stacks


def _by_orientation(headers: list[Header]) -> list[list[Header]]:
    groups: list[list[Header]] = []
    for header in headers:
        orientation = header.planes[0].orientation
        for group in groups:
            first = group[0].planes[0].orientation
            if np.allclose(orientation, first, rtol=0, atol=SAME_DIRECTION):
                group.append(header)
                break
        else:
            groups.append([header])
    return groups


def _by_moment(headers: list[Header]) -> list[list[Header]]:
    """Split images of the same places by the first attribute that leaves one image a place."""
    if _all_at_own_places(headers):
        return [headers]
    for which in range(len(headers[0].planes[0].moments)):
        parts: dict[str, list[Header]] = {}
        for header in headers:
            parts.setdefault(header.planes[0].moments[which], []).append(header)
        complete = all(len(part) >= _LEAST_SLICES for part in parts.values())
        if complete and all(map(_all_at_own_places, parts.values())):
            return list(parts.values())
    return [headers]


def _all_at_own_places(headers: list[Header]) -> bool:
    normal = normal_of(headers[0].planes[0])
    # Hundredths of a mm: coarser than the rounding of headers, finer than any slice.
    places = {round(float(normal @ header.planes[0].position_mm) * 100) for header in headers}
    return len(places) == len(headers)


def _series(headers: list[Header], part: str) -> Series:
    first = headers[0]
    planes = [plane for header in headers for plane in header.planes]
    files = tuple(dict.fromkeys(plane.file for plane in sorted_along_normal(planes)))
    folder = Path(os.path.commonpath([file.parent for file in files]))
    return Series(
        path=files[0] if len(planes) > len(files) else folder,
        files=files,
        uid=first.series,
        study=first.study,
        frame_of_reference=first.frame_of_reference,
        patient=first.patient,
        study_date=first.study_date,
        modality=first.modality,
        description=first.description,
        number=first.number,
        slices=len(planes),
        is_localizer=any(header.is_localizer for header in headers),
        part=part,
    )
