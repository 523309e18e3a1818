"""Searches with real trainings, real processes and a real judgement."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
import yaml
from searching import BENCHMARK, SEARCH, configure, fake_training, write
from typer.testing import CliRunner

from medaug.benchmark.experiment import prepare
from medaug.benchmark.load_config import load_config
from medaug.benchmark.search import load_search, run_search, search
from medaug.benchmark.statistics.compare import compare_arms
from medaug.cli.app import app
from medaug.errors import InputError
from medaug.resources import configs_dir
from medaug.rng import generator

THREAD = {"OMP_NUM_THREADS": "1", "COLUMNS": "300"}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def table(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "trials.csv").set_index("trial").drop(columns="seconds")


def command(path: Path, out: Path, *arguments: str) -> list[str]:
    program = "from medaug.cli import main; main()"
    return [sys.executable, "-c", program, "search", str(path), "--out", str(out), *arguments]


def trials_begun(out: Path) -> int:
    """Return on how many trials somebody works or has; the files of a search come at its end."""
    if not (out / "study.db").exists():
        return 0
    with closing(sqlite3.connect(out / "study.db")) as database:
        try:
            query = "SELECT count(*) FROM trial_user_attributes WHERE key = 'alive'"
            (count,) = database.execute(query)
        except sqlite3.OperationalError:  # not there yet, or being written
            return 0
    return int(count[0])


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a search whose trials are made up, so that one is better, and its judgement."""
    folder = tmp_path_factory.mktemp("finished")
    path = write(folder, trials=4, inner_folds=2, judge_seeds=[0, 1])
    with pytest.MonkeyPatch.context() as patch:
        fake_training(patch)
        result = CliRunner().invoke(
            app, ["search", str(path), "--out", str(folder / "out")], env=THREAD
        )
    assert result.exit_code == 0, result.output
    (folder / "printed.txt").write_text(result.output)
    return folder


def test_the_command_searches_judges_and_says_the_answer(finished: Path) -> None:
    out, printed = finished / "out", (finished / "printed.txt").read_text()
    assert {"best.yaml", "trials.csv", "search.json", "study.db", "judge"} <= {
        path.name for path in out.iterdir()
    }
    assert printed.count("\n4/4: trial 3, ") == 1
    summary = json.loads((out / "search.json").read_text())
    assert summary["judgement"]["sentence"] in printed
    assert summary["judgement"]["sentence"].startswith("On the outer test: ")
    assert "compared with affine" in summary["judgement"]["sentence"]
    assert summary["best"]["inner_dice"] == table(out)["dice"].max() > table(out)["dice"][0]


def test_the_judgement_is_a_benchmark_of_the_outer_fold_alone(finished: Path) -> None:
    out = finished / "out"
    cases = pd.read_csv(out / "judge" / "cases.csv", comment="#")
    assert list(cases["arm"].unique()) == ["none", "affine", "best"]
    assert set(cases["fold"]) == {0}
    assert set(cases["seed"]) == {0, 1}
    outer = prepare(load_config(finished / "bench.yaml"))
    names = [outer.case_set.cases[position].name for position in outer.folds[0].test]
    assert sorted(cases["case"].unique()) == sorted(names)
    kept = json.loads((out / "judge" / "results.json").read_text())["provenance"]["policies"]
    assert kept["best"] == (out / "best.yaml").read_text()


def test_the_answer_compares_the_best_with_the_policy_to_start_from(finished: Path) -> None:
    out = finished / "out"
    cases = pd.read_csv(out / "judge" / "cases.csv", comment="#")
    both = cases[cases["arm"] != "none"].set_index(["arm", "seed", "case", "class"])["dice"]
    expected = (both["best"] - both["affine"]).groupby(["seed", "case"]).mean().mean()
    found = json.loads((out / "search.json").read_text())["judgement"]
    assert found["difference"] == pytest.approx(expected, abs=1e-12)
    rows = compare_arms(cases[cases["arm"] != "none"], rng=generator(0), n_resamples=2000)
    row = rows[(rows["arm"] == "best") & (rows["class"] == "mean")].iloc[0]
    assert found["ci_low"] == pytest.approx(row["ci_low"], abs=2e-3)
    assert (found["n_cases"], found["n_runs"], found["verdict"]) == (3, 2, row["verdict"])


