from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from medaug.benchmark.results import NOT_RUN, Results, collect_results, write_results
from medaug.benchmark.runs.key import RunKey
from medaug.benchmark.runs.result import RunResult
from medaug.benchmark.testing.measures import MEASURES
from medaug.errors import InputError
from medaug.io.files import dump_json, write_atomically

ARMS, CLASSES, SIZES = ("none", "aug"), ("a", "b"), (2, "all")
PROVENANCE: dict[str, Any] = {"versions": {"medaug": "1"}, "configuration": {"steps": 2}}
KEYS = [RunKey(*key) for key in product(ARMS, SIZES, (0, 1), (0, 7))]
COMPARISON = pd.DataFrame({"arm": ["none", "aug"], "difference": [math.nan, 0.1]})


def _scores(cases: Sequence[str], dice: float = 0.5) -> pd.DataFrame:
    rows = [
        {"case": case, "class": name} | {measure.name: dice for measure in MEASURES}
        for case, name in product(cases, CLASSES)
    ]
    return pd.DataFrame(rows)


def _run(key: RunKey, **changes: Any) -> RunResult:
    test = [f"case{key.fold}{index}" for index in range(2)]
    run = RunResult(
        key=key,
        train_cases=("t1", "t2") if key.train_cases == 2 else ("t1", "t2", "t3"),
        scores=_scores(test, 0.5 + 0.1 * (key.arm == "aug")),
        shifted=pd.DataFrame(
            [("noise", 3, test[0], "a", 0.25)],
            columns=["corruption", "severity", "case", "class", "dice"],
        ),
        calibration=pd.DataFrame(
            [(test[0], 14, 100, 99.5, 98)],
            columns=["case", "bin", "voxels", "confidence", "correct"],
        ),
        losses=[(1, 1.5), (2, 1.0)],
        monitor=[(2, 0.4)],
        steps=2,
        seconds={"train": 3.0, "test": 0.5},
    )
    return dataclasses.replace(run, **changes)


def _runs() -> list[RunResult]:
    return [_run(key) for key in KEYS]


def _collect(runs: list[RunResult], failures: dict[RunKey, str] | None = None) -> Results:
    return collect_results(
        "demo",
        classes=CLASSES,
        main_size="all",
        keys=KEYS,
        runs=runs,
        failures=failures or {},
        patients={f"case{fold}{index}": f"p{fold}" for fold, index in product((0, 1), (0, 1))},
        cost={"none": 0.001},
        provenance=PROVENANCE,
    )


def _strict_json(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def _assert_same(run: RunResult, other: RunResult) -> None:
    for field in dataclasses.fields(RunResult):
        one, two = getattr(run, field.name), getattr(other, field.name)
        if isinstance(one, pd.DataFrame):
            pd.testing.assert_frame_equal(one, two, check_dtype=not one.empty)
        else:
            assert one == two, field.name


@pytest.mark.parametrize("key", [KEYS[0], KEYS[-1]], ids=str)
def test_run_comes_back_from_its_file_as_it_was(tmp_path: Path, key: RunKey) -> None:
    run = _run(key)
    run.write(tmp_path / "run.json")
    _assert_same(RunResult.read(tmp_path / "run.json"), run)


def test_tables_without_rows_come_back_with_their_columns() -> None:
    run = _run(KEYS[0])
    run = dataclasses.replace(run, shifted=run.shifted[:0], calibration=run.calibration[:0])
    again = RunResult.from_json(run.to_json())
    _assert_same(again, run)
    assert again.shifted["severity"].dtype == "int64"
    assert again.shifted["dice"].dtype == "float64"


def test_undefined_dice_is_null_in_the_file_and_nan_again_when_read() -> None:
    text = _run(KEYS[0], scores=_scores(["c"], math.nan), losses=[(1, math.inf)]).to_json()
    assert _strict_json(text)["scores"]["dice"] == [None, None]
    assert _strict_json(text)["losses"] == [[1, None]]
    again = RunResult.from_json(text)
    assert again.scores["dice"].isna().all()
    assert again.scores["dice"].dtype == "float64"


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"key": "none", "fold"', "null"])
def test_file_that_is_no_run_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"run\.json is not the record of a run"):
        RunResult.read(path)


