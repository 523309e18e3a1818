from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from medaug.benchmark import experiment, harness
from medaug.benchmark.config import BenchmarkConfig, load_config
from medaug.benchmark.experiment import prepare
from medaug.benchmark.harness import run_benchmark
from medaug.benchmark.progress import Progress
from medaug.benchmark.report.examples import pick_examples
from medaug.benchmark.run_result import RunResult
from medaug.benchmark.store import RunKey, RunStore
from medaug.errors import InputError
from medaug.policy import policy_path

SETTINGS: dict[str, Any] = {
    "name": "tiny",
    "phantom": {"cases": 4, "shape": [26, 26, 26], "spacing_mm": 6.0},
    "arms": ["none", "flip"],
    "folds": 2,
    "seeds": [0],
    "train_cases": 2,
    "steps": 3,
    "batch_size": 2,
    "patch_size": [16, 16, 16],
    "overlap": 0.0,
    "precision": "32-true",
    "monitor": {"cases": 1, "points": 2},
    "network": {
        "_target_": "monai.networks.nets.UNet",
        "spatial_dims": 3,
        "in_channels": "@in_channels",
        "out_channels": "@out_channels",
        "channels": [4, 8],
        "strides": [2],
    },
}

#: Runs SETTINGS-like benchmarks in a process of its own; arguments: configuration, output folder.
PROGRAM = """
import sys, torch
torch.set_num_threads(1)
from medaug.benchmark.config import load_config
from medaug.benchmark.harness import run_benchmark
run_benchmark(load_config(sys.argv[1]), sys.argv[2])
"""


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def write(folder: Path, **changes: Any) -> Path:
    path = folder / "bench.yaml"
    path.write_text(yaml.safe_dump(SETTINGS | changes))
    return path


def configure(folder: Path, **changes: Any) -> BenchmarkConfig:
    return load_config(write(folder, **changes))


def scores(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "cases.csv", comment="#")


