"""Whether runs form a paired design, and which of them can be compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd

from medaug.benchmark.runs.key import RunKey
from medaug.benchmark.runs.result import RunResult
from medaug.errors import InputError

#: What the runs of one block share; they differ in the arm.
BLOCK = ["train_cases", "fold", "seed"]


def check_runs(keys: Sequence[RunKey], runs: Sequence[RunResult]) -> None:
    """Refuse runs that cannot be of one benchmark.

    Raises
    ------
    InputError
        If there are none; if a run is there twice or belongs to no arm, size, fold and seed of the
        benchmark; if one was tested on a case that it was trained on; or if the arms of a block
        were trained or tested on different cases.
    """
    if not runs:
        raise InputError("There are no finished runs to compare. Run the benchmark first.")
    wanted = set(keys)
    for key, count in Counter(run.key for run in runs).items():
        if key not in wanted or count > 1:
            problem = "is there more than once" if count > 1 else "is none of this benchmark"
            raise InputError(f"The run of {key} {problem}; make its runs again in a new folder.")
    first: dict[tuple[int | str, int, int], RunResult] = {}
    for run in runs:
        _check_unseen(run)
        block = (run.key.train_cases, run.key.fold, run.key.seed)
        expected = first.setdefault(block, run)
        for what, cases in (("trained", _trained), ("tested", _tested)):
            if cases(run) != cases(expected):
                raise InputError(
                    f"Arms '{expected.key.arm}' and '{run.key.arm}' were {what} on different cases "
                    f"in fold {run.key.fold}, seed {run.key.seed}, with {run.key.train_cases} "
                    "training cases; make their runs again with one configuration."
                )


def _check_unseen(run: RunResult) -> None:
    seen = sorted(_trained(run) & {case for case, _ in _tested(run)})
    if seen:
        raise InputError(
            f"The run of {run.key} was tested on the case '{seen[0]}', on which it was trained; "
            "delete its folder to have it made again."
        )


def _trained(run: RunResult) -> set[str]:
    return set(run.train_cases)


def _tested(run: RunResult) -> set[tuple[str, str]]:
    return set(zip(run.scores["case"], run.scores["class"], strict=True))


def complete_blocks(runs: pd.DataFrame, missing: pd.DataFrame) -> pd.DataFrame:
    """Return the blocks that every arm has finished: only there is a comparison fair.

    A missing run takes its block from all arms, so that all are judged on the same cases. An arm
    that has no run at all at a size is left out of that size, instead of taking all blocks with it.
    `medaug.benchmark.left_out.left_out` tells of both.

    Parameters
    ----------
    runs, missing : DataFrame
        As `medaug.benchmark.results.Results` has them.

    Returns
    -------
    DataFrame
        Columns ``train_cases``, ``fold``, ``seed``.
    """
    at_size = set(_rows(runs, ["arm", "train_cases"]))
    lacking = {
        block
        for arm, block in zip(missing["arm"], _rows(missing, BLOCK), strict=True)
        if (arm, block[0]) in at_size
    }
    there = dict.fromkeys(_rows(runs, BLOCK))
    return pd.DataFrame([block for block in there if block not in lacking], columns=BLOCK)


def _rows(table: pd.DataFrame, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    return list(table[list(columns)].itertuples(index=False, name=None))
