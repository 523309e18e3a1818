"""What a benchmark lacks: runs that are missing, and what the comparison does without."""

from __future__ import annotations

import pandas as pd

from medaug.benchmark.left_out import left_out
from medaug.benchmark.report.tables import Table
from medaug.benchmark.results import Results

#: Runs of one reason that are listed one by one.
_RUNS_LISTED = 12

#: What stands in the kind of a row about cases that lack a value, rather than runs.
_VALUES = "values"


def missing_table(results: Results) -> Table:
    """Return the missing runs: a row for each arm, size of the training set and reason."""
    groups = results.missing.groupby(["arm", "train_cases", "reason"], sort=False)
    rows = [
        [str(arm), str(size), _listed(runs), str(reason)] for (arm, size, reason), runs in groups
    ]
    return Table(["arm", "training cases", "runs", "why"], rows)


def _listed(runs: pd.DataFrame) -> str:
    names = [f"fold {row.fold}, seed {row.seed}" for row in runs.itertuples()]
    more = len(names) - _RUNS_LISTED
    return "; ".join(names[:_RUNS_LISTED]) + (f"; and {more} more" if more > 0 else "")


def left_out_table(results: Results) -> Table:
    """Return what the comparison of the Dice does without: runs, and cases without a Dice."""
    lacking = left_out(results)
    at_main = lacking["train_cases"] == results.main_size
    without_dice = at_main & lacking["what"].str.startswith("dice of ")
    return _table(lacking[(lacking["kind"] != _VALUES) | without_dice])


def without_value_table(results: Results) -> Table:
    """Return, for each measure at the main size, the cases that have no value in every arm."""
    lacking = left_out(results)
    at_main = lacking["train_cases"] == results.main_size
    return _table(lacking[at_main & (lacking["kind"] == _VALUES)])


def _table(lacking: pd.DataFrame) -> Table:
    rows = [
        [row["what"], row["train_cases"], str(row["n_cases"]), row["reason"]]
        for row in lacking.to_dict("records")
    ]
    return Table(["left out", "training cases", "test cases", "why"], rows)