class Watch(Progress):
    """Notes what was trained and what was reused, and can stop the benchmark on the way."""

    def __init__(self, stop_before: int | None = None) -> None:
        self.trained: list[RunKey] = []
        self.reused: list[RunKey] = []
        self._stop_before = stop_before
        self._runs = 0

    def run_started(self, _: RunKey) -> None:
        if self._runs == self._stop_before:
            raise KeyboardInterrupt
        self._runs += 1

    def run_finished(self, result: RunResult, *, reused: bool) -> None:
        noted = self.reused if reused else self.trained
        noted.append(RunKey(result.arm, result.fold, result.seed))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished benchmark. Tests must not write to it."""
    folder = tmp_path_factory.mktemp("finished")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    run_benchmark(configure(folder), folder / "out")
    torch.set_num_threads(threads)
    return folder / "out"


def test_a_benchmark_writes_all_its_files(finished: Path) -> None:
    names = {path.name for path in finished.iterdir()}
    assert names == {
        "manifest.json",
        "results.json",
        "cases.csv",
        "report.html",
        "summary.md",
        "differences.svg",
        "runs",
    }
    runs = {str(path.parent.relative_to(finished)) for path in finished.rglob("result.json")}
    assert runs == {f"runs/{arm}/fold{k}-seed0" for arm in ("none", "flip") for k in (0, 1)}


def test_every_case_is_tested_once_in_every_arm(finished: Path) -> None:
    table = scores(finished)
    counts = table.groupby(["arm", "case", "class"]).size()
    assert (counts == 1).all()
    assert len(counts) == 2 * 4 * 2


def test_results_tell_where_they_come_from(finished: Path) -> None:
    provenance = json.loads((finished / "results.json").read_text())["provenance"]
    assert {"torch", "monai", "numpy", "numba", "pytorch-lightning", "python", "medaug"} <= set(
        provenance["versions"]
    )
    assert provenance["configuration"]["steps"] == 3
    assert provenance["configuration"]["seeds"] == [0]
    assert set(provenance["policies"]) == {"none", "flip"}
    assert provenance["hardware"]["cores"] >= 1
    assert provenance["started"] <= provenance["finished"]
    assert provenance["quick"] is False
    assert provenance["data"]["fingerprint"]


def test_every_run_tells_what_made_it(finished: Path) -> None:
    runs = [RunResult.read(path).provenance for path in finished.rglob("result.json")]
    provenance = json.loads((finished / "results.json").read_text())["provenance"]
    assert provenance["started"] == min(run["started"] for run in runs)
    assert provenance["finished"] == max(run["finished"] for run in runs)
    assert {str(run["revision"]) for run in runs} == set(provenance["run_revisions"])
    assert all(run["versions"] == provenance["versions"] for run in runs)


def test_the_learning_curve_has_losses_and_monitored_dice(finished: Path) -> None:
    result = RunResult.read(finished / "runs/none/fold0-seed0/result.json")
    assert [step for step, _ in result.losses] == [1, 2, 3]
    assert [step for step, _ in result.monitor] == [2, 3]
    assert set(result.seconds) == {"train", "inference"}


def test_kept_predictions_are_what_was_scored(finished: Path) -> None:
    with np.load(finished / "runs/none/fold0-seed0/predictions.npz") as archive:
        names = archive["arr_0"].tolist()
        shapes = {archive[f"arr_{number + 1}"].shape for number in range(len(names))}
    result = RunResult.read(finished / "runs/none/fold0-seed0/result.json")
    assert names == list(result.dice)
    assert shapes == {(26, 26, 26)}


def test_examples_are_the_first_test_cases_with_every_arm_at_the_fullest_slice(
    tmp_path: Path, finished: Path
) -> None:
    experiment = prepare(configure(tmp_path))
    store = RunStore(finished, experiment.identity())
    examples = pick_examples(experiment, store)
    expected = [experiment.case_set.cases[position].name for position in experiment.folds[0].test]
    assert [example.case for example in examples] == expected
    for example, position in zip(examples, experiment.folds[0].test, strict=True):
        label = experiment.case_set.cases[position].label[0]
        assert np.count_nonzero(example.truth) == np.count_nonzero(label, axis=(0, 1)).max()
        assert example.image.shape == example.truth.shape == label.shape[:2]
        assert set(example.predictions) == set(example.dice) == {"none", "flip"}


def test_two_arms_of_one_policy_get_identical_results(tmp_path: Path) -> None:
    """Folds, initial weights, steps, sample order and patches are the same."""
    policy = tmp_path / "same.yaml"
    policy.write_text(policy_path("none").read_text())
    run_benchmark(configure(tmp_path, arms=["none", str(policy)]), tmp_path / "out")
    table = scores(tmp_path / "out").set_index(["fold", "seed", "case", "class"])
    first, second = table[table["arm"] == "none"], table[table["arm"] == "same"]
    pd.testing.assert_series_equal(first["dice"], second["dice"])
    runs = tmp_path / "out" / "runs"
    for run in ("fold0-seed0", "fold1-seed0"):
        ours = RunResult.read(runs / "none" / run / "result.json")
        theirs = RunResult.read(runs / "same" / run / "result.json")
        assert ours.losses == theirs.losses


def test_arms_train_on_the_same_cases_but_see_different_losses(finished: Path) -> None:
    for run in ("fold0-seed0", "fold1-seed0"):
        none = RunResult.read(finished / "runs/none" / run / "result.json")
        flip = RunResult.read(finished / "runs/flip" / run / "result.json")
        assert none.train_cases == flip.train_cases
        assert len(none.train_cases) == 2
        assert none.losses != flip.losses


def test_an_interrupted_benchmark_goes_on_with_the_runs_it_lacks(
    tmp_path: Path, finished: Path
) -> None:
    config, out = configure(tmp_path), tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run_benchmark(config, out, progress=Watch(stop_before=3))
    watch = Watch()
    run_benchmark(config, out, resume=True, progress=watch)
    assert len(watch.reused) == 3
    assert len(watch.trained) == 1
    pd.testing.assert_frame_equal(scores(out), scores(finished))


def test_a_killed_benchmark_resumes_to_the_results_of_an_undisturbed_one(
    tmp_path: Path, finished: Path
) -> None:
    path, out = write(tmp_path), tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(path), str(out)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    deadline = time.monotonic() + 120
    while not list(out.rglob("result.json")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = {path: path.stat().st_mtime_ns for path in out.rglob("result.json")}
    assert 0 < len(kept) < 4

    watch = Watch()
    run_benchmark(load_config(path), out, resume=True, progress=watch)
    assert len(watch.reused) == len(kept)
    assert len(watch.trained) == 4 - len(kept)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    pd.testing.assert_frame_equal(scores(out), scores(finished))


def test_a_diverging_run_stops_with_its_name_and_keeps_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, out = configure(tmp_path), tmp_path / "out"

    def prepare_broken(*args: Any, **options: Any) -> Any:
        experiment = prepare(*args, **options)
        none, flip = experiment.arms
        broken = replace(flip, policy=lambda data: data | {"image": data["image"] * float("nan")})
        broken.policy.set_random_state = lambda **_: None
        return replace(experiment, arms=(none, broken))

    monkeypatch.setattr(harness, "prepare", prepare_broken)
    with pytest.raises(InputError, match=r"^Run of arm 'flip', fold 0, seed 0: .* loss became nan"):
        run_benchmark(config, out)
    assert [path.parent.parent.name for path in out.rglob("result.json")] == ["none"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"arms": ["none", "nonne"]}, "nonne"),
        ({"folds": 5}, r"folds: 5 folds .* there are 4"),
        ({"train_cases": 3}, r"train_cases: 3 .* has 2"),
        ({"network": {"_target_": "no.such.Network"}}, "network: "),
        ({"arms": ["none", "none"]}, "arms: 'none' would be called 'none'"),
    ],
)
def test_wrong_input_stops_before_anything_is_written(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        run_benchmark(configure(tmp_path, **change), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_of_the_same_benchmark_wants_resume(tmp_path: Path, finished: Path) -> None:
    before = contents(finished)
    with pytest.raises(InputError, match=r"already holds this benchmark; add --resume"):
        run_benchmark(configure(tmp_path), finished)
    assert contents(finished) == before


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"steps": 4}, r"configuration.steps is 3 there and 4 here"),
        ({"phantom": SETTINGS["phantom"] | {"seed": 1}}, r"data.fingerprint is "),
        ({"arms": ["none"]}, r"arms is \[\"none\", \"flip\"\] there and \[\"none\"\] here"),
    ],
)
def test_a_folder_of_another_benchmark_is_refused_with_the_difference(
    tmp_path: Path, finished: Path, change: dict[str, Any], named: str
) -> None:
    before = contents(finished)
    with pytest.raises(InputError, match=named):
        run_benchmark(configure(tmp_path, **change), finished, resume=True)
    assert contents(finished) == before


def test_an_edited_policy_is_another_benchmark(tmp_path: Path) -> None:
    policy = tmp_path / "mine.yaml"
    policy.write_text(policy_path("none").read_text())
    config, out = configure(tmp_path, arms=[str(policy)]), tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run_benchmark(config, out, progress=Watch(stop_before=0))
    policy.write_text(policy_path("flip").read_text())
    with pytest.raises(InputError, match=r"policies\.mine is "):
        run_benchmark(config, out, resume=True)


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    store = RunStore(tmp_path, {"a": 1})
    store.check(resume=False)  # an empty folder is fine
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(InputError, match="none of a benchmark"):
        store.check(resume=True)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("")
    with pytest.raises(InputError, match="is a file"):
        RunStore(path, {}).check(resume=False)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"identity": '])
def test_a_broken_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(InputError, match=r"manifest\.json is not the manifest"):
        RunStore(tmp_path, {}).check(resume=True)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written to"):
        RunStore(tmp_path / "file" / "out", {}).create()


def test_a_run_without_its_result_is_not_finished(tmp_path: Path) -> None:
    store, key = RunStore(tmp_path, {}), RunKey("none", 0, 0)
    assert store.load(key) is None
    result = RunResult("none", 0, 0, ("b",), {"a/1": {"x": 0.5}}, [(1, 0.5)], [], {"train": 1.0})
    prediction = np.ones((2, 3, 4), np.uint8)
    store.save(result, {"a/1": prediction})
    assert store.load(key) == result
    assert np.array_equal(store.prediction(key, "a/1"), prediction)
    (tmp_path / "runs/none/fold0-seed0/result.json").unlink()
    assert store.load(key) is None


def test_wrong_data_stop_a_benchmark_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    settings = {key: value for key, value in SETTINGS.items() if key != "phantom"}
    path = tmp_path / "bench.yaml"
    path.write_text(yaml.safe_dump(settings | {"data": "scans"}))
    with pytest.raises(InputError, match="scans"):
        run_benchmark(load_config(path), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_single_arm_is_measured_without_a_comparison(tmp_path: Path) -> None:
    outcome = run_benchmark(configure(tmp_path, arms=["none"], steps=1), tmp_path / "out")
    assert "nothing to compare" in (outcome.folder / "summary.md").read_text()
    assert not (outcome.folder / "differences.svg").exists()


def test_a_class_called_mean_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    make = experiment.make_phantom
    monkeypatch.setattr(
        experiment,
        "make_phantom",
        lambda *given, **named: replace(make(*given, **named), classes=("mean", "core")),
    )
    with pytest.raises(InputError, match="a class is called 'mean'"):
        run_benchmark(configure(tmp_path), tmp_path / "out")
    assert not (tmp_path / "out").exists()
