"""A small search, and a stand-in for training that is a known function of the policy."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import tiny_benchmark
import yaml
from sqlalchemy import Engine, event

from medaug.benchmark import experiment
from medaug.benchmark.cases.phantom import make_phantom
from medaug.benchmark.experiment import Experiment
from medaug.benchmark.runs.key import RunKey
from medaug.benchmark.runs.result import RunResult
from medaug.benchmark.search import SearchConfig, load_search, trial

BENCHMARK: dict[str, Any] = {
    **tiny_benchmark.SETTINGS,
    "phantom": {"cases": 9, "shape": [26, 26, 26], "spacing_mm": 6.0},
    "folds": 3,
    "steps": 2,
}
SEARCH: dict[str, Any] = {
    "name": "try",
    "benchmark": "bench.yaml",
    "policy": "affine",
    "trials": 6,
    "inner_folds": 3,
    "startup_trials": 2,
    "judge_seeds": [0],
    "pruner": None,
}


@event.listens_for(Engine, "connect")
def _do_not_wait_for_the_disk(connection: Any, _: Any) -> None:
    """A search waits minutes for a trial, and its tests would wait most for the database."""
    connection.execute("PRAGMA synchronous=OFF")


#: Takes the numbers of the policy's RandSpatiald and the run; returns the Dice of both classes.
Score = Callable[[dict[str, Any], RunKey], "tuple[float, float]"]


def write(folder: Path, benchmark: dict[str, Any] | None = None, **changes: Any) -> Path:
    (folder / "bench.yaml").write_text(yaml.safe_dump(BENCHMARK | (benchmark or {})))
    path = folder / "search.yaml"
    path.write_text(yaml.safe_dump(SEARCH | changes))
    return path


def configure(
    folder: Path, benchmark: dict[str, Any] | None = None, **changes: Any
) -> SearchConfig:
    return load_search(write(folder, benchmark, **changes))


def near_half(numbers: dict[str, Any], key: RunKey) -> tuple[float, float]:
    """Best without scaling and with rotation in 0.3 of the samples; folds differ in level."""
    loss = (numbers["rotate_prob"] - 0.3) ** 2 + numbers["scale_prob"] ** 2
    return 0.9 - loss - 0.01 * key.fold, 0.7 - loss - 0.01 * key.fold


class FakeTraining:
    """Stands in for `execute_run` in this process; notes what it was given."""

    def __init__(self, score: Score = near_half) -> None:
        self.score = score
        self.runs: list[tuple[Experiment, RunKey]] = []

    def __call__(
        self, inner: Experiment, key: RunKey, checkpoint: Path
    ) -> tuple[RunResult, dict[str, Any]]:
        self.runs.append((inner, key))
        assert not checkpoint.exists()
        numbers = yaml.safe_load(inner.arms[0].text)[0]
        first, second = self.score(numbers, key)
        cases = [inner.case_set.cases[i].name for i in inner.fold(key.fold).test]
        rows = [(case, *row) for case in cases for row in (("a", first), ("b", second))]
        scores = pd.DataFrame(rows, columns=["case", "class", "dice"])
        empty = pd.DataFrame()
        return RunResult(key, ("x",), scores, empty, empty, [], [], 2, {"train": 0.0}), {}


_phantom = lru_cache(make_phantom)


def fake_training(monkeypatch: pytest.MonkeyPatch, score: Score = near_half) -> FakeTraining:
    fake = FakeTraining(score)
    monkeypatch.setattr(trial, "execute_run", fake)
    monkeypatch.setattr(experiment, "make_phantom", lambda config, **_: _phantom(config))
    return fake
