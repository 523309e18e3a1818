"""All that an inspection has found, as one JSON object."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from medaug.io.files import dump_json
from medaug.io.problems import Problem
from medaug.preprocessing.channel_survey import PERCENTILES
from medaug.preprocessing.inspection.summary import Summary
from medaug.preprocessing.survey import DatasetSurvey


def inspection_json(surveyed: DatasetSurvey, summary: Summary) -> str:
    """Return what was found as the text of one JSON object.

    Its keys are ``summary``, ``cases`` (those that can be read), ``problems`` and ``percentages``,
    at which intensities are told. What is not known is null.
    """
    return dump_json(
        {
            "summary": asdict(summary),
            "percentages": PERCENTILES,
            "cases": [case.to_json() for case in surveyed.cases],
            "problems": [_problem(problem) for problem in surveyed.all_problems],
        }
    )


def _problem(problem: Problem) -> dict[str, Any]:
    return {**asdict(problem), "file": str(problem.file)}
