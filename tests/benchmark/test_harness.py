"""A benchmark from configuration to report, with all that can come in between."""

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
import tiny_benchmark
import torch
import yaml
from tiny_benchmark import SETTINGS, Lines, configure, results_of_runs, scores, write

from medaug.benchmark import experiment, harness
from medaug.benchmark.experiment import prepare
from medaug.benchmark.harness import run_benchmark
from medaug.benchmark.load_config import load_config
from medaug.benchmark.load_results import load_results
from medaug.benchmark.runs.key import RunKey
from medaug.benchmark.runs.result import RunResult
from medaug.benchmark.runs.store import RunStore
from medaug.benchmark.training import loop
from medaug.errors import InputError
from medaug.policy import policy_path

#: Runs a benchmark in a process of its own; arguments: configuration, output folder.
PROGRAM = """
import sys
from medaug.benchmark.load_config import load_config
from medaug.benchmark.harness import run_benchmark
if __name__ == "__main__":
    run_benchmark(load_config(sys.argv[1]), sys.argv[2])
"""


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what takes longer than the runs."""
    monkeypatch.setattr(harness, "write_reports", lambda *_: None)
    monkeypatch.setattr(
        harness, "measure_cost", lambda exp, **_: dict.fromkeys((a.label for a in exp.arms), 0.5)
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished benchmark. Tests must not write to it."""
    folder = tmp_path_factory.mktemp("finished")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    run_benchmark(configure(folder), folder / "out")
    torch.set_num_threads(threads)
    return folder / "out"


def test_a_benchmark_writes_all_its_files_and_leaves_no_others(finished: Path) -> None:
    assert {path.name for path in finished.iterdir()} == {
        "manifest.json",
        "experiment.json",
        "cost.json",
        "results.json",
        "cases.csv",
        "examples.npz",
        "report.html",
        "summary.md",
        "differences.svg",
        "runs",
    }
    files = {str(path.relative_to(finished / "runs")) for path in finished.rglob("*/*/*.*")}
    assert files == {
        f"{arm}/train2-fold{k}-seed0/{name}"
        for arm in ("none", "flip")
        for k in (0, 1)
        for name in ("result.json", "predictions.npz")
    }


def test_every_case_is_tested_once_in_every_arm(finished: Path) -> None:
    counts = scores(finished).groupby(["arm", "case", "class"]).size()
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
    assert provenance["network_parameters"] > 100


def test_every_run_tells_what_made_it(finished: Path) -> None:
    runs = [RunResult.read(path).provenance for path in finished.rglob("result.json")]
    provenance = json.loads((finished / "results.json").read_text())["provenance"]
    assert provenance["started"] == min(run["started"] for run in runs)
    assert provenance["finished"] == max(run["finished"] for run in runs)
    assert {str(run["revision"]) for run in runs} == set(provenance["run_revisions"])
    assert {run["hardware"]["cpu"] for run in runs} == set(provenance["run_processors"])
    assert all(run["versions"] == provenance["versions"] for run in runs)


def test_the_learning_curve_has_losses_and_monitored_dice(finished: Path) -> None:
    result = RunResult.read(results_of_runs(finished)["none/train2-fold0-seed0"])
    assert [step for step, _ in result.losses] == [1, 2, 3]
    assert [step for step, _ in result.monitor] == [2, 3]
    assert set(result.seconds) == {"train", "test"}


def test_kept_predictions_are_what_was_scored(tmp_path: Path, finished: Path) -> None:
    prepared = prepare(configure(tmp_path))
    store = RunStore(finished, prepared.identity())
    key = RunKey("flip", 2, 1, 0)
    result = store.load(key)
    assert result is not None
    cases = {case.name: case.label[0] for case in prepared.case_set.cases}
    class_of = {region.name: region.classes[0] for region in prepared.regions}
    for row in result.scores.to_dict("records"):
        p = store.prediction(key, row["case"]) == class_of[row["class"]]
        t = cases[row["case"]] == class_of[row["class"]]
        assert row["dice"] == pytest.approx(2 * np.sum(p & t) / (np.sum(p) + np.sum(t)))


