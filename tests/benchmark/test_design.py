from __future__ import annotations

import dataclasses
from itertools import product
from typing import Any

import pandas as pd
import pytest

from medaug.benchmark.design import check_runs, complete_blocks
from medaug.benchmark.runs.key import RunKey
from medaug.benchmark.runs.result import RunResult
from medaug.errors import InputError

KEYS = [RunKey(*key) for key in product(("none", "aug"), (2, "all"), (0, 1), (0,))]


def _run(key: RunKey, **changes: Any) -> RunResult:
    empty = pd.DataFrame()
    run = RunResult(
        key=key,
        train_cases=("t1", "t2"),
        scores=pd.DataFrame({"case": [f"case{key.fold}"], "class": ["a"], "dice": [0.5]}),
        shifted=empty,
        calibration=empty,
        losses=[],
        monitor=[],
        steps=1,
        seconds={},
    )
    return dataclasses.replace(run, **changes)


def _runs() -> list[RunResult]:
    return [_run(key) for key in KEYS]


def test_runs_of_one_benchmark_pass_even_if_some_are_missing() -> None:
    check_runs(KEYS, _runs())
    check_runs(KEYS, _runs()[:1])


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ([], "no finished runs"),
        ([*_runs(), _runs()[0]], "there more than once"),
        ([*_runs(), _run(RunKey("other", 2, 0, 0))], "none of this benchmark"),
        ([*_runs()[:-1], _run(KEYS[-1], train_cases=("t1", "t3"))], "trained on different"),
        (
            [*_runs()[:-1], _run(KEYS[-1], scores=_run(KEYS[0]).scores)],
            r"'none' and 'aug' were tested on different cases in fold 1, seed 0, with all",
        ),
        (
            [_run(KEYS[0], train_cases=("t1", "case0"))],
            "tested on the case 'case0', on which it was trained",
        ),
    ],
    ids=["none", "twice", "foreign", "trained", "tested", "leak"],
)
def test_runs_that_are_no_paired_design_are_refused(runs: list[RunResult], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_runs(KEYS, runs)


def _split(absent: set[tuple[str, str, int, int]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the tables of finished and missing runs of a 2 x 2 x 2 x 2 benchmark."""
    columns = ["arm", "train_cases", "fold", "seed"]
    keys = list(product(("none", "aug"), ("2", "all"), (0, 1), (0, 7)))
    finished = pd.DataFrame([key for key in keys if key not in absent], columns=columns)
    missing = pd.DataFrame([key for key in keys if key in absent], columns=columns)
    return finished, missing.assign(reason="it failed")


def _blocks(absent: set[tuple[str, str, int, int]]) -> set[tuple[str, int, int]]:
    return set(complete_blocks(*_split(absent)).itertuples(index=False, name=None))


def test_a_missing_run_takes_its_block_from_all_arms() -> None:
    everything = set(product(("2", "all"), (0, 1), (0, 7)))
    assert _blocks(set()) == everything
    assert _blocks({("aug", "2", 1, 7)}) == everything - {("2", 1, 7)}
    # A block that no arm has finished is none.
    both = {("aug", "2", 1, 7), ("none", "2", 1, 7)}
    assert _blocks(both) == everything - {("2", 1, 7)}


def test_an_arm_without_any_run_at_a_size_leaves_the_blocks_to_the_others() -> None:
    absent = {("aug", "2", fold, seed) for fold, seed in product((0, 1), (0, 7))}
    assert _blocks(absent) == set(product(("2", "all"), (0, 1), (0, 7)))


def test_there_may_be_no_block_that_all_arms_have_finished() -> None:
    absent = {("aug", "2", 0, seed) for seed in (0, 7)} | {("none", "2", 1, s) for s in (0, 7)}
    assert _blocks(absent) == set(product(("all",), (0, 1), (0, 7)))
