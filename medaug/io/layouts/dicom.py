"""The layout of a folder of DICOM series, of one patient or of many."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from medaug.errors import InputError
from medaug.io.cases import CaseFiles, DatasetFiles, ScanFiles
from medaug.io.dicom.listing import Listing, list_dicom
from medaug.io.dicom.masks import LABEL_FOLDER, MaskFinder
from medaug.io.dicom.stacks import Series
from medaug.io.layouts.naming import natural_key, patient_of
from medaug.io.layouts.rules import DicomRules, LayoutRules
from medaug.io.problems import Problem, Severity

# A volume has at least this many slices.
_LEAST_SLICES = 2


@dataclass(frozen=True)
class _Scan:
    """A series that was chosen as the image of a case."""

    patient: str
    series: Series


def find_dicom(root: Path, rules: LayoutRules) -> DatasetFiles:
    """List the cases of a folder of DICOM files, whatever their names and folders.

    A case is a study, or a patient if ``rules.dicom.group`` says so. Its image is the series that
    fits modality and description; localizers and single slices never do. Of several that fit,
    ``rules.dicom.pick`` chooses.

    A case is named by the patient's ID, followed by the date of the study and then by the number of
    the series where that is needed to tell cases apart. Without an ID the first folder below the
    root stands for the patient. Names of patients are not read.

    Its label is ``labels/NAME.nii.gz`` (or ``.nii``, ``.mha``, ``.nrrd``) below the root, or else
    a DICOM SEG that was drawn on the series, or else one in its frame of reference, or else
    such a file that is alone in the folder of the series or of the patient: see
    `medaug.io.dicom.masks.MaskFinder`.

    Parameters
    ----------
    root : Path
    rules : LayoutRules

    Returns
    -------
    DatasetFiles
        A case without a label is listed, with a problem; one that several masks fit is not.
        ``labels`` are the names of the segments if all labels are DICOM SEG and agree in them.

    Raises
    ------
    InputError
        If the rule for the description is not a regular expression.
    """
    listing = list_dicom(root, follow_links=rules.follow_links)
    scans, problems = _choose_all(_groups(root, listing.series, rules.dicom), rules.dicom)
    cases, of_labels = _with_labels(root, listing, scans, rules)
    names, of_names = _label_names(listing, cases)
    problems = [
        *listing.problems,
        *problems,
        *of_labels,
        *of_names,
        *_repeated_patients(root, cases),
    ]
    return DatasetFiles(
        name=root.resolve().name,
        root=root,
        layout="dicom",
        cases=tuple(cases),
        labels=names,
        problems=tuple(problems),
    )


def _groups(
    root: Path, series: Iterable[Series], rules: DicomRules
) -> list[tuple[str, list[Series]]]:
    """Return each patient, or each patient's study, with its series."""
    groups: dict[tuple[str, str], list[Series]] = {}
    for item in series:
        patient = item.patient or _first_folder(root, item)
        study = item.study if rules.group == "study" else ""
        groups.setdefault((patient, study), []).append(item)
    return [(patient, group) for (patient, _), group in groups.items()]


def _first_folder(root: Path, series: Series) -> str:
    parts = series.files[0].relative_to(root).parts
    return parts[0] if len(parts) > 1 else root.resolve().name


def _choose_all(
    groups: Sequence[tuple[str, list[Series]]], rules: DicomRules
) -> tuple[list[_Scan], list[Problem]]:
    """Return the series that are images of cases, and what is wrong with the choice."""
    scans: list[_Scan] = []
    problems: list[Problem] = []
    fitting = [[series for series in group if _fits(series, rules)] for _, group in groups]
    # Beside studies that fit, others are no surprise; if none fits, the rules are wrong.
    severity: Severity = "warning" if any(fitting) else "error"
    for (patient, group), candidates in zip(groups, fitting, strict=True):
        name = _file_name(patient)
        folder = Path(os.path.commonpath([series.path for series in candidates or group]))
        listed = "; ".join(map(str, candidates or group))
        if not candidates:
            message = (
                f"{folder}: none of the series of patient {patient} fits ({listed}); set `layout: "
                "dicom: modality:` or `description:`, or leave the folder out."
            )
            problems.append(Problem(severity, folder, message, name))
        elif len(candidates) > 1 and rules.pick == "only":
            message = (
                f"{folder}: {len(candidates)} series of patient {patient} fit ({listed}); say "
                "which by `layout: dicom: description: ...`, or choose by `pick: most_slices`, "
                "`first` or `all`."
            )
            problems.append(Problem("error", folder, message, name))
        else:
            scans += [_Scan(patient, series) for series in _picked(candidates, rules)]
    return scans, problems


def _picked(candidates: list[Series], rules: DicomRules) -> list[Series]:
    if rules.pick == "all":
        return candidates
    if rules.pick == "most_slices":
        return [max(candidates, key=lambda series: series.slices)]
    return candidates[:1]


