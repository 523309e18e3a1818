"""Names of cases: from file names, in the order that people expect."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from medaug.errors import InputError
from medaug.io.itk import ITK_SUFFIXES
from medaug.io.layouts.rules import LayoutRules
from medaug.io.volume import NIFTI_SUFFIXES
from medaug.typing import StrPath

#: File name endings of the scans that medaug reads from single files, DICOM aside.
SCAN_SUFFIXES = (*NIFTI_SUFFIXES, *ITK_SUFFIXES)


def is_scan_name(path: StrPath) -> bool:
    """Return whether a visible file's ending, in either case, is that of a scan."""
    name = Path(path).name
    return name.lower().endswith(SCAN_SUFFIXES) and not name.startswith(".")


def case_name(path: StrPath) -> str:
    """Return the file name without the ending of a scan.

    Letters with accents come out composed, so that names agree which were typed on different
    systems.
    """
    name = unicodedata.normalize("NFC", Path(path).name)
    for suffix in SCAN_SUFFIXES:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name


def natural_key(name: str) -> tuple[list[tuple[int, str]], str]:
    """Sort key that reads runs of digits as numbers; the name itself breaks ties (01, 1)."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], name


def patient_of(case: str, rules: LayoutRules, default: str | None = None) -> str:
    """Return whose scan a case is.

    Parameters
    ----------
    case : str
        Its name.
    rules : LayoutRules
        Whose ``patient`` is searched for in the name, if given.
    default : str or None, default: None
        What the layout says; None: the name of the case.

    Raises
    ------
    InputError
        If the rule is no regular expression.
    """
    if rules.patient is None:
        return default or case
    try:
        found = re.search(rules.patient, case)
    except re.error as error:
        raise InputError(
            f"layout.patient: {rules.patient!r} is not a regular expression ({error}); correct it."
        ) from None
    if found is None:
        return default or case
    return next((group for group in found.groups() if group), found.group())
