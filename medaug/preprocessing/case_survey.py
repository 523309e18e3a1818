"""What is in the files of one case, and what is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from medaug.errors import InputError
from medaug.io.cases import CaseFiles, ScanFiles
from medaug.io.checksums import sha256_of
from medaug.io.orientation import orientation_of
from medaug.io.problems import Problem
from medaug.io.scan import read_image, read_label
from medaug.io.volume import Remark, Volume
from medaug.preprocessing.channel_survey import ChannelSurvey, survey_channel
from medaug.preprocessing.config import Geometry
from medaug.typing import AnyArray

#: Draws a case while it is in memory: image, label or None, and its survey to a PNG.
Draw: TypeAlias = Callable[[Volume, "Volume | None", "CaseSurvey"], bytes]


@dataclass(frozen=True)
class CaseSurvey:
    """What is in the files of a case.

    Attributes
    ----------
    name, patient : str
    shape : tuple of 3 ints
        Voxels along the array axes.
    spacing_mm : tuple of 3 floats
        Along the array axes.
    affine : 4 x 4 floats
        Voxel coordinates to world coordinates in mm.
    orientation : str
        Where the array axes run to, such as ``RAS``.
    dtype : str
        The smallest that holds all channels exactly.
    channels : tuple of ChannelSurvey
    label_voxels : dict of int to int, or None
        Number of voxels of each value in the label, background (0) included, on the grid of the
        image. None if there is no label, or none that can be used.
    sha256 : dict of str to str
        Of each file of the image and then of the label, by its path below the folder of the data
        set.
    bytes : int
        Size of these files together.
    """

    name: str
    patient: str
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    affine: tuple[tuple[float, ...], ...]
    orientation: str
    dtype: str
    channels: tuple[ChannelSurvey, ...]
    label_voxels: dict[int, int] | None
    sha256: dict[str, str]
    bytes: int

    @property
    def label_values(self) -> tuple[int, ...]:
        """The values in the label, in order; none without one."""
        return tuple(self.label_voxels or ())

    def to_json(self) -> dict[str, Any]:
        """Return what JSON can hold, but for NaN."""
        return asdict(self)


@dataclass(frozen=True)
class SurveyJob:
    """What a worker needs to know to survey a case.

    Attributes
    ----------
    case : CaseFiles
    root : Path
        Folder of the data set.
    geometry : {"sform", "qform"} or None
        Which affine of a NIfTI header to believe where they disagree; None refuses such files.
    draw : callable or None
        Defined at the top of a module.
    """

    case: CaseFiles
    root: Path
    geometry: Geometry | None = None
    draw: Draw | None = None


@dataclass(frozen=True)
class Surveyed:
    """What was found in a case.

    Attributes
    ----------
    survey : CaseSurvey or None
        None if the image cannot be read.
    problems : tuple of Problem
        What is wrong with it.
    picture : bytes or None
        What ``draw`` has returned.
    """

    survey: CaseSurvey | None
    problems: tuple[Problem, ...]
    picture: bytes | None = None


def survey_case(job: SurveyJob) -> Surveyed:
    """Read a case and look at it; what is wrong with its files becomes problems.

    Memory stays below about three times that of the image and the label.
    """
    case = job.case
    try:
        image = read_image(case, geometry=job.geometry)
    except InputError as error:
        return Surveyed(None, (_problem(case, case.images, Remark("error", str(error))),))
    problems = [_problem(case, case.images, remark) for remark in image.remarks]
    label = None
    if case.label is not None:
        try:
            label = read_label(case, image, geometry=job.geometry)
        except InputError as error:
            problems.append(_problem(case, (case.label,), Remark("error", str(error))))
        else:
            problems += [_problem(case, (case.label,), remark) for remark in label.remarks]
    try:
        checksums, size = _files(job)
    except OSError as error:
        # Reading the label has told that already where it is the label's file.
        if not any(problem.severity == "error" for problem in problems):
            line = f"{error.filename}: cannot be read ({error.strerror}); check the file."
            problems.append(_problem(case, case.images, Remark("error", line)))
        return Surveyed(None, tuple(problems))
    survey = _survey(case, image, label, checksums, size)
    problems += _voxel_problems(case, survey)
    picture = None if job.draw is None else job.draw(image, label, survey)
    return Surveyed(survey, tuple(problems), picture)


def _survey(
    case: CaseFiles, image: Volume, label: Volume | None, checksums: dict[str, str], size: int
) -> CaseSurvey:
    i, j, k = image.data.shape[1:]
    return CaseSurvey(
        name=case.name,
        patient=case.patient,
        shape=(i, j, k),
        spacing_mm=image.spacing_mm,
        affine=tuple(map(tuple, image.affine.tolist())),
        orientation=orientation_of(image.affine),
        dtype=image.data.dtype.name,
        channels=tuple(map(survey_channel, image.data)),
        label_voxels=None if label is None else count_labels(label.data),
        sha256=checksums,
        bytes=size,
    )


def count_labels(label: AnyArray) -> dict[int, int]:
    """Return the number of voxels of each value that occurs.

    Parameters
    ----------
    label : ndarray of integers from 0 up
    """
    # Slab by slab: to sort or to bin a whole label would take many times its memory.
    counts: dict[int, int] = {}
    for plane in label.reshape(-1, *label.shape[-2:]):
        values, voxels = np.unique(plane, return_counts=True)
        for value, count in zip(values.tolist(), voxels.tolist(), strict=True):
            counts[int(value)] = counts.get(int(value), 0) + count
    return dict(sorted(counts.items()))


def _files(job: SurveyJob) -> tuple[dict[str, str], int]:
    label = () if job.case.label is None else (job.case.label,)
    files = [file for scan in (*job.case.images, *label) for file in scan.files]
    checksums = {
        Path(os.path.relpath(file, job.root)).as_posix(): sha256_of(file) for file in files
    }
    return checksums, sum(file.stat().st_size for file in files)


def _voxel_problems(case: CaseFiles, survey: CaseSurvey) -> Iterator[Problem]:
    for number, channel in enumerate(survey.channels):
        file = case.images[number if number < len(case.images) else 0].path
        where = (
            f"{file}: "
            if len(case.images) == len(survey.channels)
            else (f"{file}: channel {number}: ")
        )
        if channel.not_finite:
            line = f"{channel.not_finite} voxels are NaN or infinite; export the scan again."
            yield Problem("error", file, where + line, case.name)
        elif channel.minimum == channel.maximum:
            line = f"all voxels are {channel.minimum:g}; export the scan again or remove the case."
            yield Problem("error", file, where + line, case.name)
    if case.label is not None and survey.label_values == (0,):
        path = case.label.path
        line = f"{path}: no voxel is labelled; if something is there to see, label it."
        yield Problem("warning", path, line, case.name)


def _problem(case: CaseFiles, scans: Sequence[ScanFiles], remark: Remark) -> Problem:
    """Return a remark as a problem of that one of the scans which it names."""
    named = (scan.path for scan in scans if remark.text.startswith(str(scan.path)))
    return Problem(remark.severity, next(named, scans[0].path), remark.text, case.name)
