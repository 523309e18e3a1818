"""A folder of scans to a folder that training can trust, resumable at any moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from medaug.errors import InputError
from medaug.io.cases import DatasetFiles
from medaug.io.files import remove_leftovers
from medaug.io.layouts import survey_dataset
from medaug.io.problems import Problem
from medaug.jobs import run_jobs
from medaug.jobs.progress import Progress
from medaug.preprocessing.case import CaseJob, process_case
from medaug.preprocessing.config import PreprocessConfig
from medaug.preprocessing.output import (
    PROBLEMS,
    CaseRecord,
    Format,
    remove_case,
    write_dataset_json,
    write_manifest,
    write_problems,
)
from medaug.preprocessing.plan import Plan, make_plan
from medaug.preprocessing.resume import (
    begin,
    check_folders,
    identity,
    make_folder,
    refuse_changes,
)
from medaug.preprocessing.summary import summary_of
from medaug.preprocessing.survey import CaseSurvey, DatasetSurvey, survey
from medaug.typing import StrPath


@dataclass(frozen=True)
class Preprocessed:
    """What came of it.

    Attributes
    ----------
    out : Path
    plan : Plan
    records : tuple of CaseRecord
        Of the cases that are there.
    left_out : int
        Cases that are not, because something is wrong with them.
    problems : tuple of Problem
        All that ``problems.csv`` lists.
    """

    out: Path
    plan: Plan
    records: tuple[CaseRecord, ...]
    left_out: int
    problems: tuple[Problem, ...]


def preprocess(
    source: StrPath,
    out: StrPath,
    config: PreprocessConfig,
    *,
    formats: Sequence[Format] = ("nifti",),
    workers: int | None = None,
    scheduler: str | None = None,
    resume: bool = False,
    keep_going: bool = False,
    progress: Progress | None = None,
) -> Preprocessed:
    """Preprocess all cases of a folder.

    Every case is read and checked before the first one is written. A run that was stopped at any
    moment, and is resumed, gives the bytes of one that was not, but for the seconds that it notes.

    Parameters
    ----------
    source : path
        The folder of scans; nothing in it is changed.
    out : path
        The folder to write: a new or an empty one, unless `resume`.
    config : PreprocessConfig
    formats : sequence of {"nifti", "cache"}
        ``cache``: arrays for `medaug.data.CachedCases`, in ``out/cache``.
    workers, scheduler
        See `medaug.jobs.run.run_jobs`.
    resume : bool
        Continue in `out`: cases that are whole and unchanged are left as they are.
    keep_going : bool
        Leave out cases that something is wrong with, instead of writing none.
    progress : Progress, optional

    Returns
    -------
    Preprocessed

    Raises
    ------
    InputError
        If the folders or the configuration cannot be used; if something is wrong with a case,
        unless `keep_going`: then ``problems.csv`` is all that is written; or if no case is left.
    """
    source, out, progress = Path(source), Path(out), progress or Progress()
    check_folders(source, out, resume=resume)
    known = identity(config, formats)
    refuse_changes(out, known)
    dataset = _wanted_parts(survey_dataset(source, config.layout), config)
    surveyed = survey(
        dataset,
        geometry=config.geometry,
        workers=workers,
        scheduler=scheduler,
        progress=progress,
    )
    problems = [*surveyed.all_problems, *_without_foreground(surveyed, config)]
    good = _usable(surveyed.cases, problems, out, keep_going=keep_going)
    plan = make_plan(dataset, good, config)
    inputs = {found.name: dict(found.sha256) for found in good}
    content = {**known, "plan": plan.model_dump(mode="json"), "inputs": inputs}
    refuse_changes(out, content)
    begin(out, content)
    write_problems(out, problems)
    jobs = [
        CaseJob(case, inputs[case.name], plan, out, tuple(formats), resume)
        for case in dataset.cases
        if case.name in inputs
    ]
    records, failures = _process(jobs, progress, workers, scheduler)
    remove_leftovers(out)  # of workers that died meanwhile
    problems += failures
    if failures:
        with suppress(InputError):  # a disk without room for a case may have none for the list
            write_problems(out, problems)
    _require_done(records, failures, out, keep_going=keep_going)
    write_manifest(out, records, plan)
    if "nifti" in formats:
        write_dataset_json(
            out,
            plan.dataset,
            [channel.name for channel in plan.channels],
            plan.labels,
            training=[record.case for record in records if record.labelled],
            test=[record.case for record in records if not record.labelled],
            patients={record.case: record.patient for record in records},
        )
    left_out = {problem.case for problem in problems if problem.severity == "error"} - {""}
    return Preprocessed(out, plan, tuple(records), len(left_out), tuple(problems))


def _wanted_parts(dataset: DatasetFiles, config: PreprocessConfig) -> DatasetFiles:
    """Return the data set without the labels, and complaints about them, that are not wanted."""
    if config.labels == "required":
        return dataset
    problems = tuple(each for each in dataset.problems if each.kind != "no_label")
    cases = dataset.cases
    if config.labels == "none":
        cases = tuple(replace(case, label=None) for case in cases)
    return replace(dataset, cases=cases, problems=problems)


def _without_foreground(surveyed: DatasetSurvey, config: PreprocessConfig) -> Iterator[Problem]:
    """Yield the cases of which a crop would leave nothing."""
    above = None if config.crop is None else config.crop.above
    paths = {case.name: case.images[0].path for case in surveyed.files.cases}
    for case in surveyed.cases:
        if above is not None and not any(channel.maximum > above for channel in case.channels):
            path = paths[case.name]
            line = f"{path}: no voxel is above {above:g}; correct crop.above or remove the case."
            yield Problem("error", path, line, case.name)


def _usable(
    surveys: Sequence[CaseSurvey],
    problems: Sequence[Problem],
    out: Path,
    *,
    keep_going: bool,
) -> list[CaseSurvey]:
    """Return the cases that nothing is wrong with; that must be all, or some with `keep_going`."""
    errors = [problem for problem in problems if problem.severity == "error"]
    bad = {problem.case for problem in errors}
    good = [found for found in surveys if found.name not in bad]
    if errors and not (keep_going and good):
        make_folder(out)
        write_problems(out, problems)
        raise InputError(summary_of([error.message for error in errors], str(out / PROBLEMS)))
    return good


def _process(
    jobs: Sequence[CaseJob], progress: Progress, workers: int | None, scheduler: str | None
) -> tuple[list[CaseRecord], list[Problem]]:
    """Return the records of the cases that are done, and what kept the others from it."""
    progress.started("preprocess", len(jobs))
    outcomes = run_jobs(
        process_case, jobs, workers=workers, scheduler=scheduler, on_done=progress.job_done
    )
    records, failures = [], []
    for job, outcome in zip(jobs, outcomes, strict=True):
        if outcome.value is not None:
            records.append(outcome.value)
            continue
        remove_case(job.out, job.case.name, len(job.plan.channels))
        file = job.case.images[0].path
        message = outcome.error if str(job.out) in outcome.error else f"{file}: {outcome.error}"
        failures.append(Problem("error", file, message, job.case.name))
    return records, failures


def _require_done(
    records: Sequence[CaseRecord], failures: Sequence[Problem], out: Path, *, keep_going: bool
) -> None:
    if failures and not (keep_going and records):
        lines = [problem.message for problem in failures]
        raise InputError(
            f"{summary_of(lines, str(out / PROBLEMS))}\nMend that and continue by --resume."
        )
