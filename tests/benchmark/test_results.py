from __future__ import annotations

import dataclasses
import json
import math
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from medaug.benchmark.results import Results, collect_results, write_results
from medaug.benchmark.run_result import RunResult
from medaug.benchmark.statistics.compare import compare_arms
from medaug.errors import InputError
from medaug.io.files import dump_json, write_atomically

ARMS, CLASSES = ("none", "aug"), ("a", "b")
PROVENANCE: dict[str, Any] = {"versions": {"medaug": "1"}, "configuration": {"steps": 2}}


def _run(arm: str = "none", fold: int = 0, seed: int = 0, **changes: Any) -> RunResult:
    test = [f"case{fold}{index}" for index in range(2)]
    run = RunResult(
        arm=arm,
        fold=fold,
        seed=seed,
        train_cases=("t1", "t2"),
        dice={case: {"a": 0.5 + 0.1 * (arm == "aug"), "b": 0.25} for case in test},
        losses=[(1, 1.5), (2, 1.0)],
        monitor=[(2, 0.4)],
        seconds={"train": 3.0, "augment_per_sample": 0.5},
    )
    return dataclasses.replace(run, **changes)


def _runs() -> list[RunResult]:
    return [_run(*key) for key in product(ARMS, (0, 1), (0, 7))]


def _collect(runs: list[RunResult]) -> Results:
    return collect_results("demo", ARMS, CLASSES, runs, PROVENANCE)


def _write(results: Results, folder: Path) -> None:
    comparison = compare_arms(results.cases, rng=np.random.default_rng(0))
    write_results(results, comparison, folder)


def _strict_json(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_run_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    run = _run(seed=3)
    run.write(tmp_path / "run.json")
    assert RunResult.read(tmp_path / "run.json") == run


def test_undefined_dice_is_null_in_the_file_and_nan_again_when_read() -> None:
    text = _run(dice={"case": {"a": math.nan, "b": 0.5}}, losses=[(1, math.inf)]).to_json()
    assert _strict_json(text)["dice"]["case"] == {"a": None, "b": 0.5}
    assert _strict_json(text)["losses"] == [[1, None]]
    assert math.isnan(RunResult.from_json(text).dice["case"]["a"])


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"arm": "none", "fold"', "null"])
def test_file_that_is_no_run_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"run\.json is not the record of a run"):
        RunResult.read(path)


def test_tables_hold_every_run_in_the_order_of_the_arms() -> None:
    results = _collect(_runs()[::-1])
    assert results.cases["arm"].unique().tolist() == list(ARMS)
    assert len(results.cases) == 8 * 2 * 2
    assert results.losses.columns.tolist() == ["arm", "fold", "seed", "step", "loss"]
    assert results.monitor.columns.tolist() == ["arm", "fold", "seed", "step", "dice"]
    assert len(results.seconds) == 8
    assert results.seconds["train"].tolist() == [3.0] * 8
    assert len(results.train_cases) == 2 * 2 * 2
    dice = results.cases.set_index(["arm", "fold", "seed", "case", "class"])["dice"]
    assert dice["aug", 1, 7, "case10", "a"] == 0.6


def test_no_runs_are_refused() -> None:
    with pytest.raises(InputError, match="no finished runs"):
        _collect([])


@pytest.mark.parametrize("position", [0, 3, 7])
def test_a_missing_run_is_refused(position: int) -> None:
    runs = _runs()
    missing = runs.pop(position)
    name = f"arm '{missing.arm}', fold {missing.fold}, seed {missing.seed} is missing"
    with pytest.raises(InputError, match=name):
        _collect(runs)


def test_a_run_that_is_there_twice_is_refused() -> None:
    with pytest.raises(InputError, match="arm 'aug', fold 1, seed 0 is there more than once"):
        _collect([*_runs(), _run("aug", 1, 0)])


def test_a_run_of_another_arm_is_refused() -> None:
    with pytest.raises(InputError, match="arm 'other', fold 0, seed 0 belongs to no arm"):
        _collect([*_runs(), _run("other")])


def test_arms_tested_on_different_cases_are_refused() -> None:
    runs = _runs()
    del runs[-1].dice["case11"]
    with pytest.raises(InputError, match="Case 'case11' was tested in only one of the arms"):
        _collect(runs)


def test_arms_trained_on_different_cases_are_refused() -> None:
    runs = _runs()
    runs[-1] = dataclasses.replace(runs[-1], train_cases=("t1", "t3"))
    with pytest.raises(InputError, match="trained on different cases in fold 1, seed 7"):
        _collect(runs)


def test_a_case_without_one_of_the_classes_is_refused() -> None:
    runs = _runs()
    del runs[2].dice["case10"]["b"]
    with pytest.raises(InputError, match=r"Case 'case10' of arm 'none' .* instead of a, b"):
        _collect(runs)


def test_results_file_holds_comparison_runs_and_provenance_as_valid_json(tmp_path: Path) -> None:
    runs = _runs()
    runs[0].dice["case00"]["a"] = math.nan
    results = _collect(runs)
    _write(results, tmp_path)
    content = _strict_json((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert content["provenance"] == PROVENANCE
    assert content["arms"] == list(ARMS)
    assert len(content["comparison"]) == 2 * 3
    assert content["comparison"][0]["p_value"] is None
    assert content["comparison"][3]["difference"] == pytest.approx(0.1)
    assert len(content["runs"]) == 8
    assert content["runs"][1] == {
        "arm": "none",
        "fold": 0,
        "seed": 7,
        "dice": 0.375,
        "final_loss": 1.0,
        "train_seconds": 3.0,
        "augment_per_sample_seconds": 0.5,
    }
    assert content["train_cases"][0] == {"fold": 0, "seed": 0, "cases": ["t1", "t2"]}


def test_cases_file_reads_back_equal_below_its_provenance(tmp_path: Path) -> None:
    dice = {"scan#1": {"a": math.nan, "b": 1 / 3}, '1, "odd"': {"a": 0.0, "b": 1.0}}
    runs = [dataclasses.replace(run, dice=dice) for run in _runs()]
    results = _collect(runs)
    _write(results, tmp_path)
    path = tmp_path / "cases.csv"
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert _strict_json(first.removeprefix("# ")) == PROVENANCE
    pd.testing.assert_frame_equal(pd.read_csv(path, comment="#"), results.cases)


def test_writing_leaves_no_temporary_files(tmp_path: Path) -> None:
    _write(_collect(_runs()), tmp_path)
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
