"""What is in the files of a data set, and what is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from medaug.io.cases import CaseFiles, DatasetFiles
from medaug.io.problems import Problem
from medaug.jobs import Outcome, run_jobs
from medaug.jobs.progress import Progress
from medaug.preprocessing.case_survey import CaseSurvey, Draw, Surveyed, SurveyJob, survey_case
from medaug.preprocessing.comparison import compare_cases
from medaug.preprocessing.config import Geometry

__all__ = ["CaseSurvey", "DatasetSurvey", "SurveyJob", "Surveyed", "survey", "survey_case"]


@dataclass(frozen=True)
class DatasetSurvey:
    """What is in the files of a data set.

    Attributes
    ----------
    files : DatasetFiles
        The listing, with problems of its own.
    cases : tuple of CaseSurvey
        Those whose image can be read, in the order of the listing.
    problems : tuple of Problem
        What reading and comparing the cases has found. A case with one of severity ``error`` cannot
        be used.
    pictures : dict of str to bytes
        Of each case that was drawn, by its name.
    """

    files: DatasetFiles
    cases: tuple[CaseSurvey, ...]
    problems: tuple[Problem, ...]
    pictures: dict[str, bytes]

    @property
    def all_problems(self) -> tuple[Problem, ...]:
        """Those of the listing, then those of the cases."""
        return self.files.problems + self.problems


def survey(
    files: DatasetFiles,
    *,
    geometry: Geometry | None = None,
    draw: Draw | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> DatasetSurvey:
    """Read every case of a data set once, look at it, and compare it with the others.

    Parameters
    ----------
    files : DatasetFiles
    geometry : {"sform", "qform"} or None
        Which affine of a NIfTI header to believe where they disagree; None makes such files an
        error.
    draw : callable or None
        Draws a case while it is in memory; defined at the top of a module.
    workers, scheduler
        See `medaug.jobs.run.run_jobs`.
    progress : Progress, optional
        Counts a case with an error as failed.

    Returns
    -------
    DatasetSurvey

    Raises
    ------
    InputError
        If `workers` or the scheduler cannot be used. What is wrong with cases are problems.
    """
    progress = progress or Progress()
    progress.started("check", len(files.cases))
    outcomes = run_jobs(
        survey_case,
        [SurveyJob(case, files.root, geometry, draw) for case in files.cases],
        workers=workers,
        scheduler=scheduler,
        on_done=lambda outcome: progress.job_done(_with_error(outcome)),
    )
    found = [_surveyed(case, outcome) for case, outcome in zip(files.cases, outcomes, strict=True)]
    cases = tuple(each.survey for each in found if each.survey is not None)
    problems = [problem for each in found for problem in each.problems]
    problems += compare_cases(files, cases)
    pictures = {
        case.name: each.picture
        for case, each in zip(files.cases, found, strict=True)
        if each.picture is not None
    }
    return DatasetSurvey(files, cases, tuple(problems), pictures)


def _surveyed(case: CaseFiles, outcome: Outcome[Surveyed]) -> Surveyed:
    """Return what was found; a worker that died has found that."""
    if outcome.value is not None:
        return outcome.value
    file = case.images[0].path
    return Surveyed(None, (Problem("error", file, f"{file}: {outcome.error}", case.name),))


def _with_error(outcome: Outcome[Surveyed]) -> Outcome[Surveyed]:
    if outcome.value is None:
        return outcome
    errors = [each.message for each in outcome.value.problems if each.severity == "error"]
    return replace(outcome, error=errors[0]) if errors else outcome
