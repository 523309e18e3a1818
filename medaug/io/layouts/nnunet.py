"""The raw layout of nnU-Net v2: ``imagesTr/CASE_0000.nii.gz`` and so on, a file a channel."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from medaug.errors import InputError
from medaug.io.cases import DatasetFiles
from medaug.io.layouts.dataset_json import (
    DATASET_JSON,
    ListedLabels,
    channel_names,
    label_names,
    listed_file,
    load_json,
    parse,
)
from medaug.io.layouts.listing import Listing, scans_in
from medaug.io.layouts.naming import SCAN_SUFFIXES, case_name
from medaug.io.layouts.rules import LayoutRules

_DESCRIBED = "an nnU-Net data set lists `channel_names`, `labels`, `numTraining` and `file_ending`"

_NUMBERED = re.compile(r"(?P<case>.+)_(?P<channel>\d{4})")


class _Entry(BaseModel):
    images: list[str] = Field(min_length=1)
    label: str


class _NnunetJson(BaseModel):
    name: str | None = None
    channel_names: dict[str, str] = Field(min_length=1)
    labels: ListedLabels = Field(min_length=1)
    file_ending: str
    numTraining: int | None = None  # noqa: N815 - the name of the key
    dataset: dict[str, _Entry] | None = None
    patients: dict[str, str] = {}


def is_nnunet(content: Mapping[str, Any]) -> bool:
    """Return whether ``dataset.json`` is nnU-Net's: only there the channels have names."""
    return "channel_names" in content


def find_nnunet(root: Path, rules: LayoutRules) -> DatasetFiles:
    """List the cases of an nnU-Net folder; those in ``imagesTs`` have no label.

    Training cases are those of the key ``dataset`` where there is one, otherwise those in
    ``imagesTr``. What medaug writes has a key more: ``patients``, whose scan a case is.

    Raises
    ------
    InputError
        If ``dataset.json`` is missing or malformed, or names a kind of file that medaug does not
        read.
    """
    path = root / DATASET_JSON
    content = parse(path, load_json(path), _NnunetJson, _DESCRIBED)
    if content.file_ending.lower() not in SCAN_SUFFIXES:
        raise InputError(
            f"{path}: key file_ending: {content.file_ending} files are not read; convert them to "
            f"one of {', '.join(SCAN_SUFFIXES)}."
        )
    labels = label_names(path, content.labels)
    channels = channel_names(path, "channel_names", content.channel_names)
    listing = Listing(root, rules)
    if content.dataset is None:
        found = _add_folder(listing, "Tr", content, channels)
    else:
        found = len(content.dataset)
        _add_listed(listing, path, content, channels)
    if content.numTraining is not None and content.numTraining != found:
        listing.report(
            path,
            f"key numTraining states {content.numTraining} cases, but there are {found}; check "
            "that none is missing.",
            severity="warning",
        )
    _add_folder(listing, "Ts", content, channels)
    return listing.finish("nnunet", name=content.name, labels=labels, channels=channels)


def _add_folder(
    listing: Listing, part: str, content: _NnunetJson, channels: tuple[str, ...]
) -> int:
    """Add the cases of ``imagesTr`` or ``imagesTs``; return how many there are."""
    ending = content.file_ending
    folder, label_folder = listing.root / f"images{part}", listing.root / f"labels{part}"
    cases: dict[str, dict[int, Path]] = defaultdict(dict)
    for file in _files(folder, ending):
        numbered = _NUMBERED.fullmatch(case_name(file))
        if numbered is None:
            listing.report(
                file,
                "no channel number in its name; call it CASE_0000, or CASE_0001 for a second "
                "channel.",
            )
        else:
            cases[numbered["case"]][int(numbered["channel"])] = file
    needs_label = part == "Tr"
    labels = {case_name(file): file for file in _files(label_folder, ending)} if needs_label else {}
    for name, files in cases.items():
        if sorted(files) != list(range(len(channels))):
            _report_channels(listing, name, files, channels)
            continue
        listing.add(
            name,
            [files[number] for number in range(len(channels))],
            labels.get(name),
            patient=content.patients.get(name),
            expected_label=str(label_folder / f"{name}{ending}") if needs_label else "",
        )
    listing.report_without_image(labels, cases, f"{folder}/{{case}}_0000{ending}")
    return len(cases)


def _files(folder: Path, ending: str) -> list[Path]:
    return [path for path in scans_in(folder) if path.name.endswith(ending)]


def _report_channels(
    listing: Listing, name: str, files: Mapping[int, Path], channels: tuple[str, ...]
) -> None:
    missing = [
        f"{name}_{number:04d} ({channels[number]})"
        for number in range(len(channels))
        if number not in files
    ]
    problem = f"missing {', '.join(missing)}" if missing else "more than dataset.json names"
    listing.report(
        files[min(files)],
        f"case {name} has {len(files)} channels, {problem}; give each case the {len(channels)} "
        "channels of the data set.",
        case=name,
    )


def _add_listed(
    listing: Listing, path: Path, content: _NnunetJson, channels: tuple[str, ...]
) -> None:
    """Add the cases of the key ``dataset``; its paths are relative to the folder."""
    for name, entry in (content.dataset or {}).items():
        images = [listed_file(listing.root, os.path.expandvars(each)) for each in entry.images]
        label = listed_file(listing.root, os.path.expandvars(entry.label))
        missing = [file for file in (*images, label) if not file.is_file()]
        for file in missing:
            listing.report(
                path,
                f"key dataset.{name} lists {file}, which does not exist; restore the file or "
                "remove the entry.",
                case=name,
            )
        if len(images) != len(channels):
            listing.report(
                path,
                f"key dataset.{name} lists {len(images)} images, but there are {len(channels)} "
                "channels; correct the file.",
                case=name,
            )
        elif not missing:
            listing.add(name, images, label, patient=content.patients.get(name))
