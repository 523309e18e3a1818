"""Results from a benchmark's folder alone."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tiny_benchmark import configure, results_of_runs

from medaug.benchmark import harness
from medaug.benchmark.harness import Outcome, run_benchmark
from medaug.benchmark.load_results import load_results
from medaug.benchmark.results import NOT_RUN
from medaug.benchmark.runs.key import RunKey
from medaug.benchmark.runs.store import RunStore
from medaug.errors import InputError


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """A finished benchmark without its report. Tests must not write to its folder."""
    folder = tmp_path_factory.mktemp("load")
    changes: dict[str, Any] = {"train_cases": [1, 2], "main_train_cases": 1, "steps": 1}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(harness, "write_reports", lambda *_: None)
        outcome = run_benchmark(configure(folder, **changes), folder / "out")
    (folder / "bench.yaml").unlink()
    return outcome


@pytest.fixture
def copy(tmp_path: Path, outcome: Outcome) -> Path:
    return Path(shutil.copytree(outcome.folder, tmp_path / "copy"))


def test_results_are_those_of_the_benchmark_wherever_the_folder_is(
    outcome: Outcome, copy: Path
) -> None:
    loaded = load_results(copy)
    for field in dataclasses.fields(loaded):
        one, two = getattr(loaded, field.name), getattr(outcome.results, field.name)
        if isinstance(one, pd.DataFrame):
            pd.testing.assert_frame_equal(one, two, check_exact=True)
        else:
            assert one == two, field.name
    assert loaded.sizes == ("1", "2")
    assert loaded.main_size == "1"
    assert set(loaded.cost) == {"none", "flip"}
    assert min(loaded.cost.values()) > 0
    assert loaded.provenance["data"]["name"]
    assert str(outcome.folder.parent) not in (copy / "experiment.json").read_text()


def test_missing_runs_are_listed_with_their_reasons(copy: Path) -> None:
    runs = results_of_runs(copy)
    store = RunStore(copy, {})
    for name in ("flip/train1-fold0-seed0", "none/train2-fold1-seed0"):
        runs[name].unlink()
    store.save_failure(RunKey("flip", 1, 0, 0), "the memory ran out")
    missing = load_results(copy).missing
    assert missing.values.tolist() == [
        ["flip", "1", 0, 0, "the memory ran out"],
        ["none", "2", 1, 0, NOT_RUN],
    ]
    assert len(load_results(copy).runs) == 6


def test_a_folder_without_a_finished_run_tells_why(copy: Path) -> None:
    shutil.rmtree(copy / "runs")
    with pytest.raises(InputError, match=r"copy: no run is finished\. Continue it .*--resume"):
        load_results(copy)
    store = RunStore(copy, {})
    reasons = {"none": ["once", "twice", "twice", "b"], "flip": ["c"]}
    for arm, texts in reasons.items():
        for number, reason in enumerate(texts):
            store.save_failure(RunKey(arm, 1 + number // 2, number % 2, 0), reason)
    with pytest.raises(
        InputError, match=r"finished\. twice \(2 runs\); once \(1 run\); c \(1 run\); and 1 more"
    ):
        load_results(copy)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no benchmark; name the output folder"):
        load_results(tmp_path)


@pytest.mark.parametrize("name", ["experiment.json", "cost.json"])
def test_a_broken_file_is_named(copy: Path, name: str) -> None:
    (copy / name).write_text("3")
    with pytest.raises(InputError, match=rf"{name} is broken; .*--resume"):
        load_results(copy)