def test_two_arms_of_one_policy_get_identical_results(tmp_path: Path, no_report: None) -> None:
    """Folds, initial weights, steps, sample order and patches are the same."""
    policy = tmp_path / "same.yaml"
    policy.write_text(policy_path("none").read_text())
    run_benchmark(configure(tmp_path, arms=["none", str(policy)]), tmp_path / "out")
    table = scores(tmp_path / "out").set_index(["fold", "seed", "case", "class"])
    first, second = table[table["arm"] == "none"], table[table["arm"] == "same"]
    pd.testing.assert_frame_equal(first.drop(columns="arm"), second.drop(columns="arm"))
    runs = results_of_runs(tmp_path / "out")
    for name in ("train2-fold0-seed0", "train2-fold1-seed0"):
        ours, theirs = (RunResult.read(runs[f"{arm}/{name}"]) for arm in ("none", "same"))
        assert ours.losses == theirs.losses


def test_arms_train_on_the_same_cases_but_see_different_losses(finished: Path) -> None:
    runs = results_of_runs(finished)
    for name in ("train2-fold0-seed0", "train2-fold1-seed0"):
        none, flip = (RunResult.read(runs[f"{arm}/{name}"]) for arm in ("none", "flip"))
        assert none.train_cases == flip.train_cases
        assert len(none.train_cases) == 2
        assert none.losses != flip.losses


def test_a_line_is_said_of_every_run_in_the_order_of_the_folds(
    tmp_path: Path, no_report: None
) -> None:
    progress = Lines()
    outcome = run_benchmark(configure(tmp_path), tmp_path / "out", progress=progress)
    mean = outcome.results.scores.groupby(["arm", "fold"])["dice"].mean()
    runs = [("none", 0), ("flip", 0), ("none", 1), ("flip", 1)]
    for line, (arm, fold) in zip(progress.lines, runs, strict=True):
        assert line.startswith(
            f"arm '{arm}', 2 training cases, fold {fold}, seed 0: mean Dice {mean[arm, fold]:.3f}, "
        )


def test_worker_processes_give_the_numbers_of_this_process_on_as_many_threads(
    tmp_path: Path, no_report: None
) -> None:
    results = []
    for workers in (1, 2):
        out, progress = tmp_path / f"out{workers}", Lines()
        config = configure(tmp_path, threads=2, workers=workers)
        results.append(run_benchmark(config, out, progress=progress).results)
        assert len(progress.lines) == 4
        runs = [RunResult.read(path) for path in results_of_runs(out).values()]
        assert {run.provenance["hardware"]["threads"] for run in runs} == {2}
    assert torch.get_num_threads() == 1
    for name in ("scores", "losses", "monitor", "calibration"):
        tables = [getattr(each, name) for each in results]
        pd.testing.assert_frame_equal(*tables, check_exact=True)