def test_a_judged_search_is_not_judged_again(finished: Path) -> None:
    config, out = load_search(finished / "search.yaml"), finished / "out"
    before = {path: path.stat().st_mtime_ns for path in (out / "judge").rglob("*")}
    again = run_search(config, out, resume=True)
    assert again.sentence in (finished / "printed.txt").read_text()
    assert {path: path.stat().st_mtime_ns for path in (out / "judge").rglob("*")} == before


def test_a_killed_search_goes_on_with_two_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, out = write(tmp_path, trials=4, inner_folds=2), tmp_path / "out"
    with subprocess.Popen(
        command(path, out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | THREAD,
    ) as process:
        deadline = time.monotonic() + 200
        while trials_begun(out) == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    killed = trials_begun(out)
    assert 1 <= killed < 4
    monkeypatch.setattr(search, "judge", lambda *_, **__: {"sentence": "", "verdict": ""})
    lines: list[str] = []
    run_search(load_search(path), out, resume=True, workers=2, say=lines.append)
    trials = table(out)
    assert trials["state"].tolist().count("lost") == 1
    kept = trials[trials["state"] != "lost"]
    assert kept["state"].tolist() == 4 * ["complete"]
    assert (kept["rotate.prob"] == 0.5).sum() == 1  # the policy to start from, once
    assert len(lines) == 4 - (killed - 1)


def test_without_optuna_the_command_says_what_to_install(tmp_path: Path) -> None:
    path = write(tmp_path)
    program = "import sys; sys.modules['optuna'] = None; from medaug.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "search", str(path)],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 2
    assert 'pip install "medaug[search]"' in done.stderr
    assert "Traceback" not in done.stderr


def test_resuming_needs_a_folder(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["search", str(write(tmp_path)), "--resume"], env=THREAD)
    assert result.exit_code == 2
    assert "--out" in result.output


@pytest.mark.parametrize("path", sorted((configs_dir() / "searches").glob("*.yaml")), ids=str)
def test_every_shipped_search_fits_its_benchmark(path: Path) -> None:
    config = load_search(path.stem)
    assert config.benchmark_config().test_folds == (config.outer_fold,)
    assert config.inner_config().folds == config.inner_folds


def test_relative_paths_start_from_the_file_and_options_from_here(tmp_path: Path) -> None:
    config = configure(tmp_path, policy="mine.yaml", data="scans")
    assert config.policy == str(tmp_path / "mine.yaml")
    assert config.data == tmp_path / "scans"
    assert config.benchmark == str(tmp_path / "bench.yaml")
    assert load_search(tmp_path / "search.yaml", policy="other.yaml").policy == "other.yaml"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"trial": 3}, "unknown key 'trial'; did you mean 'trials'"),
        ({"trials": 1}, "'trials': input should be greater than or equal to 2"),
        ({"seeds": [1, 1]}, "each seed may be there only once"),
        ({"pruner": {"kind": "x"}}, "unknown key 'pruner.kind'"),
        ({"train_cases": "some"}, "train_cases"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        configure(tmp_path, **change)


def test_what_the_search_says_goes_before_what_the_benchmark_says(tmp_path: Path) -> None:
    plain = configure(tmp_path).benchmark_config()
    assert (plain.steps, plain.seeds, plain.train_cases) == (2, (0,), (2,))
    timed = {key: value for key, value in BENCHMARK.items() if key != "steps"}
    (tmp_path / "bench.yaml").write_text(yaml.safe_dump(timed | {"train_seconds": 5.0}))
    (tmp_path / "search.yaml").write_text(yaml.safe_dump(SEARCH | {"steps": 9, "seeds": [4, 5]}))
    config = load_search(tmp_path / "search.yaml", train_cases="all").benchmark_config()
    assert (config.steps, config.train_seconds, config.seeds) == (9, None, (4, 5))
    assert config.train_cases == ("all",)
