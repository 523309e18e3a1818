"""The tables of a benchmark as texts, for the page, the Markdown and the terminal alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from medaug.benchmark.analysis import CALIBRATION_ERROR, SHIFTED_DICE
from medaug.benchmark.report.compared import mean_rows
from medaug.benchmark.report.formats import (
    NOTHING,
    format_confidence,
    format_difference,
    format_interval,
    format_milliseconds,
    format_p,
    format_score,
)
from medaug.benchmark.results import Results
from medaug.benchmark.testing.measures import MEASURES

#: What follows a number that is clearly better or worse than the reference's.
VERDICT_MARKS = {
    "better": " \N{BLACK UP-POINTING TRIANGLE}",
    "worse": " \N{BLACK DOWN-POINTING TRIANGLE}",
}

#: Decimals of what is not measured in fractions.
_DIGITS = {"hd95_mm": 2}


@dataclass(frozen=True)
class Table:
    """Headings and cells; the first column names the arm.

    Attributes
    ----------
    columns : list of str
        The headings.
    rows : list of list of str
        The cells, a row a list.
    """

    columns: list[str]
    rows: list[list[str]]


def answer_table(results: Results, comparison: pd.DataFrame) -> Table:
    """Return the comparison of the mean Dice at the main size, with what each arm costs."""
    means = mean_rows(comparison, results.main_size)
    interval = format_confidence(means[0]["confidence"]) if means else "CI"
    columns = ["arm", "mean Dice", "difference", interval, "p"]
    columns += ["CI, trainings", "p, trainings", "effect size", "P(better)"]
    rows = [
        [
            row["arm"],
            format_score(row["mean"]) + VERDICT_MARKS.get(row["verdict"], ""),
            format_difference(row["difference"]),
            format_interval(row["ci_low"], row["ci_high"]),
            format_p(row["p_holm"]),
            format_interval(row["train_ci_low"], row["train_ci_high"]),
            format_p(row["p_train_holm"]),
            format_difference(row["effect_size"], 2),
            format_score(row["probability_better"], 2),
        ]
        for row in means
    ]
    return _with_cost(Table(columns, rows), results)


def _with_cost(table: Table, results: Results) -> Table:
    """Return the table with the CPU milliseconds a sample of each arm, if they were measured."""
    if not results.cost:
        return table
    costs = [format_milliseconds(results.cost.get(row[0], math.nan)) for row in table.rows]
    rows = [[*row, cost] for row, cost in zip(table.rows, costs, strict=True)]
    return Table([*table.columns, "CPU ms"], rows)


def measures_table(results: Results, comparison: pd.DataFrame) -> Table:
    """Return the means of the other measures at the main size, a measure a column.

    A triangle marks what is clearly better or worse than the reference's.
    """
    titles = {measure.name: measure.title for measure in MEASURES[1:]}
    titles |= {SHIFTED_DICE: "shifted Dice", CALIBRATION_ERROR: "ECE"}
    columns: dict[str, dict[str, str]] = {}
    for name, title in titles.items():
        rows = mean_rows(comparison, results.main_size, name)
        if any(not math.isnan(row["mean"]) for row in rows):
            columns[title] = {row["arm"]: _marked(row, _DIGITS.get(name, 3)) for row in rows}
    arms = [row["arm"] for row in mean_rows(comparison, results.main_size)]
    cells = [[arm, *(column.get(arm, NOTHING) for column in columns.values())] for arm in arms]
    return Table(["arm", *columns], cells)


def _marked(row: dict[str, Any], digits: int) -> str:
    return format_score(row["mean"], digits) + VERDICT_MARKS.get(row["verdict"], "")


def class_table(results: Results, comparison: pd.DataFrame) -> Table:
    """Return the comparison of the Dice of each class at the main size."""
    per_class = [mean_rows(comparison, results.main_size, name=name) for name in results.classes]
    interval = format_confidence(comparison["confidence"].iloc[0]) if len(comparison) else "CI"
    columns = ["arm", "class", "cases", "Dice", "difference", interval, "p", "P(better)"]
    rows = [
        [
            row["arm"],
            row["class"],
            str(row["n_cases"]),
            _marked(row, 3),
            format_difference(row["difference"]),
            format_interval(row["ci_low"], row["ci_high"]),
            format_p(row["p_holm"]),
            format_score(row["probability_better"], 2),
        ]
        for group in zip(*per_class, strict=True)
        for row in group
    ]
    return Table(columns, rows)


def size_table(results: Results, comparison: pd.DataFrame) -> Table:
    """Return the mean Dice at each size of the training set, and its difference in brackets."""
    by_size = {
        size: {row["arm"]: row for row in mean_rows(comparison, size)} for size in results.sizes
    }
    rows = [
        [arm, *(_size_cell(by_size[size].get(arm)) for size in results.sizes)]
        for arm in results.arms
    ]
    return Table(["arm", *(f"{size} cases" for size in results.sizes)], rows)


def _size_cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return NOTHING
    difference = row["difference"]
    change = "" if math.isnan(difference) else f" ({format_difference(difference)})"
    return format_score(row["mean"]) + change + VERDICT_MARKS.get(row["verdict"], "")


def seconds_table(results: Results) -> Table:
    """Return how long runs took on average, an arm and a size of the training set a row."""
    columns = ["arm", "training cases", "runs", "steps", "training (s)", "test (s)"]
    groups = results.runs.groupby(["arm", "train_cases"], sort=False)
    rows = [[str(arm), str(size), str(len(runs)), *_means(runs)] for (arm, size), runs in groups]
    return Table(columns, rows)


def _means(runs: pd.DataFrame) -> Sequence[str]:
    return [
        f"{runs['steps'].mean():.0f}",
        f"{runs['train_seconds'].mean():.1f}",
        f"{runs['test_seconds'].mean():.1f}",
    ]


def detectable_sentence(results: Results, comparison: pd.DataFrame) -> str:
    """Say how small a difference of the mean Dice the run could have detected; may be empty."""
    rows = mean_rows(comparison, results.main_size)
    sizes = {row["arm"]: row["detectable"] for row in rows if not math.isnan(row["detectable"])}
    if not sizes:
        return ""
    start = "The smallest difference of the mean Dice that this run had an 80% chance to detect is"
    low, high = min(sizes, key=sizes.__getitem__), max(sizes, key=sizes.__getitem__)
    if format_score(sizes[low]) == format_score(sizes[high]):
        return f"{start} {format_score(sizes[low])}."
    return (
        f"{start} {format_score(sizes[low])} ({low}) to {format_score(sizes[high])} ({high}), "
        "depending on the arm."
    )
