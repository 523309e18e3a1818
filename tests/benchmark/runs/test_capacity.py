"""How many trainings fit at a time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_benchmark import configure

from medaug.benchmark.experiment import Experiment, prepare
from medaug.benchmark.runs import capacity
from medaug.benchmark.runs.capacity import bytes_of_run, fitting_workers
from medaug.benchmark.runtime import Runtime

GB = 2**30


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    return prepare(configure(tmp_path_factory.mktemp("capacity"), workers=None))


def changed(experiment: Experiment, runtime: Runtime | None = None, **config: Any) -> Experiment:
    return replace(
        experiment,
        config=experiment.config.model_copy(update=config),
        runtime=runtime or experiment.runtime,
    )


@pytest.mark.parametrize(
    ("cores", "runs_in_memory", "changes", "expected"),
    [
        (8, 100, {}, 8),
        (8, 3.5, {}, 3),
        (8, None, {}, 8),
        (8, 0.1, {}, 1),
        (8, 100, {"threads": 3}, 2),
        (2, 100, {"threads": 4}, 1),
        (8, 100, {"runtime": Runtime("cpu", "32-true", devices=2)}, 4),
        (8, 100, {"runtime": Runtime("cuda", "16-mixed")}, 1),
        (8, 100, {"quick": True}, 1),
    ],
)
def test_as_many_fit_as_there_are_cores_and_memory_for(  # noqa: PLR0917 - a table
    monkeypatch: pytest.MonkeyPatch,
    experiment: Experiment,
    cores: int,
    runs_in_memory: float | None,
    changes: dict[str, Any],
    expected: int,
) -> None:
    memory = None if runs_in_memory is None else int(runs_in_memory * bytes_of_run(experiment))
    monkeypatch.setattr(capacity, "default_workers", lambda: cores)
    monkeypatch.setattr(capacity, "available_memory", lambda: memory)
    assert fitting_workers(changed(experiment, **changes)) == expected


def test_the_estimate_grows_with_what_a_step_keeps(experiment: Experiment) -> None:
    base, more, most = (bytes_of_run(changed(experiment, batch_size=size)) for size in (2, 12, 22))
    assert 0.7 * GB < base < GB
    assert most - more == pytest.approx(more - base, rel=1e-3)
    a_channel = 4 * 16**3  # float32
    assert more - base > 10 * 5 * a_channel


def test_the_estimate_does_not_touch_the_global_generator(experiment: Experiment) -> None:
    network = dict(experiment.config.network or {}, dropout=0.5)
    torch.manual_seed(3)
    bytes_of_run(changed(experiment, network=network))
    drawn = torch.rand(1)
    torch.manual_seed(3)
    assert drawn == torch.rand(1)


def test_the_estimate_counts_the_largest_case(experiment: Experiment, tmp_path: Path) -> None:
    case = experiment.case_set.cases[0]
    large = replace(case, label=case.label.repeat(64, axis=3))
    cases = (*experiment.case_set.cases, large)
    larger = replace(experiment, case_set=replace(experiment.case_set, cases=cases))
    more = bytes_of_run(larger) - bytes_of_run(experiment)
    volume = 4 * (experiment.n_classes + 1) * (large.label.size - case.label.size)
    assert 3 * volume < more < 12 * volume
