"""An inspection as one HTML file that loads nothing from elsewhere."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from medaug.drawing import data_address, outline_colour
from medaug.errors import InputError
from medaug.io.files import write_atomically
from medaug.io.problems import SEVERITIES, Problem
from medaug.pages import render_page
from medaug.preprocessing.case_survey import CaseSurvey
from medaug.preprocessing.inspection import wording
from medaug.preprocessing.inspection.figures import plots
from medaug.preprocessing.inspection.summary import Summary
from medaug.preprocessing.survey import DatasetSurvey


def write_page(path: Path, surveyed: DatasetSurvey, summary: Summary) -> None:
    """Write the page, whole or not at all.

    Parameters
    ----------
    path : Path
        The HTML file.
    surveyed : DatasetSurvey
        With pictures of the cases, see `medaug.preprocessing.inspection.draw_case`.
    summary : Summary

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    page = render_page(
        "medaug.preprocessing.inspection",
        "inspection.html.jinja",
        name=summary.name,
        problems_sentence=wording.problems_sentence(summary),
        facts=wording.fact_rows(summary),
        tables=_tables(summary),
        plots=plots(surveyed, summary),
        problems=_sorted(surveyed.all_problems),
        cards=_cards(surveyed),
        legend=[
            (label.name or f"label {label.value}", outline_colour(label.value))
            for label in summary.labels
            if label.value and label.cases
        ],
    )
    try:
        write_atomically(path, page)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise InputError(
            f"{path}: cannot write ({reason}); name a file in a folder that exists."
        ) from error


def _tables(summary: Summary) -> list[dict[str, Any]]:
    """Return the tables; all but the first columns of each hold numbers."""
    found: list[dict[str, Any]] = []
    if summary.readable:
        found += [
            {
                "title": "Size and spacing",
                "columns": wording.AXIS_COLUMNS,
                "rows": wording.axis_rows(summary),
                "note": "I, J and K are the axes of the array, whatever its orientation.",
            },
            {
                "title": "Intensities",
                "columns": wording.INTENSITY_COLUMNS,
                "rows": wording.intensity_rows(summary),
                "note": wording.background_sentence(summary),
            },
        ]
    if summary.labels:
        found.append(
            {
                "title": "Labels",
                "columns": wording.LABEL_COLUMNS,
                "rows": wording.label_rows(summary),
                "note": wording.foreground_sentence(summary),
            }
        )
    return found


def _sorted(problems: Sequence[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda problem: SEVERITIES.index(problem.severity))


def _cards(surveyed: DatasetSurvey) -> list[dict[str, Any]]:
    """Return what the page shows of each case, also of those that cannot be read."""
    of_case: dict[str, list[Problem]] = defaultdict(list)
    for problem in _sorted(surveyed.all_problems):
        of_case[problem.case].append(problem)
    readable = {case.name: case for case in surveyed.cases}
    names = surveyed.files.labels or {}
    cards = []
    for files in surveyed.files.cases:
        case, picture = readable.get(files.name), surveyed.pictures.get(files.name)
        cards.append(
            {
                "name": files.name,
                "picture": None if picture is None else data_address(picture),
                "facts": [] if case is None else _facts(case, names),
                "severity": of_case[files.name][0].severity if of_case[files.name] else "",
                "problems": of_case[files.name],
            }
        )
    return cards


def _facts(case: CaseSurvey, names: dict[int, str]) -> list[str]:
    shape = " x ".join(map(str, case.shape))
    spacing = " x ".join(f"{mm:.3g}" for mm in case.spacing_mm)
    facts = [f"{shape} voxels of {spacing} mm, {case.orientation}, {case.dtype}"]
    if case.label_voxels is not None:
        labelled = [
            f"{names.get(value, f'label {value}')} {voxels:,}"
            for value, voxels in case.label_voxels.items()
            if value
        ]
        facts.append(", ".join(labelled) or "nothing labelled")
    else:
        facts.append("no label")
    return facts
