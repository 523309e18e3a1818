"""A benchmark on a real dask scheduler with two real workers, one of which is killed."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pandas as pd
import pytest
from dask_cluster import dask_cluster
from tiny_benchmark import Lines, configure, results_of_runs

from medaug.benchmark import harness
from medaug.benchmark.harness import run_benchmark
from medaug.benchmark.runs.result import RunResult
from medaug.policy import policy_path


def test_a_worker_killed_half_way_loses_and_doubles_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harness, "write_reports", lambda *_: None)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    policy = tmp_path / "mine.yaml"
    policy.write_text(policy_path("flip").read_text())
    changes = {"arms": ["none", str(policy)], "seeds": [0, 1, 2], "steps": 12}
    here = run_benchmark(configure(tmp_path, **changes), tmp_path / "here").results
    changes["workers"] = None

    monkeypatch.chdir(tmp_path)
    out = Path("there")  # seen from here; the workers are elsewhere
    written: dict[Path, int] = {}

    def kill() -> None:
        os.kill(cluster.workers[1], signal.SIGKILL)
        written.update({path: path.stat().st_mtime_ns for path in results_of_runs(out).values()})

    # What `auto` means is for the workers to say, not for this machine.
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    (tmp_path / "dask").mkdir()
    with dask_cluster(tmp_path / "dask") as cluster:
        progress = Lines(after=4, then=kill)
        there = run_benchmark(
            configure(tmp_path, **changes), out, scheduler=cluster.address, progress=progress
        ).results
    assert len(progress.lines) == 12
    assert progress.failed == 0
    assert there.missing.empty
    assert len(written) >= 4
    assert {path: path.stat().st_mtime_ns for path in written} == written, "none was made again"
    for name in ("scores", "losses", "monitor", "calibration", "train_cases"):
        pd.testing.assert_frame_equal(getattr(here, name), getattr(there, name), check_exact=True)
    makers = {RunResult.read(path).provenance["command"] for path in results_of_runs(out).values()}
    assert all("worker" in maker for maker in makers)
    assert not [*out.glob("shared"), *out.rglob("checkpoint.pt")]
