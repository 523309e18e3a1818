"""The cases of a benchmark on disk, for processes that would otherwise each hold a copy.

A folder has ``N-image.npy`` and ``N-label.npy`` for case N and, written last, ``cases.json`` with
all else: a folder that has it is complete. Whoever opens it maps the arrays into memory, so that
processes of one machine share them and read only what they use.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from medaug.benchmark.cases.case_set import Case, CaseSet
from medaug.errors import InputError
from medaug.io.files import dump_json, open_atomically, write_atomically
from medaug.typing import AnyArray

INDEX_FILE = "cases.json"

_ARRAYS = ("image", "label")


def write_shared_cases(case_set: CaseSet, folder: Path) -> None:
    """Write cases to a folder, unless it has these very cases already.

    Parameters
    ----------
    case_set : CaseSet
        The cases.
    folder : Path
        It is made if need be.
    """
    index = dump_json(_index(case_set)) + "\n"
    file = folder / INDEX_FILE
    if file.exists() and file.read_text(encoding="utf-8") == index:
        return
    folder.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    for number, case in enumerate(case_set.cases):
        for name in _ARRAYS:
            with open_atomically(_array_file(folder, number, name)) as target:
                np.save(target, getattr(case, name), allow_pickle=False)
    write_atomically(file, index)


def open_shared_cases(folder: Path) -> CaseSet:
    """Return the cases that `write_shared_cases` wrote, their arrays mapped into memory.

    Raises
    ------
    InputError
        If the folder has none, or not all.
    """
    try:
        index = json.loads((folder / INDEX_FILE).read_text(encoding="utf-8"))
        cases = tuple(_case(folder, number, facts) for number, facts in enumerate(index["cases"]))
        return CaseSet(
            index["name"],
            cases,
            tuple(index["classes"]),
            tuple(index["label_values"]),
            index["fingerprint"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder}: the cases that runs share cannot be read; continue the benchmark with "
            "--resume, which writes them again, and on other machines see to it that they have the "
            "folder under the same name."
        ) from error


def _index(case_set: CaseSet) -> dict[str, Any]:
    """Return everything but the voxels, for which the fingerprint stands."""
    cases = [
        {"name": case.name, "spacing_mm": case.spacing_mm, "patient": case.patient}
        for case in case_set.cases
    ]
    return {
        "name": case_set.name,
        "classes": case_set.classes,
        "label_values": case_set.label_values,
        "fingerprint": case_set.fingerprint,
        "cases": cases,
    }


def _case(folder: Path, number: int, facts: dict[str, Any]) -> Case:
    arrays = {name: _mapped(_array_file(folder, number, name)) for name in _ARRAYS}
    return Case(
        name=facts["name"],
        spacing_mm=tuple(facts["spacing_mm"]),
        patient=facts["patient"],
        **arrays,
    )


def _mapped(file: Path) -> AnyArray:
    # Copy on write: nobody writes, but torch complains of arrays that it could not write to.
    return np.asarray(np.load(file, mmap_mode="c", allow_pickle=False))


def _array_file(folder: Path, number: int, name: str) -> Path:
    return folder / f"{number}-{name}.npy"