def test_an_interrupted_benchmark_goes_on_with_the_runs_it_lacks(
    tmp_path: Path, finished: Path, no_report: None
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    config, out = configure(tmp_path), tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run_benchmark(config, out, progress=Lines(after=3, then=interrupt))
    kept = {path: path.stat().st_mtime_ns for path in results_of_runs(out).values()}
    assert len(kept) == 3
    progress = Lines()
    run_benchmark(config, out, resume=True, progress=progress)
    assert len(progress.lines) == 1
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    pd.testing.assert_frame_equal(scores(out), scores(finished), check_exact=True)


def test_a_killed_benchmark_resumes_within_runs_to_the_results_of_an_undisturbed_one(
    tmp_path: Path, no_report: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {"steps": 40, "checkpoint_steps": 2, "monitor": {"cases": 0}, "workers": 2}
    path, out = write(tmp_path, **changes), tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(path), str(out)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not list(out.rglob("checkpoint.pt")) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert list(out.rglob("checkpoint.pt"))
    assert (out / "shared" / "cases" / "cases.json").exists()

    taken_up = []

    def note(*given: Any) -> Any:
        found = load(*given)
        taken_up.append(found is not None)
        return found

    load = loop.load_checkpoint
    monkeypatch.setattr(loop, "load_checkpoint", note)
    changes["workers"] = 1
    run_benchmark(configure(tmp_path, **changes), out, resume=True)
    assert any(taken_up)
    run_benchmark(configure(tmp_path, **changes), tmp_path / "undisturbed")
    for name in ("scores", "losses"):
        pd.testing.assert_frame_equal(
            getattr(load_results(out), name),
            getattr(load_results(tmp_path / "undisturbed"), name),
            check_exact=True,
        )
    assert not [*out.rglob("checkpoint.pt"), *out.rglob(".*"), *out.glob("shared")]


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("nan", r"loss became nan at step 1"),
        ("raise", r"unforeseen RuntimeError: applying .*\(KeyError: 'no such key'\)"),
        ("memory", r"the memory ran out"),
        ("torch memory", r"the memory ran out"),
    ],
)
def test_a_run_that_fails_keeps_its_reason_and_the_others_go_on(
    tmp_path: Path, finished: Path, no_report: None, how: str, reason: str
) -> None:
    policy, flag = tiny_benchmark.failing_policy(tmp_path, how)
    config, out = configure(tmp_path, arms=["none", policy, "flip"]), tmp_path / "out"
    progress = Lines()
    results = run_benchmark(config, out, progress=progress, trust=True).results
    assert progress.failed == 2
    assert results.missing[["arm", "fold"]].values.tolist() == [["fails", 0], ["fails", 1]]
    assert results.missing["reason"].str.contains(reason).all()
    failed = [line for line in progress.lines if line.startswith("arm 'fails', 2 training cases")]
    assert len(failed) == 2
    done = scores(out)
    pd.testing.assert_frame_equal(done, scores(finished), check_exact=True)
    assert (out / "shared").exists()

    flag.unlink()
    progress = Lines()
    results = run_benchmark(config, out, resume=True, progress=progress, trust=True).results
    assert len(progress.lines) == 2
    assert results.missing.empty
    assert not [*out.rglob("failure.json"), *out.glob("shared")]
    table = scores(out).set_index(["fold", "case", "class"])
    fixed, none = table[table["arm"] == "fails"], table[table["arm"] == "none"]
    pd.testing.assert_frame_equal(fixed.drop(columns="arm"), none.drop(columns="arm"))


def test_a_run_that_kills_its_process_fails_alone(tmp_path: Path, no_report: None) -> None:
    policy, _ = tiny_benchmark.failing_policy(tmp_path, "die")
    config = configure(tmp_path, arms=["none", policy], test_folds=[0], workers=2)
    results = run_benchmark(config, tmp_path / "out", trust=True).results
    assert results.runs["arm"].tolist() == ["none"]
    assert results.missing["arm"].tolist() == ["fails"]
    assert "worker process died" in results.missing["reason"][0]


def test_a_benchmark_without_a_finished_run_is_an_error_with_the_reasons(
    tmp_path: Path, no_report: None
) -> None:
    policy, _ = tiny_benchmark.failing_policy(tmp_path, "nan")
    with pytest.raises(InputError, match=r"out: no run is finished. .* became nan .*\(2 runs\)"):
        run_benchmark(configure(tmp_path, arms=[policy]), tmp_path / "out", trust=True)


