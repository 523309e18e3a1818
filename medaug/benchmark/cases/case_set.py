"""The cases of a benchmark: every scan read, checked and normalised before any training."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from medaug.errors import InputError
from medaug.foreground import zscore_foreground
from medaug.io.cases import CaseFiles, DatasetFiles
from medaug.io.layouts import find_dataset
from medaug.io.scan import read_image, read_label
from medaug.typing import AnyArray, FloatArray, StrPath

# The class index is stored in uint8.
_MAX_CLASSES = 255

_PROBLEMS_SHOWN = 3


@dataclass(frozen=True)
class Case:
    """One scan and its label, ready for training.

    Attributes
    ----------
    name : str
        Unique within the case set.
    image : ndarray, shape [C, I, J, K], float32
        Voxels, z-scored over the foreground of each channel.
    label : ndarray, shape [1, I, J, K], uint8
        Class index: 0 background, ``i + 1`` the class ``classes[i]`` of the case set.
    spacing_mm : tuple of 3 floats
        Distance between voxel centres along I, J and K.
    patient : str
        Whose scan it is.
    """

    name: str
    image: FloatArray
    label: AnyArray
    spacing_mm: tuple[float, float, float]
    patient: str


@dataclass(frozen=True)
class CaseSet:
    """All cases of a benchmark.

    Attributes
    ----------
    name : str
        Name of the data set.
    cases : tuple of Case
        With equal numbers of channels.
    classes : tuple of str
        Names of the foreground classes, in the order of their label values.
    label_values : tuple of int
        What stands for the classes in the label files.
    fingerprint : str
        SHA-256 of all that determines the data, see `fingerprint_of`.
    """

    name: str
    cases: tuple[Case, ...]
    classes: tuple[str, ...]
    label_values: tuple[int, ...]
    fingerprint: str


def fingerprint_of(cases: tuple[Case, ...], classes: tuple[str, ...]) -> str:
    """Return the SHA-256, in hex, of names, patients, spacings, shapes and voxels.

    The place of the files and the name of the data set do not count: a moved folder is the same
    data.
    """
    digest = hashlib.sha256(json.dumps(classes).encode())
    for case in cases:
        facts = [case.name, case.patient, case.spacing_mm, case.image.shape, case.label.shape]
        digest.update(json.dumps(facts).encode())
        digest.update(case.image.astype("<f4", copy=False).tobytes())
        digest.update(case.label.tobytes())
    return digest.hexdigest()


def load_case_set(root: StrPath, *, on_case: Callable[[str], None] | None = None) -> CaseSet:
    """Read and check all cases of a data set folder.

    Label values, in ascending order, become the class indices 1 to n. Where the layout does not
    list them, they are the non-zero values found over all cases, called ``"label 1"`` and so on.

    Parameters
    ----------
    root : path-like
        A folder in one of the layouts of `medaug.io.layouts`. Cases of a test set, which have no
        labels, are left out.
    on_case : callable, optional
        Called with the name of each case once it is read.

    Returns
    -------
    CaseSet

    Warns
    -----
    UserWarning
        For what was noticed while a case was read, such as a label on another grid than its image.

    Raises
    ------
    InputError
        If the folder or any case cannot be used. All cases are checked; the message lists the
        first few at fault and how many more there are.
    """
    dataset = _labelled(find_dataset(root))
    scans, problems = _read_all(dataset, on_case)
    problems = problems or _channel_problems(scans)
    if problems:
        raise InputError(_summary(problems, len(dataset.cases)))
    names = _class_names(dataset, scans)
    cases = tuple(_case(scan, names) for scan in scans)
    classes = tuple(names.values())
    fingerprint = fingerprint_of(cases, classes)
    return CaseSet(dataset.name, cases, classes, tuple(names), fingerprint)


@dataclass(frozen=True)
class _Scan:
    """A case that passed its checks, its label still in the values of the file."""

    files: CaseFiles
    image: FloatArray
    label: AnyArray
    label_values: frozenset[int]
    spacing_mm: tuple[float, float, float]


def _labelled(dataset: DatasetFiles) -> DatasetFiles:
    cases = tuple(case for case in dataset.cases if case.label is not None)
    if not cases:
        raise InputError(
            f"{dataset.root}: no case has a label; a benchmark needs labels, add them."
        )
    return replace(dataset, cases=cases)


def _read_all(
    dataset: DatasetFiles, on_case: Callable[[str], None] | None
) -> tuple[list[_Scan], list[str]]:
    """Return the good cases, and a message for each case at fault."""
    scans: list[_Scan] = []
    problems: list[str] = []
    for files in dataset.cases:
        try:
            scans.append(_read_scan(files, dataset.labels))
        except InputError as error:
            problems.append(str(error))
        if on_case is not None:
            on_case(files.name)
    return scans, problems


def _summary(problems: list[str], cases: int) -> str:
    if len(problems) == 1:
        return problems[0]
    shown = problems[:_PROBLEMS_SHOWN]
    if len(problems) > len(shown):
        shown.append(f"and {len(problems) - len(shown)} more.")
    return "\n  ".join([f"{len(problems)} of {cases} cases cannot be used:", *shown])


def _read_scan(files: CaseFiles, listed: dict[int, str] | None) -> _Scan:
    image = read_image(files)
    label = read_label(files, image)
    path = files.images[0].path
    values = _label_values(files, label.data, listed)
    bad_voxels = image.data.size - int(np.isfinite(image.data).sum())
    if bad_voxels:
        raise InputError(
            f"{path}: {bad_voxels} voxels are NaN or infinite; replace them, for instance by 0, or "
            "remove the case."
        )
    try:
        normalised = zscore_foreground(image.data)
    except ValueError as error:
        raise InputError(
            f"{path}: {error}, so there is nothing to learn from; export the scan again or remove "
            "the case."
        ) from None
    for remark in (*image.remarks, *label.remarks):
        if remark.severity != "note":
            warnings.warn(remark.text, stacklevel=2)
    return _Scan(files, normalised, label.data, values, image.spacing_mm)


def _label_values(
    files: CaseFiles, label: AnyArray, listed: dict[int, str] | None
) -> frozenset[int]:
    """Return the values in a label once they are known to be listed."""
    assert files.label is not None  # only such cases are read
    found = frozenset(map(int, np.unique(label)))
    unlisted = sorted(found - listed.keys()) if listed is not None else []
    if unlisted:
        raise InputError(
            f"{files.label.path}: label value {_some(unlisted)} is not listed in dataset.json; "
            "list it under `labels` or correct the label."
        )
    return found


def _some(values: list[int]) -> str:
    return ", ".join(map(str, values[:3])) + (", ..." if len(values) > 3 else "")


def _channel_problems(scans: list[_Scan]) -> list[str]:
    """Return a message for each case whose channels are not as many as most cases have."""
    ((usual, _),) = Counter(len(scan.image) for scan in scans).most_common(1)
    return [
        f"{scan.files.images[0].path}: the number of channels, {len(scan.image)}, differs from the "
        f"{usual} of other cases; give all cases the same channels."
        for scan in scans
        if len(scan.image) != usual
    ]


def _class_names(dataset: DatasetFiles, scans: list[_Scan]) -> dict[int, str]:
    """Return label value to class name for the foreground, in ascending order of the values."""
    if dataset.labels is not None:
        names = {value: name for value, name in sorted(dataset.labels.items()) if value != 0}
    else:
        found = frozenset[int]().union(*(scan.label_values for scan in scans))
        names = {value: f"label {value}" for value in sorted(found - {0})}
    if not 1 <= len(names) <= _MAX_CLASSES:
        raise InputError(
            f"{dataset.root}: the labels have {len(names)} foreground values, but a benchmark "
            f"takes 1 to {_MAX_CLASSES}; check that the label files are segmentations."
        )
    return names


def _case(scan: _Scan, class_names: dict[int, str]) -> Case:
    index_of_value = np.searchsorted([0, *class_names], scan.label)
    return Case(
        scan.files.name,
        scan.image,
        index_of_value.astype(np.uint8),
        scan.spacing_mm,
        scan.files.patient,
    )
