"""List the DICOM objects below a folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from medaug.errors import InputError
from medaug.io.dicom.detect import is_dicom
from medaug.io.dicom.files import walk_files
from medaug.io.dicom.headers import Header, read_header
from medaug.io.dicom.stacks import Series, group_by_series, split_into_stacks
from medaug.io.itk import ITK_SUFFIXES
from medaug.io.problems import Problem
from medaug.io.volume import NIFTI_SUFFIXES
from medaug.typing import StrPath


@dataclass(frozen=True)
class Listing:
    """What DICOM there is below a folder.

    Attributes
    ----------
    series : tuple of Series
        The images, by patient, date, study, number and part.
    segmentations : tuple of Header
        The DICOM SEG files.
    others : tuple of Path
        The files that are not DICOM.
    problems : tuple of Problem
        Damaged files, links that were not followed, series that were split, other objects.
    """

    series: tuple[Series, ...]
    segmentations: tuple[Header, ...]
    others: tuple[Path, ...]
    problems: tuple[Problem, ...]


def list_dicom(root: StrPath, *, follow_links: bool = False) -> Listing:
    """List the image series and the segmentations below a folder by their headers.

    A series whose slices have several orientations, as localizers do, is split by them. Where
    several slices lie at one place, it is split by acquisition, time, echo, b-value or image type,
    whichever leaves every place with one slice.

    Parameters
    ----------
    root : path-like
    follow_links : bool, default: False
        Take files that symbolic links bring in from outside of the folder.

    Returns
    -------
    Listing
    """
    root = Path(root)
    files, outside = walk_files(root, follow_links=follow_links)
    problems = [
        Problem(
            "error",
            link,
            f"{link}: leads out of the data set's folder, to {link.resolve()}; put the files "
            "themselves there, or set `follow_links: true` under `layout` in the configuration.",
        )
        for link in outside
    ]
    headers: list[Header] = []
    others: list[Path] = []
    for file in files:
        if not os.access(file, os.R_OK):
            message = f"{file}: cannot be read; check its permissions, or where the link leads."
            problems.append(Problem("error", file, message))
            continue
        if not is_dicom(file):
            others.append(file)
            continue
        try:
            headers.append(read_header(file))
        except InputError as error:
            problems.append(Problem("error", file, str(error)))
    problems += _empty_among(headers, others)
    segmentations = tuple(header for header in headers if header.is_segmentation)
    series: list[Series] = []
    for group in group_by_series(headers):
        stacks = split_into_stacks(group)
        series += stacks
        problems += _said_of(group, stacks)
    return Listing(tuple(sorted(series, key=_order)), segmentations, tuple(others), tuple(problems))


def _empty_among(headers: Sequence[Header], others: Sequence[Path]) -> list[Problem]:
    """Return the empty files beside slices: a lost slice at an end leaves no gap to notice."""
    folders = {header.file.parent for header in headers}
    return [
        Problem(
            "error",
            file,
            f"{file}: the file is empty; if it was a slice, export the series again, otherwise "
            "remove it.",
        )
        for file in others
        if file.parent in folders
        and not file.name.lower().endswith((*NIFTI_SUFFIXES, *ITK_SUFFIXES))
        and not file.stat().st_size
    ]


def _order(series: Series) -> tuple[object, ...]:
    return (series.patient, series.study_date, series.study, series.number, series.uid, series.part)


def _said_of(headers: list[Header], stacks: Sequence[Series]) -> list[Problem]:
    """Return notes on what of a group is no stack, and on a group that was split."""
    problems: list[Problem] = []
    others = [header for header in headers if not header.planes]
    if others:
        first = others[0]
        more = f" (and {len(others) - 1} more of its series)" if len(others) > 1 else ""
        # Among slices it may be one of them, cut short within its header.
        beside = "; if it is a damaged slice, export the series again" if stacks else ""
        problems.append(
            Problem(
                "warning" if stacks else "note",
                first.file,
                f"{first.file}: the DICOM object ({first.modality or 'no modality'} "
                f"{first.description!r}) is not an image with a place in the patient{more}; it is "
                f"left out{beside}.",
            )
        )
    if len(stacks) > 1:
        listed = "; ".join(map(str, stacks))
        problems.append(
            Problem(
                "note",
                stacks[0].path,
                f"{stacks[0].path}: one series holds {len(stacks)} stacks of slices, which are "
                f"taken apart: {listed}.",
            )
        )
    return problems
