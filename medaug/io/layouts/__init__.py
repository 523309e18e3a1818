"""Find the cases of a data set folder, whatever its layout, without reading any voxels.

| layout | recognised by |
| --- | --- |
| ``pattern`` | patterns in the rules |
| ``nnunet`` | ``dataset.json`` with ``channel_names`` |
| ``decathlon`` | any other ``dataset.json`` |
| ``folders`` | a folder ``images``, with ``labels`` beside it |
| ``brats`` | folders with scans that are named after their folder |
| ``dicom`` | a DICOM file anywhere below the folder |

The first that fits is taken, unless the rules name one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from medaug.errors import InputError
from medaug.io.cases import DatasetFiles
from medaug.io.dicom.detect import is_dicom, require_dicom
from medaug.io.layouts.brats import find_brats, is_brats
from medaug.io.layouts.dataset_json import DATASET_JSON, load_json
from medaug.io.layouts.decathlon import find_decathlon
from medaug.io.layouts.folders import find_folders, is_folders
from medaug.io.layouts.listing import visible_folders, walk_visible
from medaug.io.layouts.nnunet import find_nnunet, is_nnunet
from medaug.io.layouts.pattern import find_pattern
from medaug.io.layouts.rules import Layout, LayoutRules
from medaug.typing import StrPath


def _find_dicom(root: Path, rules: LayoutRules) -> DatasetFiles:
    require_dicom(root)
    from medaug.io.layouts.dicom import find_dicom  # noqa: PLC0415  # reads with an extra's packages

    return find_dicom(root, rules)


_FINDERS: dict[Layout, Callable[[Path, LayoutRules], DatasetFiles]] = {
    "decathlon": find_decathlon,
    "nnunet": find_nnunet,
    "brats": find_brats,
    "folders": find_folders,
    "pattern": find_pattern,
    "dicom": _find_dicom,
}

_KNOWN = (
    "dataset.json (Decathlon or nnU-Net), the folders images/ and labels/ with equal file names, a "
    "folder a case with a file a modality (BraTS), or DICOM series; or describe it by `layout:` in "
    "the configuration"
)


def survey_dataset(root: StrPath, rules: LayoutRules | None = None) -> DatasetFiles:
    """List the cases of a data set folder and what is wrong with its files.

    Every file of the cases that are listed exists and may be used. A case with a fault is a problem
    of severity ``error`` and is left out, with one exception: an image whose label is missing is
    listed without one, and its problem has the kind ``no_label``, so that a caller who can do
    without labels may pass over it. A case without a label and without a problem, such as those of
    a test set, was never meant to have one.

    Files that symbolic links bring in from outside of the folder are such a fault unless the rules
    allow them. Hidden files and folders are passed over. Patients with several scans are problems
    of severity ``note``.

    Parameters
    ----------
    root : path-like
        The data set folder.
    rules : LayoutRules, optional
        How to find the cases; by default the layout is recognised.

    Returns
    -------
    DatasetFiles

    Raises
    ------
    InputError
        If the folder is missing, has no known layout or neither cases nor faulty ones, or if its
        ``dataset.json`` or the rules are malformed.
    """
    root, rules = Path(root), rules or LayoutRules()
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; give the folder of a data set.")
    try:
        layout = _recognise(root, rules) if rules.kind == "auto" else rules.kind
        dataset = _FINDERS[layout](root, rules)
    except PermissionError as error:
        raise InputError(
            f"{error.filename}: no permission to look into it; change that or leave it out."
        ) from None
    if not dataset.cases and not any(p.severity == "error" for p in dataset.problems):
        raise InputError(
            f"{root}: there are no cases in it (looked for the layout {layout}); add images and "
            "their labels, or say how to find them by `layout:` in the configuration."
        )
    return dataset


def find_dataset(root: StrPath, rules: LayoutRules | None = None) -> DatasetFiles:
    """List the cases of a data set folder that is in order.

    Parameters
    ----------
    root : path-like
        The data set folder.
    rules : LayoutRules, optional
        How to find the cases; by default the layout is recognised.

    Returns
    -------
    DatasetFiles
        Without problems of severity ``error``. Cases of a test set have no label.

    Raises
    ------
    InputError
        As `survey_dataset`, and for the first problem of severity ``error``.
    """
    dataset = survey_dataset(root, rules)
    errors = [problem.message for problem in dataset.problems if problem.severity == "error"]
    if errors:
        others = f" ({len(errors) - 1} more of its files have problems.)" if errors[1:] else ""
        raise InputError(errors[0] + others)
    return dataset


def _recognise(root: Path, rules: LayoutRules) -> Layout:
    if rules.images is not None:
        return "pattern"
    if (root / DATASET_JSON).is_file():
        return "nnunet" if is_nnunet(load_json(root / DATASET_JSON)) else "decathlon"
    if is_folders(root):
        return "folders"
    if is_brats(root):
        return "brats"
    if any(map(is_dicom, walk_visible(root))):
        return "dicom"
    below = [
        each
        for each in visible_folders(root)
        if (each / DATASET_JSON).is_file() or is_folders(each)
    ]
    hint = f" In {below[0]} there is one: give that folder." if below else ""
    raise InputError(f"{root}: no known data set layout; the folder must hold {_KNOWN}.{hint}")
