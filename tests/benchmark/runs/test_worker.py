"""A run as a job: what a worker takes from the folder, and what it refuses to do."""

from __future__ import annotations

import dataclasses
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_benchmark
from tiny_benchmark import configure

from medaug.benchmark.experiment import Experiment, prepare
from medaug.benchmark.runs import worker
from medaug.benchmark.runs.run import execute_run
from medaug.benchmark.runs.store import RunStore
from medaug.benchmark.runs.worker import RunJob, SharedBenchmark, forget, perform, share
from medaug.errors import InputError


@pytest.fixture(autouse=True)
def _forget() -> Any:
    yield
    forget()


def shared(folder: Path, **changes: Any) -> tuple[Experiment, RunStore, SharedBenchmark]:
    experiment = prepare(configure(folder, **changes), trust=True)
    store = RunStore(folder / "out", experiment.identity())
    store.create()
    return experiment, store, share(experiment, store, "first")


def test_a_worker_needs_the_folder_only_and_keeps_what_the_run_would_be(tmp_path: Path) -> None:
    policy = tmp_path / "mine.yaml"
    policy.write_text("- {_target_: monai.transforms.RandFlipd, keys: [image, label], prob: 0.5}\n")
    experiment, store, benchmark = shared(tmp_path, arms=["none", str(policy)])
    key = experiment.keys[1]
    policy.unlink()
    (tmp_path / "bench.yaml").unlink()
    assert benchmark.folder.is_absolute()
    line = perform(RunJob(benchmark, key))
    kept = store.load(key)
    expected, predictions = execute_run(experiment, key, tmp_path / "checkpoint.pt")
    assert kept is not None
    assert line.startswith(f"{key}: mean Dice ")
    assert kept.losses == expected.losses
    assert kept.scores.equals(expected.scores)
    for case, prediction in predictions.items():
        np.testing.assert_array_equal(store.prediction(key, case), prediction)
    assert not store.checkpoint(key).exists()


def test_a_finished_run_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment, _, benchmark = shared(tmp_path)
    job = RunJob(benchmark, experiment.keys[0])
    line = perform(job)
    monkeypatch.setattr(worker, "execute_run", None)
    assert perform(job) == line


def test_the_cases_are_opened_once_a_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment, _, benchmark = shared(tmp_path, steps=1)
    opened = []
    open_cases = worker.open_shared_cases
    monkeypatch.setattr(
        worker, "open_shared_cases", lambda folder: opened.append(folder) or open_cases(folder)
    )
    for key in experiment.keys[:2]:
        perform(RunJob(benchmark, key))
    assert len(opened) == 1
    perform(RunJob(dataclasses.replace(benchmark, call="second"), experiment.keys[0]))
    assert len(opened) == 2


def test_a_worker_that_would_do_something_else_refuses(tmp_path: Path) -> None:
    experiment, store, benchmark = shared(tmp_path)
    file = store.shared_folder / "policies" / "flip.yaml"
    file.write_text(file.read_text().replace("0.5", "0.4"))
    with pytest.raises(InputError, match=r"would do another benchmark .*: policies\.flip is "):
        perform(RunJob(benchmark, experiment.keys[0]))
    assert not store.is_finished(experiment.keys[0])


def test_a_worker_that_does_not_see_the_folder_says_so(tmp_path: Path) -> None:
    experiment, _, benchmark = shared(tmp_path)
    elsewhere = dataclasses.replace(benchmark, folder=tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"elsewhere/shared/cases: .* cannot be read; .*same name"):
        perform(RunJob(elsewhere, experiment.keys[0]))


def test_what_auto_means_is_decided_before(tmp_path: Path) -> None:
    _, _, benchmark = shared(tmp_path, precision="auto")
    assert '"auto"' not in benchmark.settings.replace('"strategy":"auto"', "")


def test_the_arms_of_an_ablation_are_shared_like_others(tmp_path: Path) -> None:
    experiment, store, benchmark = shared(tmp_path, ablate="default", steps=1)
    assert len(experiment.arms) > 4
    perform(RunJob(benchmark, experiment.keys[-1]))
    assert store.is_finished(experiment.keys[-1])


def test_the_threads_of_a_worker_make_one_run_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment, _, benchmark = shared(tmp_path, steps=1)
    under_way: list[int] = [0]
    most: list[int] = [0]

    def watched(*given: Any) -> Any:
        under_way[0] += 1
        most[0] = max(most[0], under_way[0])
        time.sleep(0.05)
        made = execute_run(*given)
        under_way[0] -= 1
        return made

    monkeypatch.setattr(worker, "execute_run", watched)
    jobs = [RunJob(benchmark, key) for key in experiment.keys]
    threads = [threading.Thread(target=perform, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
    assert len(tiny_benchmark.results_of_runs(tmp_path / "out")) == 4
