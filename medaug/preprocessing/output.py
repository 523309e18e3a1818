"""The files of a preprocessed data set: names, records, and what lists them.

The layout is that of nnU-Net's raw data, and ``dataset.json`` lists the cases as the Decathlon's
does, so that both kinds of tools read it.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, ValidationError

from medaug.errors import InputError
from medaug.io.checksums import sha256_of
from medaug.io.files import dump_json, write_atomically
from medaug.io.problems import SEVERITIES, Problem
from medaug.preprocessing.plan import Plan

Format: TypeAlias = Literal["nifti", "cache"]

FORMATS: tuple[Format, ...] = ("nifti", "cache")

PLAN, PROBLEMS, MANIFEST, DATASET = "plan.json", "problems.csv", "manifest.csv", "dataset.json"

_RECORDS, _CACHE = "records", "cache"
_NIFTI_FOLDERS = ("imagesTr", "imagesTs", "labelsTr")
_ENDING = ".nii.gz"


class GridFacts(BaseModel):
    """Where the voxels of a scan are.

    Attributes
    ----------
    shape : tuple of 3 int
    spacing_mm : tuple of 3 floats
    orientation : str
    affine : 4 x 4 floats
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    orientation: str
    affine: tuple[tuple[float, ...], ...]


class CaseRecord(BaseModel):
    """What was done to a case; its file says that the case is done.

    Attributes
    ----------
    case, patient : str
    labelled : bool
    inputs : dict of str to str
        SHA-256 of each file that was read.
    steps : tuple of str
        What was done, in words.
    original, written : GridFacts
    crop : Box or None
        What was kept of the grid of the new spacing.
    outputs : dict of str to str
        SHA-256 of each file that was written, by its name below the output folder.
    seconds : float
        That it took.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    case: str
    patient: str
    labelled: bool
    inputs: dict[str, str]
    steps: tuple[str, ...]
    original: GridFacts
    written: GridFacts
    crop: tuple[tuple[int, int], tuple[int, int], tuple[int, int]] | None
    outputs: dict[str, str]
    seconds: float


def image_file(case: str, channel: int, *, labelled: bool) -> str:
    """Return the name of the file of a channel below the output folder."""
    return f"{'imagesTr' if labelled else 'imagesTs'}/{case}_{channel:04d}{_ENDING}"


def label_file(case: str) -> str:
    """Return the name of the file of a label map below the output folder."""
    return f"labelsTr/{case}{_ENDING}"


def cache_files(case: str) -> tuple[str, ...]:
    """Return the names of the files of a cached case, those that there may be."""
    names = ("case.json", "image.npy", "label.npy", "places.npy")
    return tuple(f"{_CACHE}/{case}/{name}" for name in names)


def make_folders(out: Path, formats: Sequence[Format]) -> None:
    """Make the folders that cases are written to."""
    names = (_RECORDS, *(_NIFTI_FOLDERS if "nifti" in formats else ()))
    for name in names:
        (out / name).mkdir(parents=True, exist_ok=True)


def remove_case(out: Path, case: str, channels: int) -> None:
    """Remove what there is of a case, whose record would not be true any more or was never made."""
    _record_path(out, case).unlink(missing_ok=True)
    images = [
        image_file(case, number, labelled=labelled)
        for number in range(channels)
        for labelled in (True, False)
    ]
    for name in (*images, label_file(case), *cache_files(case)):
        (out / name).unlink(missing_ok=True)


def write_record(out: Path, record: CaseRecord) -> None:
    """Write that a case is done."""
    _write(_record_path(out, record.case), dump_json(record.model_dump()) + "\n")


def intact_record(
    out: Path, case: str, inputs: Mapping[str, str], formats: Sequence[Format]
) -> CaseRecord | None:
    """Return the record of a case that was made of these inputs and whose files are all intact.

    Parameters
    ----------
    out : Path
    case : str
    inputs : mapping of str to str
        SHA-256 of each of its files now.
    formats : sequence of {"nifti", "cache"}
        That are wanted.

    Returns
    -------
    CaseRecord or None
        None if the case has to be done (again).
    """
    try:
        record = CaseRecord.model_validate_json(_record_path(out, case).read_bytes())
        intact = all(sha256_of(out / name) == sha for name, sha in record.outputs.items())
    except (OSError, ValidationError):
        return None
    written = {"cache" if name.startswith(f"{_CACHE}/") else "nifti" for name in record.outputs}
    return record if intact and record.inputs == inputs and written == set(formats) else None


def write_plan(out: Path, content: Mapping[str, Any]) -> None:
    """Write ``plan.json``."""
    _write(out / PLAN, dump_json(content) + "\n")


def write_problems(out: Path, problems: Sequence[Problem]) -> None:
    """Write ``problems.csv``, the worst first."""
    ordered = sorted(problems, key=lambda problem: SEVERITIES.index(problem.severity))
    rows = [[each.severity, each.case, str(each.file), each.message] for each in ordered]
    _write_table(out / PROBLEMS, ["severity", "case", "file", "message"], rows)


def write_manifest(out: Path, records: Sequence[CaseRecord], plan: Plan) -> None:
    """Write ``manifest.csv``, a row a case."""
    rows = [_manifest_row(record, plan) for record in records]
    columns = list(rows[0]) if rows else []
    _write_table(out / MANIFEST, columns, [list(row.values()) for row in rows])


def write_dataset_json(
    out: Path,
    name: str,
    channels: Sequence[str],
    labels: Mapping[int, str],
    *,
    training: Sequence[str],
    test: Sequence[str] = (),
    patients: Mapping[str, str],
) -> None:
    """Write ``dataset.json``, which nnU-Net and readers of the Decathlon layout understand.

    Parameters
    ----------
    out : Path
    name : str
        Of the data set.
    channels : sequence of str
        Names.
    labels : mapping of int to str
        Name of each label value.
    training, test : sequence of str
        Names of the cases with and without a label.
    patients : mapping of str to str
        Whose scan each case is.
    """

    def images(case: str, *, labelled: bool) -> list[str]:
        return [image_file(case, number, labelled=labelled) for number in range(len(channels))]

    content = {
        "name": name,
        "channel_names": {str(number): channel for number, channel in enumerate(channels)},
        "labels": {labels[value]: value for value in sorted(labels)},
        "numTraining": len(training),
        "numTest": len(test),
        "file_ending": _ENDING,
        "training": [
            {"image": images(case, labelled=True), "label": label_file(case)} for case in training
        ],
        "test": [{"image": images(case, labelled=False)} for case in test],
        "patients": dict(sorted(patients.items())),
    }
    _write(out / DATASET, dump_json(content) + "\n")


def _record_path(out: Path, case: str) -> Path:
    return out / _RECORDS / f"{case}.json"


def _manifest_row(record: CaseRecord, plan: Plan) -> dict[str, Any]:
    old, new = record.original, record.written
    return {
        "case": record.case,
        "patient": record.patient,
        "steps": "; ".join(record.steps),
        "original_shape": _numbers(old.shape),
        "original_spacing_mm": _numbers(old.spacing_mm),
        "original_orientation": old.orientation,
        "original_affine": _rows(old.affine),
        "shape": _numbers(new.shape),
        "spacing_mm": _numbers(new.spacing_mm),
        "orientation": new.orientation,
        "affine": _rows(new.affine),
        "crop": "" if record.crop is None else " ".join(f"{a}:{b}" for a, b in record.crop),
        "label_map": " ".join(f"{a}>{b}" for a, b in plan.label_map.items() if record.labelled),
        "input_sha256": _sums(record.inputs),
        "output_sha256": _sums(record.outputs),
        "seconds": record.seconds,
    }


def _numbers(values: Sequence[float]) -> str:
    return " ".join(f"{value:.9g}" for value in values)


def _rows(affine: Sequence[Sequence[float]]) -> str:
    return "; ".join(map(_numbers, affine[:3]))


def _sums(files: Mapping[str, str]) -> str:
    return "; ".join(f"{name}: {sha}" for name, sha in files.items())


def _write_table(path: Path, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    _write(path, text.getvalue())


def _write(path: Path, content: str) -> None:
    try:
        write_atomically(path, content)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise InputError(
            f"{path}: cannot write ({reason}); check the folder and the free space."
        ) from None
