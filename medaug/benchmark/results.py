"""What a whole benchmark measured, and its files."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from medaug.benchmark.design import check_design, check_same_cases
from medaug.benchmark.run_result import RunResult
from medaug.io.files import dump_json, write_atomically
from medaug.typing import FloatArray, StrPath

RESULTS_FILE = "results.json"
CASES_FILE = "cases.csv"


@dataclass(frozen=True, eq=False)
class Example:
    """One slice of a test case, as each arm segmented it.

    Attributes
    ----------
    case : str
    fold, seed : int
    image : float32 array, shape (I, J)
        The first channel, in any range.
    truth : uint8 array, shape (I, J)
        Class indices; 0 is background.
    predictions : dict of arm to uint8 array, shape (I, J)
    dice : dict of arm to float
        Mean Dice over the classes of the whole case.
    """

    case: str
    fold: int
    seed: int
    image: FloatArray
    truth: npt.NDArray[np.uint8]
    predictions: dict[str, npt.NDArray[np.uint8]]
    dice: dict[str, float]


@dataclass(frozen=True, eq=False)
class Results:
    """All runs of one benchmark.

    Attributes
    ----------
    name : str
        The benchmark's name.
    arms : tuple of str
        The first one is the reference.
    classes : tuple of str
        The foreground classes.
    cases : DataFrame
        Columns ``arm``, ``fold``, ``seed``, ``case``, ``class``, ``dice``.
    losses : DataFrame
        Columns ``arm``, ``fold``, ``seed``, ``step``, ``loss``.
    monitor : DataFrame
        Columns ``arm``, ``fold``, ``seed``, ``step``, ``dice``.
    seconds : DataFrame
        Columns ``arm``, ``fold``, ``seed`` and one for each duration.
    train_cases : DataFrame
        Columns ``fold``, ``seed``, ``case``: the same for each arm.
    provenance : dict
        Plain JSON: versions, seeds, configuration, hardware, command, times.
    """

    name: str
    arms: tuple[str, ...]
    classes: tuple[str, ...]
    cases: pd.DataFrame
    losses: pd.DataFrame
    monitor: pd.DataFrame
    seconds: pd.DataFrame
    train_cases: pd.DataFrame
    provenance: dict[str, Any]


def collect_results(
    name: str,
    arms: Sequence[str],
    classes: Sequence[str],
    runs: Sequence[RunResult],
    provenance: Mapping[str, Any],
) -> Results:
    """Put the runs of a benchmark together.

    Parameters
    ----------
    name : str
        The benchmark's name.
    arms, classes : sequence of str
        In the order of every table; the first arm is the reference.
    runs : sequence of RunResult
        In any order.
    provenance : mapping
        Plain JSON: versions, seeds, configuration, hardware, command, times.

    Returns
    -------
    Results
        With rows in the order of `arms`, then fold, seed, and `classes`.

    Raises
    ------
    InputError
        If there are no runs; if a combination of arm, fold and seed is missing or there twice; or
        if the arms of a fold and seed differ in training cases, test cases or classes.
    """
    check_design(arms, runs)
    check_same_cases(arms, classes, runs)
    ordered = sorted(runs, key=lambda run: (arms.index(run.arm), run.fold, run.seed))
    reference = [run for run in ordered if run.arm == arms[0]]
    return Results(
        name=name,
        arms=tuple(arms),
        classes=tuple(classes),
        cases=_table(ordered, ["case", "class", "dice"], lambda run: _dice_rows(run, classes)),
        losses=_table(ordered, ["step", "loss"], lambda run: run.losses),
        monitor=_table(ordered, ["step", "dice"], lambda run: run.monitor),
        seconds=pd.DataFrame(
            [{"arm": run.arm, "fold": run.fold, "seed": run.seed} | run.seconds for run in ordered]
        ),
        train_cases=_table(reference, ["case"], lambda run: [(case,) for case in run.train_cases])[
            ["fold", "seed", "case"]
        ],
        provenance=dict(provenance),
    )


def write_results(results: Results, comparison: pd.DataFrame, folder: StrPath) -> None:
    """Write ``results.json`` and ``cases.csv``, each whole or not at all.

    ``cases.csv`` starts with one comment line, ``# `` and the provenance as JSON:
    ``pandas.read_csv(path, comment="#")`` reads the table below it.

    Parameters
    ----------
    results : Results
    comparison : DataFrame
        From :func:`medaug.benchmark.statistics.compare.compare_arms`.
    folder : path
        It must exist.
    """
    summary = {
        "name": results.name,
        "arms": results.arms,
        "classes": results.classes,
        "comparison": comparison.to_dict("records"),
        "runs": _run_facts(results),
        "train_cases": [
            {"fold": fold, "seed": seed, "cases": group["case"].tolist()}
            for (fold, seed), group in results.train_cases.groupby(["fold", "seed"])
        ],
        "provenance": results.provenance,
    }
    write_atomically(Path(folder) / RESULTS_FILE, dump_json(summary) + "\n")
    # Texts are quoted, so that a # in the name of a case does not start a comment.
    table = results.cases.to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC)
    header = f"# {dump_json(results.provenance, indent=None)}\n"
    write_atomically(Path(folder) / CASES_FILE, header + table)


def _run_facts(results: Results) -> list[dict[str, Any]]:
    """Return a record for each run: its mean Dice, its last loss and its durations."""
    key = ["arm", "fold", "seed"]
    facts = results.seconds.set_index(key).add_suffix("_seconds")
    facts.insert(0, "dice", results.cases.groupby(key)["dice"].mean())
    facts.insert(1, "final_loss", results.losses.groupby(key)["loss"].last())
    records = facts.reset_index().to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in records]


def _table(
    runs: Sequence[RunResult],
    columns: list[str],
    rows: Callable[[RunResult], Iterable[tuple[Any, ...]]],
) -> pd.DataFrame:
    """Return the rows of all runs as one table, with the run's arm, fold and seed in front."""
    records = [(run.arm, run.fold, run.seed, *row) for run in runs for row in rows(run)]
    return pd.DataFrame(records, columns=["arm", "fold", "seed", *columns])


def _dice_rows(run: RunResult, classes: Sequence[str]) -> Iterable[tuple[str, str, float]]:
    return ((case, name, scores[name]) for case, scores in run.dice.items() for name in classes)
