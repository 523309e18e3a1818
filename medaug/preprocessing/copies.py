"""Augmented copies of all cases of a folder, each with a record to make it again from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medaug.errors import InputError
from medaug.io.cases import CaseFiles, DatasetFiles, ScanFiles
from medaug.io.checksums import sha256_of
from medaug.io.files import remove_leftovers
from medaug.jobs import run_jobs
from medaug.jobs.outcome import Outcome
from medaug.jobs.progress import Progress
from medaug.policy import build_policy, parse_policy, units_of, units_remark
from medaug.preprocessing.augmentation import copy_stream, make_copy, read_pair
from medaug.preprocessing.copy_files import (
    RECORDS,
    copy_name,
    hash_pair,
    make_folders,
    write_copy,
)
from medaug.preprocessing.output import write_dataset_json
from medaug.preprocessing.records import (
    CopyRecord,
    Recipe,
    current_versions,
    describe_source,
    read_record,
    write_record,
)
from medaug.typing import StrPath


@dataclass(frozen=True)
class CopiesOfCase:
    """What became of a case.

    Attributes
    ----------
    patient : str
    written, kept : tuple of str
        Names of the copies that were made, and of those that were there.
    channels : int
    labels : tuple of int
        Label values of the case, in order.
    remarks : tuple of str
        What makes the result doubtful, in one line each.
    """

    patient: str
    written: tuple[str, ...]
    kept: tuple[str, ...]
    channels: int
    labels: tuple[int, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Augmented:
    """What became of a folder.

    Attributes
    ----------
    written, kept : int
        Copies that were made, and those that were there.
    unlabelled : tuple of str
        Cases that were left out because they have no label.
    remarks : tuple of str
        What makes results doubtful, in one line each.
    errors : tuple of str
        One line for each case that failed.
    """

    written: int
    kept: int
    unlabelled: tuple[str, ...]
    remarks: tuple[str, ...]
    errors: tuple[str, ...]


@dataclass(frozen=True)
class CopyJob:
    """The copies of one case.

    Attributes
    ----------
    case : CaseFiles
    label : ScanFiles
        That of the case.
    root : Path
        Folder of the data set.
    out : Path
        Where copies go.
    recipe : Recipe
    copies : int
    trust, resume : bool
        See `augment_folder`.
    """

    case: CaseFiles
    label: ScanFiles
    root: Path
    out: Path
    recipe: Recipe
    copies: int
    trust: bool
    resume: bool


def augment_folder(
    dataset: DatasetFiles,
    out: StrPath,
    recipe: Recipe,
    *,
    copies: int,
    trust: bool = False,
    resume: bool = False,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Augmented:
    """Write augmented copies of every case that has a label.

    A copy depends on the seed, the name of its case and its number: neither on the other cases nor
    on the workers. Intensities are taken as they are.

    Parameters
    ----------
    dataset : DatasetFiles
    out : path
        Gets ``imagesTr``, ``labelsTr``, ``records`` and ``dataset.json``.
    recipe : Recipe
    copies : int
        Of each case.
    trust : bool
        See `medaug.policy.load_policy`.
    resume : bool
        Leave the copies that `out` has already, if they are whole and were made in the same way.
    workers, scheduler
        See `medaug.jobs.run.run_jobs`.
    progress : Progress, optional

    Raises
    ------
    InputError
        Before anything is written: if the policy is faulty, no case has a label, or `out` is in use
        or part of the data set.
    """
    out, progress = Path(out), progress or Progress()
    build_policy(recipe.policy, recipe.policy_name, spatial_size=recipe.spatial_size, trust=trust)
    jobs = [
        CopyJob(case, case.label, dataset.root, out, recipe, copies, trust, resume)
        for case in dataset.cases
        if case.label is not None
    ]
    if not jobs:
        raise InputError(f"{dataset.root}: no case has a label; there is nothing to augment")
    _check_out(out, dataset.root, resume)
    make_folders(out, "imagesTr", "labelsTr", RECORDS)
    remove_leftovers(out)
    progress.started("augment", len(jobs))
    outcomes = run_jobs(
        augment_case, jobs, workers=workers, scheduler=scheduler, on_done=progress.job_done
    )
    remove_leftovers(out)  # of workers that died meanwhile
    summary = _summary(dataset, [job.case for job in jobs], outcomes)
    if not summary.errors:
        _describe(out, dataset, [each.value for each in outcomes if each.value is not None])
    return summary


def augment_case(job: CopyJob) -> CopiesOfCase:
    """Make the copies of one case that are not there yet."""
    recipe, case = job.recipe, job.case
    image = tuple(describe_source(scan, job.root) for scan in case.images)
    label = describe_source(job.label, job.root)
    pair = read_pair(case, recipe.geometry)
    policy = build_policy(
        recipe.policy, recipe.policy_name, spatial_size=recipe.spatial_size, trust=job.trust
    )
    written, kept = [], []
    for number in range(1, job.copies + 1):
        name = copy_name(case.name, number)
        file = job.out / RECORDS / f"{name}.json"
        if job.resume and _is_whole(file, job.out, (recipe, image, label)):
            kept.append(name)
            continue
        copy, drawn = make_copy(policy, pair, copy_stream(recipe.seed, case.name, number))
        record = CopyRecord(
            case=case.name,
            number=number,
            recipe=recipe,
            root=str(job.root.absolute()),
            image=image,
            label=label,
            drawn=drawn,
            arrays=hash_pair(copy),
            files=write_copy(job.out, name, copy),
            versions=current_versions(),
        )
        write_record(file, record)  # last: where it is, the files are whole
        written.append(name)
    units = units_of(parse_policy(recipe.policy, recipe.policy_name))
    remark = units_remark(pair.image, units)
    remarks = (*pair.remarks, *((f"{case.images[0].path}: {remark}",) if remark else ()))
    return CopiesOfCase(
        case.patient,
        tuple(written),
        tuple(kept),
        len(pair.image),
        tuple(np.unique(pair.label).tolist()),
        remarks,
    )


def _is_whole(file: Path, out: Path, made_of: tuple[object, ...]) -> bool:
    """Tell whether a copy is there and was made of the same things in the same way."""
    try:
        record = read_record(file)
        files_whole = all(sha256_of(out / name) == sha for name, sha in record.files.items())
    except (InputError, OSError):
        return False
    return files_whole and (record.recipe, record.image, record.label) == made_of


def _check_out(out: Path, root: Path, resume: bool) -> None:
    if out.resolve().is_relative_to(root.resolve()):
        raise InputError(f"{out}: lies within the data set {root}; name a folder outside of it")
    if not resume and out.is_dir() and any(out.iterdir()):
        raise InputError(f"{out}: holds something; name another folder, or --resume what it holds")


def _describe(out: Path, dataset: DatasetFiles, cases: Sequence[CopiesOfCase]) -> None:
    patients = {name: case.patient for case in cases for name in sorted(case.written + case.kept)}
    values = sorted({0}.union(*(case.labels for case in cases)))
    labels = {value: f"label {value}" if value else "background" for value in values}
    channels = dataset.channels or [f"channel {number}" for number in range(cases[0].channels)]
    write_dataset_json(
        out,
        dataset.name,
        channels,
        dataset.labels or labels,
        training=list(patients),
        patients=patients,
    )


def _summary(
    dataset: DatasetFiles, cases: Sequence[CaseFiles], outcomes: Sequence[Outcome[CopiesOfCase]]
) -> Augmented:
    done = [outcome.value for outcome in outcomes if outcome.value is not None]
    failed = [outcome for outcome in outcomes if outcome.error]
    return Augmented(
        written=sum(len(each.written) for each in done),
        kept=sum(len(each.kept) for each in done),
        unlabelled=tuple(case.name for case in dataset.cases if case.label is None),
        remarks=tuple(remark for each in done for remark in each.remarks),
        errors=tuple(f"{cases[each.index].name}: {each.error}" for each in failed),
    )
