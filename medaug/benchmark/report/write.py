"""The files of a report, from a benchmark's results and folder."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from medaug.benchmark.report.examples import load_examples
from medaug.benchmark.report.figures.style import write_figure
from medaug.benchmark.report.markdown import write_markdown
from medaug.benchmark.report.page import write_page
from medaug.benchmark.report.pictures import differences_figure
from medaug.benchmark.results import Results
from medaug.typing import StrPath

REPORT_FILE = "report.html"
MARKDOWN_FILE = "summary.md"
FIGURE_FILE = "differences.svg"
EXAMPLES_FILE = "examples.npz"


def write_reports(results: Results, comparison: pd.DataFrame, folder: StrPath) -> None:
    """Write the report of a benchmark in every form.

    Parameters
    ----------
    results : Results
        All runs.
    comparison : DataFrame
        From `medaug.benchmark.analysis.analyse`.
    folder : path
        It must exist. ``report.html``, ``summary.md`` and ``differences.svg`` are written;
        ``examples.npz`` is read if it is there.

    Raises
    ------
    InputError
        If ``examples.npz`` holds something else.
    """
    write_html(results, comparison, folder)
    write_summary(results, comparison, folder)


def write_html(results: Results, comparison: pd.DataFrame, folder: StrPath) -> Path:
    """Write ``report.html``, see `write_reports`, and return its path."""
    path = Path(folder) / REPORT_FILE
    write_page(results, comparison, load_examples(Path(folder) / EXAMPLES_FILE), path)
    return path


def write_summary(results: Results, comparison: pd.DataFrame, folder: StrPath) -> Path:
    """Write ``summary.md`` and its figure, see `write_reports`, and return its path."""
    path = Path(folder) / MARKDOWN_FILE
    figure = differences_figure(results, comparison)
    if figure is not None:
        write_figure(figure, Path(folder) / FIGURE_FILE)
    write_markdown(results, comparison, path, figure=FIGURE_FILE if figure else None)
    return path
