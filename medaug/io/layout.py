"""Find the cases of a data set folder: the Decathlon layout, or a pair of folders."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from medaug.errors import InputError
from medaug.io.volume import NIFTI_SUFFIXES
from medaug.typing import StrPath

_LAYOUTS = "dataset.json (Decathlon), or the folders images/ and labels/ with equal file names"


@dataclass(frozen=True)
class CaseFiles:
    """The two files of a case."""

    name: str
    image: Path
    label: Path


@dataclass(frozen=True)
class DatasetFiles:
    """The files of a data set, found but not yet read.

    Attributes
    ----------
    name : str
        What ``dataset.json`` calls the data set, otherwise the name of its folder.
    root : Path
        The folder.
    cases : tuple of CaseFiles
        In natural order of their names (``case_2`` before ``case_10``).
    labels : dict of int to str, or None
        Name of each label value, background (0) included. None if the layout does not list them.
    """

    name: str
    root: Path
    cases: tuple[CaseFiles, ...]
    labels: dict[int, str] | None


def find_dataset(root: StrPath) -> DatasetFiles:
    """List the cases of a data set folder without reading any voxels.

    Two layouts are known. Decathlon: ``dataset.json`` with a ``training`` list of image and label
    files and with ``labels``, as ``{"0": "background"}`` or, as nnU-Net has it,
    ``{"background": 0}``. Pair of folders: ``images/`` and ``labels/`` with equal file names.

    Parameters
    ----------
    root : path-like
        The data set folder.

    Returns
    -------
    DatasetFiles

    Raises
    ------
    InputError
        If the folder is missing, has neither layout or no cases, if ``dataset.json`` is malformed,
        if an image or a label lacks its partner, or if two cases have one name.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; give the folder of a data set.")
    if (root / "dataset.json").is_file():
        return _find_decathlon(root)
    if (root / "images").is_dir() and (root / "labels").is_dir():
        return _find_folder_pair(root)
    raise InputError(f"{root}: no known data set layout; the folder must hold {_LAYOUTS}.")


def case_name(path: StrPath) -> str:
    """Return the file name without its ``.nii`` or ``.nii.gz``."""
    name = Path(path).name
    for suffix in NIFTI_SUFFIXES:
        name = name.removesuffix(suffix)
    return name


class _Entry(BaseModel):
    image: str
    label: str


class _DatasetJson(BaseModel):
    name: str | None = None
    training: list[_Entry]
    labels: dict[str, int | str] = Field(min_length=2)


def _find_decathlon(root: Path) -> DatasetFiles:
    path = root / "dataset.json"
    listing = _read_dataset_json(path)
    cases = [
        CaseFiles(case_name(entry.image), root / entry.image, root / entry.label)
        for entry in listing.training
    ]
    for index, case in enumerate(cases):
        for key, file in (("image", case.image), ("label", case.label)):
            if not file.is_file():
                raise InputError(
                    f"{path}: key training.{index}.{key} lists {file}, which does not exist; "
                    "restore the file or remove the entry."
                )
    labels = _label_names(path, listing.labels)
    return DatasetFiles(listing.name or root.resolve().name, root, _in_order(path, cases), labels)


def _read_dataset_json(path: Path) -> _DatasetJson:
    remedy = (
        "correct the file (a Decathlon data set lists `training`, pairs of image and label, "
        "and `labels`)"
    )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot read ({error.strerror}); check the file.") from None
    except ValueError as error:
        raise InputError(f"{path}: not valid JSON ({error}); {remedy}.") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: no JSON object at the top level; {remedy}.")
    try:
        return _DatasetJson.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        # Below a label pydantic names the types it tried, which are not keys of the file.
        steps = first["loc"][: 2 if first["loc"][0] == "labels" else None]
        key = ".".join(map(str, steps))
        raise InputError(f"{path}: key {key}: {first['msg'].lower()}; {remedy}.") from None


def _label_names(path: Path, listed: dict[str, int | str]) -> dict[int, str]:
    """Return label value to name, whichever of the two is the key in ``dataset.json``."""
    pairs: list[tuple[int, str]] = []
    for key, value in listed.items():
        number, name = (value, key) if isinstance(value, int) else (key, value)
        if not str(number).isdecimal():
            raise InputError(
                f"{path}: key labels.{key}: a label needs a whole number from 0 up and a name, as "
                'in {"0": "background"} or {"background": 0}; correct the file.'
            )
        pairs.append((int(number), name))
    labels = dict(pairs)
    if 0 not in labels:
        raise InputError(f"{path}: key labels: 0 is missing; list it as the background.")
    for kind, entries in (("value", labels), ("name", set(labels.values()))):
        if len(entries) < len(pairs):
            raise InputError(f"{path}: key labels: a {kind} is listed twice; correct the file.")
    return dict(sorted(labels.items()))


def _find_folder_pair(root: Path) -> DatasetFiles:
    images, labels = _nifti_files(root / "images"), _nifti_files(root / "labels")
    _require_partners(images, labels, root / "labels", "label")
    _require_partners(labels, images, root / "images", "image")
    cases = [CaseFiles(name, image, labels[name]) for name, image in images.items()]
    return DatasetFiles(root.resolve().name, root, _in_order(root, cases), None)


def _nifti_files(folder: Path) -> dict[str, Path]:
    """Return case name to file. Hidden files, which some systems scatter about, are no cases."""
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.endswith(NIFTI_SUFFIXES) and not path.name.startswith("."):
            name = case_name(path)
            if name in files:
                raise InputError(
                    f"{path}: {files[name].name} beside it is of the same case; keep one of them."
                )
            files[name] = path
    return files


def _require_partners(
    files: dict[str, Path], partners: dict[str, Path], partner_folder: Path, partner: str
) -> None:
    alone = sorted(files.keys() - partners.keys(), key=_natural)
    if alone:
        others = f" (nor for {len(alone) - 1} more)" if len(alone) > 1 else ""
        raise InputError(
            f"{files[alone[0]]}: no {partner} of this name in {partner_folder}{others}; "
            f"add the {partner} or remove this file."
        )


def _in_order(source: Path, cases: list[CaseFiles]) -> tuple[CaseFiles, ...]:
    """Sort the cases by name and check that there are some and that no two share a name."""
    if not cases:
        raise InputError(f"{source}: there are no cases in it; add images and their labels.")
    ordered = sorted(cases, key=lambda case: _natural(case.name))
    for case, following in pairwise(ordered):
        if case.name == following.name:
            raise InputError(
                f"{source}: two cases are called {case.name} ({case.image} and "
                f"{following.image}); rename or remove one."
            )
    return tuple(ordered)


def _natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """Sort key that reads runs of digits as numbers; the name itself breaks ties (01, 1)."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], name