def test_tables_hold_every_run_in_the_order_of_arms_and_sizes() -> None:
    results = _collect(_runs()[::-1])
    assert results.arms == ARMS
    assert results.sizes == ("2", "all")
    run = ["arm", "train_cases", "fold", "seed"]
    assert results.scores[run].drop_duplicates().values.tolist() == [
        [key.arm, str(key.train_cases), key.fold, key.seed] for key in KEYS
    ]
    assert len(results.scores) == 16 * 2 * 2
    assert results.losses.columns.tolist() == [*run, "step", "loss"]
    assert results.monitor.columns.tolist() == [*run, "step", "dice"]
    assert results.runs["n_train_cases"].tolist() == [2, 2, 2, 2, 3, 3, 3, 3] * 2
    assert results.runs["train_seconds"].tolist() == [3.0] * 16
    assert len(results.train_cases) == 4 * 2 + 4 * 3
    dice = results.scores.set_index([*run, "case", "class"])["dice"]
    assert dice["aug", "2", 1, 7, "case10", "a"] == 0.6
    assert results.missing.empty


def test_every_case_has_its_patient() -> None:
    results = _collect(_runs())
    for table in (results.scores, results.shifted):
        assert (table["patient"] == "p" + table["case"].str[4]).all()


def test_runs_that_are_not_there_are_listed_with_the_reason() -> None:
    failed, absent = KEYS[3], KEYS[9]
    runs = [_run(key) for key in KEYS if key not in (failed, absent)]
    missing = _collect(runs, {failed: "the loss became nan"}).missing
    assert missing.values.tolist() == [
        [failed.arm, "2", 1, 7, "the loss became nan"],
        [absent.arm, "2", 0, 7, NOT_RUN],
    ]


def test_no_runs_are_refused() -> None:
    with pytest.raises(InputError, match="no finished runs"):
        _collect([])


def test_a_run_that_is_there_twice_is_refused() -> None:
    with pytest.raises(InputError, match=r"arm 'aug', 2 training cases, fold 1, seed 0 is there"):
        _collect([*_runs(), _run(RunKey("aug", 2, 1, 0))])


def test_a_run_of_another_arm_is_refused() -> None:
    with pytest.raises(InputError, match="arm 'other', 2 training cases, fold 0, seed 0 is none"):
        _collect([*_runs(), _run(RunKey("other", 2, 0, 0))])


def test_arms_tested_on_different_cases_are_refused() -> None:
    runs = _runs()
    runs[-1] = dataclasses.replace(runs[-1], scores=runs[-1].scores[:2])
    with pytest.raises(InputError, match="tested on different cases in fold 1, seed 7"):
        _collect(runs)


def test_arms_trained_on_different_cases_are_refused() -> None:
    runs = _runs()
    runs[-1] = dataclasses.replace(runs[-1], train_cases=("t1", "t4"))
    with pytest.raises(InputError, match="trained on different cases in fold 1, seed 7"):
        _collect(runs)


def test_results_file_holds_comparison_runs_and_provenance_as_valid_json(tmp_path: Path) -> None:
    results = _collect(_runs()[:-1])
    write_results(results, COMPARISON, tmp_path)
    content = _strict_json((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert content["provenance"] == PROVENANCE
    assert content["arms"] == list(ARMS)
    assert content["sizes"] == ["2", "all"]
    assert content["main_size"] == "all"
    assert content["comparison"][0]["difference"] is None
    assert content["cost"] == {"none": 0.001}
    assert [row["reason"] for row in content["missing"]] == [NOT_RUN]
    assert len(content["runs"]) == 15
    assert content["runs"][1] == {
        "arm": "none",
        "train_cases": "2",
        "fold": 0,
        "seed": 7,
        "dice": 0.5,
        "final_loss": 1.0,
        "n_train_cases": 2,
        "steps": 2,
        "train_seconds": 3.0,
        "test_seconds": 0.5,
    }
    assert content["train_cases"][0] == {
        "train_cases": "2",
        "fold": 0,
        "seed": 0,
        "cases": ["t1", "t2"],
    }


def test_cases_file_reads_back_equal_below_its_provenance(tmp_path: Path) -> None:
    results = _collect(_runs())
    scores = results.scores.copy()
    scores["case"] = scores["case"].str.replace("case0", 'scan#1, "odd"')
    scores.loc[3, "dice"] = math.nan
    scores.loc[4, "dice"] = 1 / 3
    results = dataclasses.replace(results, scores=scores)
    write_results(results, COMPARISON, tmp_path)
    path = tmp_path / "cases.csv"
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert _strict_json(first.removeprefix("# ")) == PROVENANCE
    again = pd.read_csv(path, comment="#", dtype={"train_cases": str})
    pd.testing.assert_frame_equal(again, results.scores)


def test_writing_leaves_no_temporary_files(tmp_path: Path) -> None:
    write_results(_collect(_runs()), COMPARISON, tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["cases.csv", "results.json"]


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "results.json"
    write_atomically(path, "old")

    def fail(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_numpy_numbers_become_plain_json() -> None:
    value = {"count": np.int64(3), "values": (np.float32(0.5), np.float64("nan")), "on": np.True_}
    assert _strict_json(dump_json(value)) == {"count": 3, "values": [0.5, None], "on": True}