def test_a_policy_that_is_edited_meanwhile_is_what_it_was_at_the_start(
    tmp_path: Path, finished: Path, no_report: None
) -> None:
    policy, out = tmp_path / "flip.yaml", tmp_path / "out"
    policy.write_text(policy_path("flip").read_text())
    config = configure(tmp_path, arms=["none", str(policy)])
    before = harness.share

    def edit_before(*given: Any, **named: Any) -> Any:
        policy.write_text(policy_path("none").read_text())
        return before(*given, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(harness, "share", edit_before)
        run_benchmark(config, out)
    pd.testing.assert_frame_equal(scores(out), scores(finished), check_exact=True)
    with pytest.raises(InputError, match=r"policies\.flip is "):
        run_benchmark(config, out, resume=True)


def test_arms_sizes_seeds_and_folds_can_be_added(tmp_path: Path, no_report: None) -> None:
    first = {"arms": ["none"], "test_folds": [0], "train_cases": [1], "steps": 1}
    more = {"arms": ["flip", "none"], "seeds": [3, 0], "train_cases": [1, "all"], "steps": 1}
    out = tmp_path / "out"
    run_benchmark(configure(tmp_path, **first), out)
    kept = {path: path.stat().st_mtime_ns for path in results_of_runs(out).values()}
    assert len(kept) == 1
    progress = Lines()
    grown = run_benchmark(configure(tmp_path, **more), out, resume=True, progress=progress).results
    assert len(progress.lines) == 2 * 2 * 2 * 2 - 1
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    at_once = run_benchmark(configure(tmp_path, **more), tmp_path / "at_once").results
    pd.testing.assert_frame_equal(grown.scores, at_once.scores, check_exact=True)
    assert grown.arms == ("flip", "none")
    assert set(grown.cost) == set(grown.arms)
    # What is asked for is what is reported; the rest stays for another time.
    fewer = run_benchmark(configure(tmp_path, **first), out, resume=True).results
    assert len(fewer.runs) == 1
    assert len(results_of_runs(out)) == 16


def test_the_cost_is_measured_once_for_all_arms_that_have_a_run(
    tmp_path: Path, no_report: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[list[str]] = []

    def measure(prepared: Any) -> dict[str, float]:
        measured.append([arm.label for arm in prepared.arms])
        return dict.fromkeys(measured[-1], 0.25)

    monkeypatch.setattr(harness, "measure_cost", measure)
    policy, flag = tiny_benchmark.failing_policy(tmp_path, "nan")
    out = tmp_path / "out"
    config = configure(tmp_path, arms=["none", policy], test_folds=[0])
    assert run_benchmark(config, out, trust=True).results.cost == {"none": 0.25}
    run_benchmark(config, out, resume=True, trust=True)
    assert measured == [["none"]]
    flag.unlink()
    again = run_benchmark(config, out, resume=True, trust=True)
    assert again.results.cost == {"none": 0.25, "fails": 0.25}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"arms": ["none", "nonne"]}, "nonne"),
        ({"folds": 5}, r"folds: 5 folds .* there are 4"),
        ({"train_cases": 3}, r"train_cases: 3 .* has 2"),
        ({"network": {"_target_": "no.such.Network"}}, "network: "),
        ({"arms": ["none", "none"]}, "arms: two arms would be called 'none'"),
        ({"devices": 2, "batch_size": 3}, "batch_size: 3 samples cannot be shared"),
        ({"strategy": "fsdp"}, "strategy: 'fsdp'"),
    ],
)
def test_wrong_input_stops_before_anything_is_written(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        run_benchmark(configure(tmp_path, **change), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


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
        ({"groups": r"(\d+)"}, r"configuration.groups is null there"),
        ({"threads": 2}, r"configuration.threads is 1 there and 2 here"),
        ({"precision": "bf16-mixed"}, r"runtime.precision is \"32-true\" there"),
        ({"split_seed": 1}, r"configuration.split_seed is 0 there"),
    ],
)
def test_a_folder_of_another_benchmark_is_refused_with_the_difference(
    tmp_path: Path, finished: Path, change: dict[str, Any], named: str
) -> None:
    before = contents(finished)
    with pytest.raises(InputError, match=named):
        run_benchmark(configure(tmp_path, **change), finished, resume=True)
    assert contents(finished) == before


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"workers": 2, "loader_workers": 1, "checkpoint_steps": 7},
        {"main_train_cases": 2},
        {"device": "cpu"},
    ],
)
def test_what_no_run_depends_on_does_not_make_another_benchmark(
    tmp_path: Path, finished: Path, change: dict[str, Any]
) -> None:
    identity = prepare(configure(tmp_path, **change)).identity()
    RunStore(finished, identity).check(resume=True)


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
    assert outcome.report.is_file()
    assert outcome.comparison["verdict"].eq("").all()


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
