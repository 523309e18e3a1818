"""What a whole benchmark measured, and its files."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from medaug.benchmark.design import check_runs
from medaug.benchmark.runs.key import RunKey
from medaug.benchmark.runs.result import RunResult
from medaug.io.files import dump_json, write_atomically
from medaug.typing import StrPath

RESULTS_FILE = "results.json"
CASES_FILE = "cases.csv"

#: Why a run is missing of which nothing else is known.
NOT_RUN = "not run yet"

#: The columns that name a run, in every table.
RUN_COLUMNS = ["arm", "train_cases", "fold", "seed"]


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
        The regions that are scored.
    sizes : tuple of str
        The sizes of the training set, ascending, such as ``("5", "10", "all")``.
    main_size : str
        The one that the answer is about.
    scores : DataFrame
        Columns of the run (``arm``, ``train_cases`` as in `sizes`, ``fold``, ``seed``), ``case``,
        ``patient``, ``class`` and the measures.
    shifted : DataFrame
        Columns of the run, ``corruption``, ``severity``, ``case``, ``patient``, ``class`` and
        ``dice``.
    calibration : DataFrame
        Columns of the run, ``case``, ``bin``, ``voxels``, ``confidence``, ``correct``.
    losses : DataFrame
        Columns of the run, ``step``, ``loss``.
    monitor : DataFrame
        Columns of the run, ``step``, ``dice``.
    runs : DataFrame
        Columns of the run, ``n_train_cases``, ``steps``, ``train_seconds``, ``test_seconds``.
    train_cases : DataFrame
        Columns ``train_cases``, ``fold``, ``seed``, ``case``: the same for each arm.
    missing : DataFrame
        Columns of the run and ``reason``: the runs that should be there and are not.
    cost : dict of arm to float
        CPU seconds that the arm's augmentation takes for a sample; empty if not measured.
    provenance : dict
        Plain JSON: versions, seeds, configuration, hardware, command, times.
    """

    name: str
    arms: tuple[str, ...]
    classes: tuple[str, ...]
    sizes: tuple[str, ...]
    main_size: str
    scores: pd.DataFrame
    shifted: pd.DataFrame
    calibration: pd.DataFrame
    losses: pd.DataFrame
    monitor: pd.DataFrame
    runs: pd.DataFrame
    train_cases: pd.DataFrame
    missing: pd.DataFrame
    cost: dict[str, float]
    provenance: dict[str, Any]


