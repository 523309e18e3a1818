"""The layout of BraTS: a folder a case, in it a file a modality that is named after the folder."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from medaug.io.cases import DatasetFiles
from medaug.io.layouts.listing import Listing, scans_in, visible_folders
from medaug.io.layouts.naming import case_name
from medaug.io.layouts.rules import LayoutRules

#: What the label is called among the modalities.
LABEL = "seg"

# Since 2021 a case is a patient and a point in time: BraTS-GLI-00003-001.
_PATIENT_AND_TIME = re.compile(r"(?P<patient>BraTS-[A-Z]+-\d+)-\d{3}")

_Files = Mapping[str, list[Path]]


def is_brats(root: Path) -> bool:
    """Return whether any folder has a scan, other than a label, that is named after it."""
    return any(files.keys() - {LABEL} for _, files in _case_folders(root))


def find_brats(root: Path, rules: LayoutRules) -> DatasetFiles:
    """List the cases of a BraTS folder, which may be sorted into subfolders such as ``HGG``.

    ``FOLDER_MODALITY`` and ``FOLDER-MODALITY`` are the images, in the order of the names of their
    modalities, and ``FOLDER_seg`` the label. The channels of the set are the modalities of most
    cases.
    """
    listing = Listing(root, rules)
    folders = list(_case_folders(root))
    counts = Counter(name for _, files in folders for name in files.keys() - {LABEL})
    modalities = sorted(name for name, count in counts.items() if 2 * count > len(folders))
    for folder, files in folders:
        _add(listing, folder, files, modalities)
    return listing.finish("brats", channels=modalities)


def _case_folders(root: Path) -> Iterator[tuple[Path, _Files]]:
    """Yield the folders of cases, one or two levels down, and their files by modality."""
    for folder in visible_folders(root):
        files = _by_modality(folder)
        if files:
            yield folder, files
            continue
        for subfolder in visible_folders(folder):
            files = _by_modality(subfolder)
            if files:
                yield subfolder, files


def _by_modality(folder: Path) -> _Files:
    files: dict[str, list[Path]] = defaultdict(list)
    start = case_name(folder)
    for path in scans_in(folder):
        name = case_name(path)
        if name.startswith((f"{start}_", f"{start}-")):
            files[name[len(start) + 1 :]].append(path)
    return files


def _add(listing: Listing, folder: Path, files: _Files, modalities: list[str]) -> None:
    name = case_name(folder)
    missing = [f"no {name}_{modality}" for modality in modalities if modality not in files]
    if missing:
        listing.report(
            folder,
            f"{' and '.join(missing)} in it; give each case the modalities of the others "
            f"({', '.join(modalities)}).",
            case=name,
        )
        return
    for modality in files.keys() - {*modalities, LABEL}:
        listing.report(
            files[modality][0],
            f"most cases have no {modality}, so that it is left out; add it to them or remove it.",
            case=name,
            severity="warning",
        )
    chosen = {
        modality: listing.one_each({name: files[modality]})[name]
        for modality in (*modalities, LABEL)
        if modality in files
    }
    patient = _PATIENT_AND_TIME.fullmatch(name)
    listing.add(
        name,
        [chosen[modality] for modality in modalities],
        chosen.get(LABEL),
        patient=patient["patient"] if patient else None,
        expected_label=f"{folder / name}_{LABEL}.*",
    )
