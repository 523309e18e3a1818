"""The outcome of a benchmark in one sentence and in one table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from medaug.benchmark.statistics.compare import MEAN_OF_CLASSES

_NOTHING = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"

#: The columns of the summary table before those of the classes.
_N_ANSWER_COLUMNS = 5

# What 80 columns hold.
_CLASSES_BESIDE_ANSWER = 2
_CLASSES_PER_TABLE = 6


def headline(comparison: pd.DataFrame) -> str:
    """Say in one sentence which arms helped, by how much, and which did not.

    An arm raised or lowered the Dice if the interval of its mean difference excludes zero and its
    corrected p-value is below one minus the confidence. Both are asked for, because the interval is
    about the mean and the test about the ranks. Anything else is called no clear difference.

    Parameters
    ----------
    comparison : DataFrame
        From :func:`medaug.benchmark.statistics.compare.compare_arms`.

    Returns
    -------
    str
        Plain text.
    """
    means = comparison[comparison["class"] == MEAN_OF_CLASSES].to_dict("records")
    reference, others = means[0], means[1:]
    start = f"{reference['arm']} (mean Dice {format_dice(reference['dice'])})"
    if not others:
        return f"Only one arm was run, {start}, so there is nothing to compare."
    p_name = "p" if len(others) == 1 else "corrected p"
    clauses = [_clause(row, p_name) for row in others]
    return f"Compared with {start}, {_enumerate(clauses)}{_caveat(others)}."


def comparison_table(comparison: pd.DataFrame) -> RenderableType:
    """Return :func:`summary_cells` for a terminal of 80 columns or more.

    Parameters
    ----------
    comparison : DataFrame
        From :func:`medaug.benchmark.statistics.compare.compare_arms`.

    Returns
    -------
    rich renderable
        One table; with more than two classes, these follow in tables of their own, since a
        terminal crops what is too wide.
    """
    columns, rows = summary_cells(comparison)
    title = f"Dice of each class, and the mean Dice compared with {rows[0][0]}"
    caption = f"{format_cases(int(comparison['n_cases'].max()))}; p after Holm's correction"
    positions = list(range(1, len(columns)))
    if len(columns) - _N_ANSWER_COLUMNS <= _CLASSES_BESIDE_ANSWER:
        blocks = [positions]
    else:
        answer, classes = positions[: _N_ANSWER_COLUMNS - 1], positions[_N_ANSWER_COLUMNS - 1 :]
        step = _CLASSES_PER_TABLE
        blocks = [answer, *(classes[n : n + step] for n in range(0, len(classes), step))]
    tables = [_table(columns, rows, block) for block in blocks]
    return Group(Text(title, style="bold"), *tables, Text(caption, style="dim"))


def summary_cells(comparison: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """Return the summary table as texts, for the terminal and the report alike.

    Parameters
    ----------
    comparison : DataFrame
        From :func:`medaug.benchmark.statistics.compare.compare_arms`.

    Returns
    -------
    columns : list of str
        The headings: arm, mean Dice, its difference, the interval, the corrected p, each class.
    rows : list of list of str
        The cells of each arm.
    """
    names = comparison["class"].unique().tolist()
    classes = [name for name in names if name != MEAN_OF_CLASSES]
    interval = format_confidence(comparison["confidence"].iloc[0])
    rows = []
    for arm, part in comparison.groupby("arm", sort=False):
        dice = part.set_index("class")["dice"]
        mean = part[part["class"] == MEAN_OF_CLASSES].to_dict("records")[0]
        answer = [
            str(arm),
            format_dice(mean["dice"]),
            format_difference(mean["difference"]),
            format_interval(mean["ci_low"], mean["ci_high"]),
            format_p(mean["p_holm"]),
        ]
        rows.append(answer + [format_dice(dice[name]) for name in classes])
    return ["arm", "mean", "difference", interval, "p", *classes], rows


def significance(confidence: float) -> float:
    """Return the level that belongs to an interval's confidence, without the noise of 1 - 0.95."""
    return round(1 - confidence, 12)


def format_dice(dice: float) -> str:
    """Return a Dice coefficient with three decimals, or a dash for NaN."""
    return _NOTHING if math.isnan(dice) else f"{dice:.3f}"


def format_difference(difference: float) -> str:
    """Return a difference with its sign and three decimals, or a dash for NaN."""
    if math.isnan(difference):
        return _NOTHING
    # Adding zero turns -0.0, which rounding can leave, into 0.0.
    rounded = round(difference, 3) + 0.0
    return f"{rounded:+.3f}".replace("-", _MINUS) if rounded else "0.000"


def format_interval(low: float, high: float) -> str:
    """Return the two ends of an interval of differences, or a dash for NaN."""
    if math.isnan(low) or math.isnan(high):
        return _NOTHING
    return f"{format_difference(low)} to {format_difference(high)}"


def format_p(p_value: float) -> str:
    """Return a p-value with three decimals, "<0.001", or a dash for NaN."""
    if math.isnan(p_value):
        return _NOTHING
    return "<0.001" if p_value < 0.001 else f"{p_value:.3f}"


def format_confidence(confidence: float) -> str:
    """Return the name of the interval, such as "95% CI"."""
    return f"{100 * confidence:g}% CI"


def format_cases(count: int) -> str:
    """Return a count of cases with its noun."""
    return f"{count} case" if count == 1 else f"{count} cases"


def _table(columns: list[str], rows: list[list[str]], positions: list[int]) -> Table:
    """Return the columns at `positions`, after that of the arms."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column(columns[0], overflow="fold")
    for position in positions:
        # Where space is short the headings wrap, not the numbers.
        width = max(len(row[position]) for row in rows)
        heading = Text(columns[position])
        table.add_column(heading, justify="right", min_width=width, overflow="fold")
    for row in rows:
        # As text: a name may hold [brackets], which rich would take for markup.
        table.add_row(*(Text(row[position]) for position in [0, *positions]))
    return table


def _clause(row: dict[Any, Any], p_name: str) -> str:
    """Return what one arm did, as a part of the headline."""
    if math.isnan(row["p_value"]):
        return f"{row['arm']} cannot be judged from {format_cases(row['n_cases'])}"
    p_value = format_p(row["p_holm"])
    relation = "" if p_value.startswith("<") else "= "
    evidence = (
        f"{format_confidence(row['confidence'])} {format_interval(row['ci_low'], row['ci_high'])}, "
        f"{p_name} {relation}{p_value}"
    )
    size = format_difference(abs(row["difference"])).lstrip("+")
    clear = row["p_holm"] < significance(row["confidence"])
    if clear and row["ci_low"] > 0:
        return f"{row['arm']} raised the mean Dice by {size} ({evidence})"
    if clear and row["ci_high"] < 0:
        return f"{row['arm']} lowered the mean Dice by {size} ({evidence})"
    change = format_difference(row["difference"])
    return f"{row['arm']} made no clear difference ({change}, {evidence})"


def _caveat(others: Sequence[dict[Any, Any]]) -> str:
    """Say so where even the smallest p-value of the test, 2 / 2^n before Holm, is not small."""
    n_cases = others[0]["n_cases"]
    smallest = 2 * len(others) / 2**n_cases
    if n_cases < 2 or smallest < significance(others[0]["confidence"]):
        return ""
    return f"; {format_cases(n_cases)} are too few to show a clear difference"


def _enumerate(clauses: Sequence[str]) -> str:
    if len(clauses) == 1:
        return clauses[0]
    return f"{', '.join(clauses[:-1])} and {clauses[-1]}"