def collect_results(
    name: str,
    *,
    classes: Sequence[str],
    main_size: int | str,
    keys: Sequence[RunKey],
    runs: Sequence[RunResult],
    failures: Mapping[RunKey, str],
    patients: Mapping[str, str],
    cost: Mapping[str, float],
    provenance: Mapping[str, Any],
) -> Results:
    """Put the runs of a benchmark together.

    Parameters
    ----------
    name : str
        The benchmark's name.
    classes : sequence of str
        The regions, in the order of every table.
    main_size : int or 'all'
        The size of the training set that the answer is about.
    keys : sequence of RunKey
        All runs of the benchmark, finished or not; their first arm is the reference.
    runs : sequence of RunResult
        The finished ones, in any order.
    failures : mapping of RunKey to str
        Why runs are missing, where that is known.
    patients : mapping of str to str
        Whose scan each case is.
    cost : mapping of str to float
        CPU seconds a sample of each arm.
    provenance : mapping
        Plain JSON: versions, seeds, configuration, hardware, command, times.

    Returns
    -------
    Results
        With rows in the order of the arms, then size, fold, seed, and `classes`.

    Raises
    ------
    InputError
        If no run is finished; or if the arms of a fold and seed differ in training cases or test
        cases, which one configuration cannot bring about.
    """
    check_runs(keys, runs)
    arms = list(dict.fromkeys(key.arm for key in keys))
    sizes = sorted({key.train_cases for key in keys}, key=_by_size)
    ordered = sorted(
        runs,
        key=lambda run: (
            arms.index(run.key.arm),
            sizes.index(run.key.train_cases),
            run.key.fold,
            run.key.seed,
        ),
    )
    finished = {run.key for run in runs}
    absent = [key for key in keys if key not in finished]
    return Results(
        name=name,
        arms=tuple(arms),
        classes=tuple(classes),
        sizes=tuple(map(str, sizes)),
        main_size=str(main_size),
        scores=_with_patients(_stack(ordered, "scores"), patients),
        shifted=_with_patients(_stack(ordered, "shifted"), patients),
        calibration=_stack(ordered, "calibration"),
        losses=_table(["step", "loss"], ((run.key, row) for run in ordered for row in run.losses)),
        monitor=_table(
            ["step", "dice"], ((run.key, row) for run in ordered for row in run.monitor)
        ),
        runs=_table(
            ["n_train_cases", "steps", "train_seconds", "test_seconds"],
            ((run.key, _facts(run)) for run in ordered),
        ),
        train_cases=_table(
            ["case"], ((run.key, [case]) for run in ordered for case in run.train_cases)
        )
        .drop(columns="arm")
        .drop_duplicates(ignore_index=True),
        missing=_table(["reason"], ((key, [failures.get(key, NOT_RUN)]) for key in absent)),
        cost=dict(cost),
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
        From :func:`medaug.benchmark.analysis.analyse`.
    folder : path
        It must exist.
    """
    summary = {
        "name": results.name,
        "arms": results.arms,
        "classes": results.classes,
        "sizes": results.sizes,
        "main_size": results.main_size,
        "comparison": comparison.to_dict("records"),
        "cost": results.cost,
        "missing": results.missing.to_dict("records"),
        "runs": _run_facts(results),
        "train_cases": [
            dict(zip(RUN_COLUMNS[1:], run, strict=True)) | {"cases": group["case"].tolist()}
            for run, group in results.train_cases.groupby(RUN_COLUMNS[1:], sort=False)
        ],
        "provenance": results.provenance,
    }
    write_atomically(Path(folder) / RESULTS_FILE, dump_json(summary) + "\n")
    # Texts are quoted, so that a # in the name of a case does not start a comment.
    table = results.scores.to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC)
    header = f"# {dump_json(results.provenance, indent=None)}\n"
    write_atomically(Path(folder) / CASES_FILE, header + table)


def _run_facts(results: Results) -> list[dict[str, Any]]:
    """Return a record for each run: its mean Dice, its last loss and its durations."""
    facts = results.runs.set_index(RUN_COLUMNS)
    facts.insert(0, "dice", results.scores.groupby(RUN_COLUMNS)["dice"].mean())
    facts.insert(1, "final_loss", results.losses.groupby(RUN_COLUMNS)["loss"].last())
    records = facts.reset_index().to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in records]


def _by_size(size: int | str) -> float:
    return float(size) if isinstance(size, int) else math.inf


def _facts(run: RunResult) -> Sequence[Any]:
    return [len(run.train_cases), run.steps, run.seconds["train"], run.seconds["test"]]


def _table(columns: list[str], rows: Iterable[tuple[RunKey, Sequence[Any]]]) -> pd.DataFrame:
    """Return rows of all runs as one table, with the columns of the run in front."""
    return pd.DataFrame(
        [(key.arm, str(key.train_cases), key.fold, key.seed, *row) for key, row in rows],
        columns=[*RUN_COLUMNS, *columns],
    )


def _stack(runs: Sequence[RunResult], name: str) -> pd.DataFrame:
    """Return one table of all runs, stacked, with the columns of the run in front."""
    parts = []
    for run in runs:
        part: pd.DataFrame = getattr(run, name).copy()
        facts: tuple[Any, ...] = (
            run.key.arm,
            str(run.key.train_cases),
            run.key.fold,
            run.key.seed,
        )
        for place, (column, value) in enumerate(zip(RUN_COLUMNS, facts, strict=True)):
            part.insert(place, column, value)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _with_patients(table: pd.DataFrame, patients: Mapping[str, str]) -> pd.DataFrame:
    place = list(table.columns).index("case")
    table.insert(place + 1, "patient", table["case"].map(patients))
    return table
