"""The table of a benchmark in a terminal."""

from __future__ import annotations

import pandas as pd
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from medaug.benchmark.report.compared import mean_rows
from medaug.benchmark.report.formats import format_count, format_size
from medaug.benchmark.report.tables import answer_table
from medaug.benchmark.results import Results

#: What 80 columns hold; the report has the rest.
_SHOWN = ("arm", "mean Dice", "difference", "p", "CPU ms")


def comparison_table(results: Results, comparison: pd.DataFrame) -> RenderableType:
    """Return the comparison of the mean Dice at the main size, for 80 columns or more.

    Parameters
    ----------
    results : Results
        All runs.
    comparison : DataFrame
        From `medaug.benchmark.analysis.analyse`.

    Returns
    -------
    rich renderable
        A table with a title, and a line that says what it rests on.
    """
    means = mean_rows(comparison, results.main_size)
    if not means:
        return Text("No fold and seed was finished by every arm: there is nothing to compare.")
    texts = answer_table(results, comparison)
    # The interval's heading names its confidence.
    shown = [n for n, name in enumerate(texts.columns) if name in _SHOWN or n == 3]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for position in shown:
        # Where space is short the headings wrap, not the numbers.
        width = max(len(row[position]) for row in texts.rows) if position else None
        heading = Text(texts.columns[position])
        table.add_column(
            heading, justify="right" if position else "left", min_width=width, overflow="fold"
        )
    for row in texts.rows:
        # As text: a name may hold [brackets], which rich would take for markup.
        table.add_row(*(Text(row[position]) for position in shown))
    title = f"Mean Dice with {format_size(results.main_size)}, compared with {means[0]['arm']}"
    basis = (
        f"{format_count(means[0]['n_cases'], 'case')} of "
        f"{format_count(means[0]['n_patients'], 'patient')}; p after Holm's correction"
        f"{'; CPU time of augmentation, a sample' if results.cost else ''}"
    )
    return Group(Text(title, style="bold"), table, Text(basis, style="dim"))
