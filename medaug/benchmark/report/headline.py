"""The outcome of a benchmark in one sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from medaug.benchmark.left_out import left_out
from medaug.benchmark.report.compared import mean_rows
from medaug.benchmark.report.formats import (
    enumerate_words,
    format_confidence,
    format_count,
    format_difference,
    format_interval,
    format_p_equation,
    format_score,
    format_size,
)
from medaug.benchmark.results import Results
from medaug.benchmark.statistics.significance import smallest_p

_Row = dict[str, Any]

#: With more arms than these, only the extreme ones are told with their numbers.
_ARMS_IN_FULL = 3

_VERBS = {"better": "raised the mean Dice", "worse": "lowered the mean Dice"}


def headline(results: Results, comparison: pd.DataFrame) -> str:
    """Say which arms helped at the main size, by how much, which did not, and what is missing.

    Parameters
    ----------
    results : Results
        All runs.
    comparison : DataFrame
        From `medaug.benchmark.analysis.analyse`; its column ``verdict`` decides what is clear.

    Returns
    -------
    str
        Plain text.
    """
    rows = mean_rows(comparison, results.main_size)
    answer = _answer(results, rows) if rows else _no_answer(results)
    return answer[0].upper() + answer[1:] + _missing(results)


def _answer(results: Results, rows: list[_Row]) -> str:
    reference, others = rows[0], rows[1:]
    start = f"{reference['arm']} (mean Dice {format_score(reference['mean'])})"
    size = "" if results.sizes == ("all",) else f"With {format_size(results.main_size)}, "
    if not others:
        if len(results.arms) == 1:
            return f"{size}only one arm was run, {start}, so there is nothing to compare."
        return f"{size}only {start} has finished runs, so there is nothing to compare."
    told = _in_full(others) if len(others) <= _ARMS_IN_FULL else _in_short(others)
    return f"{size}compared with {start}, {told}{_caveat(others)}."


def _no_answer(results: Results) -> str:
    lacking = left_out(results)
    at_size = lacking[(lacking["train_cases"] == results.main_size) & (lacking["kind"] == "size")]
    reason = "".join(at_size["reason"]) or "nothing can be compared"
    return f"There is no answer yet: with {format_size(results.main_size)}, {reason}."


def _missing(results: Results) -> str:
    if results.missing.empty:
        return ""
    total = len(results.runs) + len(results.missing)
    verb = "is" if len(results.missing) == 1 else "are"
    return (
        f" {len(results.missing)} of {format_count(total, 'run')} {verb} missing; what would have "
        "been compared with them is left out."
    )


def _in_full(others: Sequence[_Row]) -> str:
    p_name = "p" if len(others) == 1 else "corrected p"
    return enumerate_words([_clause(row, p_name) for row in others])


def _in_short(others: Sequence[_Row]) -> str:
    """Return the extreme arms with their numbers, the others by name or number."""
    clauses = []
    for verdict in _VERBS:
        group = [row for row in others if row["verdict"] == verdict]
        group.sort(key=lambda row: -abs(row["difference"]))
        if group:
            also = f"; so did, by less, {_named_or_counted(group[1:])}" if group[1:] else ""
            clauses.append(f"{_clause(group[0], 'corrected p')}{also}")
    unclear = [row for row in others if _is_judged(row) and row["verdict"] not in _VERBS]
    if unclear:
        clauses.append(f"{_named_or_counted(unclear)} made no clear difference")
    unknown = [row for row in others if not _is_judged(row)]
    if unknown:
        clauses.append(f"{_named_or_counted(unknown)} cannot be judged")
    return "; ".join(clauses)


def _named_or_counted(rows: Sequence[_Row]) -> str:
    if len(rows) <= _ARMS_IN_FULL:
        return enumerate_words([row["arm"] for row in rows])
    return format_count(len(rows), "arm")


def _clause(row: _Row, p_name: str) -> str:
    """Return what one arm did, as a part of the sentence."""
    if not _is_judged(row):
        return f"{row['arm']} cannot be judged from {format_count(row['n_patients'], 'patient')}"
    evidence = (
        f"{format_confidence(row['confidence'])} {format_interval(row['ci_low'], row['ci_high'])}, "
        f"{p_name} {format_p_equation(row['p_holm'])}"
    )
    if row["verdict"] in _VERBS:
        size = format_difference(abs(row["difference"])).lstrip("+")
        return f"{row['arm']} {_VERBS[row['verdict']]} by {size} ({evidence})"
    change = format_difference(row["difference"])
    return f"{row['arm']} made no clear difference ({change}, {evidence}{_doubt(row)})"


def _doubt(row: _Row) -> str:
    """Say so where these networks differ clearly, and other trainings might not."""
    if row["ci_low"] <= 0 <= row["ci_high"] or row["p_holm"] >= _level(row):
        return ""
    interval = format_interval(row["train_ci_low"], row["train_ci_high"])
    p_value = format_p_equation(row["p_train_holm"])
    return f"; but {interval}, p {p_value}, with the spread between trainings"


def _level(row: _Row) -> float:
    """Return the level of the tests, without the noise of 1 - 0.95."""
    return round(1 - float(row["confidence"]), 12)


def _is_judged(row: _Row) -> bool:
    return not math.isnan(row["p_holm"])


def _caveat(others: Sequence[_Row]) -> str:
    """Say so where even the smallest p-value that the test can give is not small."""
    n_patients = max(row["n_patients"] for row in others)
    if n_patients < 2 or smallest_p(n_patients, len(others)) < _level(others[0]):
        return ""
    return f"; {format_count(n_patients, 'patient')} are too few to show a clear difference"