def _fits(series: Series, rules: DicomRules) -> bool:
    if series.is_localizer or series.slices < _LEAST_SLICES:
        return False
    if rules.modality is not None and series.modality.upper() != rules.modality.upper():
        return False
    if rules.description is None:
        return True
    try:
        return bool(re.search(rules.description, series.description, re.IGNORECASE))
    except re.error as error:
        raise InputError(
            f"layout: dicom: description: {rules.description!r} is not a regular expression "
            f"({error}); correct it."
        ) from None


def _names(scans: Sequence[_Scan]) -> list[str]:
    """Name each scan by its patient, and by as much more as it takes to tell them apart."""
    parts = [
        [scan.patient, scan.series.study_date, str(scan.series.number or "")] for scan in scans
    ]
    names = [_file_name(part[0]) for part in parts]
    for length in (2, 3):
        counts = Counter(names)
        names = [
            _file_name("_".join(filter(None, part[:length]))) if counts[name] > 1 else name
            for name, part in zip(names, parts, strict=True)
        ]
    return _numbered(names)


def _numbered(names: list[str]) -> list[str]:
    """Add ``_2`` and so on to names that are there already."""
    unique: list[str] = []
    for name in names:
        number, candidate = 1, name
        while candidate in unique or (number > 1 and candidate in names):
            number += 1
            candidate = f"{name}_{number}"
        unique.append(candidate)
    return unique


def _file_name(text: str) -> str:
    """Return `text` with all but letters, digits, dots and hyphens replaced by underscores."""
    composed = unicodedata.normalize("NFC", text)
    return re.sub(r"[^\w.-]+", "_", composed).strip("._-") or "case"


def _with_labels(
    root: Path, listing: Listing, scans: Sequence[_Scan], rules: LayoutRules
) -> tuple[list[CaseFiles], list[Problem]]:
    finder = MaskFinder(root, listing, tuple(scan.series for scan in scans))
    cases: list[CaseFiles] = []
    problems: list[Problem] = []
    names = _names(scans)
    found = [finder.find(name, scan.series) for name, scan in zip(names, scans, strict=True)]
    for name, scan, masks in zip(names, scans, found, strict=True):
        if len(masks) != 1:
            problems.append(_no_label(name, scan.series, masks))
        if len(masks) < 2:
            label = ScanFiles(masks[0]) if masks else None
            patient = patient_of(name, rules, scan.patient)
            cases.append(CaseFiles(name, (scan.series.scan,), label, patient))
    for path in finder.unclaimed({mask for masks in found for mask in masks}):
        message = f"{path}: a mask that belongs to no case; name it after a case or remove it."
        problems.append(Problem("warning", path, message))
    cases.sort(key=lambda case: natural_key(case.name))
    return cases, problems


def _no_label(name: str, series: Series, masks: Sequence[Path]) -> Problem:
    if masks:
        listed = ", ".join(path.name for path in masks)
        message = (
            f"{series.path}: {len(masks)} masks fit case {name} ({listed}); keep one, or put it at "
            f"{LABEL_FOLDER}/{name}.nii.gz below the data set's folder."
        )
        return Problem("error", series.path, message, name)
    message = (
        f"{series.path}: case {name} has no label; put its mask at {LABEL_FOLDER}/{name}.nii.gz "
        "below the data set's folder, or a DICOM SEG or one NIfTI file beside the series."
    )
    return Problem("error", series.path, message, name, "no_label")


def _repeated_patients(root: Path, cases: Sequence[CaseFiles]) -> list[Problem]:
    scans: dict[str, list[str]] = {}
    for case in cases:
        scans.setdefault(case.patient, []).append(case.name)
    return [
        Problem(
            "note",
            root,
            f"{root}: {len(names)} scans are of patient {patient} ({', '.join(names)}); keep them "
            "in one fold.",
        )
        for patient, names in scans.items()
        if len(names) > 1
    ]


def _label_names(
    listing: Listing, cases: Sequence[CaseFiles]
) -> tuple[dict[int, str] | None, list[Problem]]:
    """Return the names of the segments, if all labels are DICOM SEG and agree in them."""
    segments = {header.file: header.segments for header in listing.segmentations}
    names = {0: "background"}
    labels = [case.label.path for case in cases if case.label]
    for path in labels:
        for number, name in segments.get(path, {}).items():
            if names.setdefault(number, name) != name:
                message = (
                    f"{path}: segment {number} is called {name!r}, but {names[number]!r} in "
                    "another segmentation; give one structure one number in all files."
                )
                return None, [Problem("warning", path, message)]
    known = bool(labels) and all(path in segments for path in labels)
    return (dict(sorted(names.items())) if known else None), []
