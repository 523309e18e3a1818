"""An inspection as text on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from medaug.io.problems import SEVERITIES, Problem, Severity
from medaug.preprocessing.inspection import wording
from medaug.preprocessing.inspection.summary import Summary

# More lines of one severity than these hide what else there is.
_MOST_LINES = 20

_STYLES: dict[Severity, str] = {"error": "bold red", "warning": "yellow", "note": "cyan"}


def print_inspection(console: Console, summary: Summary, problems: Sequence[Problem]) -> None:
    """Print what a person wants to know first.

    Parameters
    ----------
    console : rich.console.Console
    summary : Summary
    problems : sequence of Problem
        The worst are printed first, of each severity the first twenty.
    """
    console.print(Text(summary.name, style="bold"))
    facts = Table.grid(padding=(0, 2))
    for name, value in wording.fact_rows(summary):
        facts.add_row(Text(name, style="dim"), Text(value))
    console.print(facts)
    if summary.readable:
        _print_table(console, "", wording.AXIS_COLUMNS, wording.axis_rows(summary), 1)
        _print_table(
            console,
            wording.background_sentence(summary),
            wording.INTENSITY_COLUMNS,
            wording.intensity_rows(summary),
            2,
        )
    if summary.labels:
        _print_table(
            console,
            wording.foreground_sentence(summary),
            wording.LABEL_COLUMNS,
            wording.label_rows(summary),
            2,
        )
    console.print()
    console.print(Text(wording.problems_sentence(summary).capitalize(), style="bold"))
    for severity in SEVERITIES:
        _print_problems(console, severity, [each for each in problems if each.severity == severity])


def _print_table(
    console: Console,
    caption: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    text_columns: int,
) -> None:
    """Print a table; all but the first few columns hold numbers."""
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for index, column in enumerate(columns):
        table.add_column(Text(column), justify="left" if index < text_columns else "right")
    for row in rows:
        table.add_row(*map(Text, row))
    console.print()
    console.print(table)
    if caption:
        console.print(Text(caption, style="dim"))


def _print_problems(console: Console, severity: Severity, problems: Sequence[Problem]) -> None:
    for problem in problems[:_MOST_LINES]:
        line = Text.assemble((f"{severity}: ", _STYLES[severity]), problem.message)
        console.print(line, soft_wrap=True)
    if len(problems) > _MOST_LINES:
        console.print(
            f"{severity}: {len(problems) - _MOST_LINES} more, all of which --json and --html list",
            style=_STYLES[severity],
            highlight=False,
        )
