"""Label maps from the preprocessed space back to the grids of the scans."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from medaug.errors import InputError
from medaug.io.cases import CaseFiles, ScanFiles
from medaug.io.layouts import survey_dataset
from medaug.io.layouts.dataset_json import load_json
from medaug.io.layouts.listing import visible_entries
from medaug.io.layouts.naming import case_name, is_scan_name
from medaug.io.scan import read_image, read_label
from medaug.io.volume import write_volume
from medaug.jobs import run_jobs
from medaug.jobs.progress import Progress
from medaug.preprocessing.config import PreprocessConfig
from medaug.preprocessing.output import PLAN
from medaug.preprocessing.plan import Plan
from medaug.preprocessing.resume import check_folders, make_folder
from medaug.preprocessing.steps import remap
from medaug.preprocessing.summary import summary_of
from medaug.typing import AnyArray, StrPath


@dataclass(frozen=True)
class RestoreJob:
    """What a worker needs to know to restore a label map.

    Attributes
    ----------
    case : CaseFiles
        The original scan, the prediction in the place of its label.
    file : Path
        To write.
    label_map : mapping of int to int, or None
        Original value of each value of the prediction; None: the same.
    config : PreprocessConfig
    """

    case: CaseFiles
    file: Path
    label_map: Mapping[int, int] | None
    config: PreprocessConfig


@dataclass(frozen=True)
class Restored:
    """What came of it.

    Attributes
    ----------
    files : tuple of Path
        That were written.
    without_prediction : tuple of str
        Names of the original cases that there is no prediction for.
    """

    files: tuple[Path, ...]
    without_prediction: tuple[str, ...]


def restore(
    predictions: StrPath,
    originals: StrPath,
    out: StrPath,
    config: PreprocessConfig,
    *,
    preprocessed: StrPath | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Restored:
    """Take label maps back to the grid of each original scan, by a linear vote.

    Outside of what was predicted it is background.

    Parameters
    ----------
    predictions : path
        Folder of label maps in any format that medaug reads, each named after its case.
    originals : path
        The folder of scans that was preprocessed.
    out : path
        A new or an empty folder, for ``CASE.nii.gz`` with the header of the original.
    config : PreprocessConfig
        Its ``layout`` and ``geometry`` say how to read the originals.
    preprocessed : path, optional
        The preprocessed data set: label values get back what they were before its ``plan.json``.
    workers : int or None
        See `medaug.jobs.run.run_jobs`.
    progress : Progress, optional

    Returns
    -------
    Restored

    Raises
    ------
    InputError
        If the folders cannot be used; if a prediction has no original: before anything is written;
        or if a label map cannot be taken back: after all others are.
    """
    predictions, originals, out = Path(predictions), Path(originals), Path(out)
    for folder in (predictions, originals):
        check_folders(folder, out)
    label_map = None if preprocessed is None else _original_values(Path(preprocessed))
    cases = {case.name: case for case in survey_dataset(originals, config.layout).cases}
    files = _predictions_in(predictions)
    _require_originals(files, cases, originals)
    make_folder(out)
    jobs = [
        RestoreJob(_with_prediction(cases[name], file), out / f"{name}.nii.gz", label_map, config)
        for name, file in files.items()
    ]
    progress = progress or Progress()
    progress.started("restore", len(jobs))
    outcomes = run_jobs(restore_case, jobs, workers=workers, on_done=progress.job_done)
    errors = [outcome.error for outcome in outcomes if outcome.error]
    if errors:
        raise InputError(summary_of(errors, "each by itself"))
    missing = tuple(name for name in cases if name not in files)
    return Restored(tuple(job.file for job in jobs), missing)


def restore_case(job: RestoreJob) -> None:
    """Restore one label map.

    Raises
    ------
    InputError
        If it cannot be read, lies in another place than the original, has values that no original
        label became, or cannot be written.
    """
    original = read_image(job.case, geometry=job.config.geometry)
    label = read_label(job.case, original).data[0]
    if job.label_map is not None:
        _require_known(label, job)
        label = remap(label, job.label_map, np.int64)
    small = label.max() <= np.iinfo(np.uint8).max
    voxels = label.astype(np.uint8 if small else np.uint16, copy=False)
    write_volume(job.file, voxels, original.affine, like=original)


def _original_values(folder: Path) -> dict[int, int]:
    """Return the original value of each label value, by the plan of a preprocessed data set."""
    path = folder / PLAN
    try:
        plan = Plan.model_validate(load_json(path).get("plan"))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(
            f"{path}: key plan.{where}: {first['msg'].lower()}; name a folder that "
            "`medaug preprocess` has written."
        ) from None
    olds: dict[int, list[int]] = defaultdict(list)
    for old, new in plan.label_map.items():
        if new or not old:  # what was dropped is background now
            olds[new].append(old)
    for new, several in olds.items():
        if len(several) > 1:
            merged = " and ".join(map(str, several))
            raise InputError(
                f"{path}: labels {merged} were merged into {new}, which cannot be taken apart; "
                "leave --preprocessed out to keep the values of the predictions."
            )
    return {new: several[0] for new, several in olds.items()}


def _predictions_in(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give the folder of the predictions.")
    files: dict[str, Path] = {}
    for path in visible_entries(folder):
        if path.is_file() and is_scan_name(path):
            name = case_name(path)
            if name in files:
                raise InputError(f"{path}: a second prediction for {name}; remove one of the two.")
            files[name] = path
    if not files:
        raise InputError(f"{folder}: no label maps in it; name them after their cases.")
    return files


def _require_originals(
    files: Mapping[str, Path], cases: Mapping[str, CaseFiles], originals: Path
) -> None:
    errors = [
        f"{path}: no case {name} in {originals}; name it after its case or remove it."
        for name, path in files.items()
        if name not in cases
    ]
    if errors:
        raise InputError(summary_of(errors, "the files in that folder"))


def _with_prediction(case: CaseFiles, prediction: Path) -> CaseFiles:
    return replace(case, images=case.images[:1], label=ScanFiles(prediction))


def _require_known(label: AnyArray, job: RestoreJob) -> None:
    known = job.label_map or {}
    strange = sorted(set(np.unique(label).tolist()) - set(known))
    if strange and job.case.label is not None:
        raise InputError(
            f"{job.case.label.path}: label value {strange[0]} is none of the preprocessed data set "
            f"({', '.join(map(str, known))}); is this its prediction?"
        )
