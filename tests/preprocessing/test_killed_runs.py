"""Runs that are killed, whose workers are killed, or whose disk is full: nothing lost or halved."""

from __future__ import annotations

import csv
import io
import json
import multiprocessing
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dask_cluster import dask_cluster
from scans import contents

from medaug.io.volume import write_volume
from medaug.jobs.outcome import Outcome
from medaug.jobs.progress import Progress
from medaug.preprocessing.config import PreprocessConfig
from medaug.preprocessing.preprocess import preprocess

CASES = 12
MEDAUG = [sys.executable, "-c", "from medaug.cli import main; main()"]


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """A dozen small scans of different spacing, with a background and two labels."""
    root = tmp_path_factory.mktemp("source")
    for number in range(CASES):
        rng = np.random.default_rng(number)
        image = rng.normal(100, 20, (28 + number, 32, 24)).astype(np.float32)
        image[:4] = 0
        label = np.zeros(image.shape, np.uint8)
        label[10:20, 12:24, 8:16] = 1
        label[14:17, 15:18, 9:12] = 3
        affine = np.diag([-1 - number / 50, 1, 1.5, 1])
        for folder, data in (("images", image), ("labels", label)):
            (root / folder).mkdir(exist_ok=True)
            write_volume(root / folder / f"case_{number:02d}.nii.gz", data, affine)
    return root


@pytest.fixture(scope="module")
def undisturbed(source, tmp_path_factory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    preprocess(source, out, PreprocessConfig(), workers=1)
    files = timeless(out)
    assert len(files) == 3 * CASES + 4
    return files


def timeless(out: Path) -> dict[str, bytes]:
    """Return all files of an output folder, without the seconds that it took."""
    files = contents(out)
    for name in files:
        if name.startswith("records/"):
            record = json.loads(files[name])
            assert record.pop("seconds") > 0
            files[name] = json.dumps(record).encode()
    rows = list(csv.DictReader(io.StringIO(files["manifest.csv"].decode())))
    assert all(float(row.pop("seconds")) > 0 for row in rows)
    files["manifest.csv"] = json.dumps(rows).encode()
    return files


def assert_same(out: Path, undisturbed: dict[str, bytes]) -> None:
    files = timeless(out)
    assert sorted(files) == sorted(undisturbed)
    assert [name for name in files if files[name] != undisturbed[name]] == []


def records(out: Path) -> int:
    return len(list((out / "records").glob("*.json")))


def test_twenty_kills_at_random_times_change_no_byte(source, undisturbed, tmp_path):
    context = multiprocessing.get_context("forkserver")  # so that a start takes no time
    context.set_forkserver_preload(["medaug.preprocessing.preprocess"])
    chance = random.Random(5)
    kills, half_way, outs = 0, 0, []
    while kills < 20:
        if not outs or records(outs[-1]) == CASES:
            outs.append(tmp_path / f"out_{len(outs)}")
        run = context.Process(
            target=preprocess,
            args=(source, outs[-1], PreprocessConfig()),
            kwargs={"workers": 1, "resume": True},
        )
        before = records(outs[-1])
        run.start()
        wait_for_work(outs[-1], before, chance.randint(0, 3), run)
        time.sleep(chance.uniform(0, 0.06))  # about as long as a case takes
        run.kill()
        run.join()
        kills += run.exitcode == -signal.SIGKILL
        half_way += 0 < records(outs[-1]) < CASES
    assert half_way >= 10
    for out in outs:
        preprocess(source, out, PreprocessConfig(), workers=1, resume=True)
        assert_same(out, undisturbed)


def wait_for_work(out: Path, before: int, cases: int, run: multiprocessing.process.BaseProcess):
    """Wait until a run has begun to write, and has finished so many cases more."""
    while run.is_alive() and not (out / "plan.json").exists():
        time.sleep(0.005)
    while run.is_alive() and records(out) < min(before + cases, CASES):
        time.sleep(0.005)


def test_the_command_and_its_workers_killed_together(source, undisturbed, tmp_path):
    out = tmp_path / "out"
    command = [*MEDAUG, "preprocess", str(source), str(out), "--workers", "2", "--resume"]
    for cases in (1, 4):
        with subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL) as run:
            while run.poll() is None and records(out) < cases:
                time.sleep(0.01)
            os.killpg(run.pid, signal.SIGKILL)
        assert run.returncode == -signal.SIGKILL
        assert cases <= records(out) < CASES
    subprocess.run(command, check=True, capture_output=True)
    assert_same(out, undisturbed)


class Killer(Progress):
    """Kills a process when a third of the cases are done."""

    def __init__(self, victim: int) -> None:
        self.victim = victim
        self.task = ""
        self.done = 0

    def started(self, task: str, total: int) -> None:
        assert total == CASES
        self.task = task

    def job_done(self, outcome: Outcome[Any]) -> None:
        assert not outcome.error
        if self.task == "preprocess":
            self.done += 1
            if self.done == CASES // 3:
                os.kill(self.victim, signal.SIGKILL)


def test_a_worker_of_a_cluster_killed_half_way(source, undisturbed, tmp_path):
    (tmp_path / "dask").mkdir()
    out = tmp_path / "out"
    with dask_cluster(tmp_path / "dask") as cluster:
        killer = Killer(cluster.workers[0])
        result = preprocess(
            source, out, PreprocessConfig(), scheduler=cluster.address, progress=killer
        )
    assert killer.done == CASES
    assert [record.case for record in result.records] == [f"case_{n:02d}" for n in range(CASES)]
    assert_same(out, undisturbed)


FULL_DISK = """
set -e
mount -t tmpfs -o size=730k tmpfs "$DISK"
set +e
"$@" "$SOURCE" "$DISK/out" --workers 1 2>"$KEPT/errors"
echo $? >"$KEPT/code"
cp -r "$DISK/out" "$KEPT/full"
mount -o remount,size=50m tmpfs "$DISK"
"$@" "$SOURCE" "$DISK/out" --workers 1 --resume && cp -r "$DISK/out" "$KEPT/resumed"
"""


def test_a_disk_that_fills_up(source, undisturbed, tmp_path):
    unshare = ["unshare", "--mount", "--map-root-user"]
    disk, kept = tmp_path / "disk", tmp_path / "kept"
    disk.mkdir()
    kept.mkdir()
    mounts = ["sh", "-c", f"mount -t tmpfs -o size=730k tmpfs {disk}"]
    if subprocess.run([*unshare, *mounts], capture_output=True, check=False).returncode:
        pytest.skip("no right to mount a small disk")
    subprocess.run(
        [*unshare, "sh", "-c", FULL_DISK, "sh", *MEDAUG, "preprocess"],
        env=os.environ | {"DISK": str(disk), "KEPT": str(kept), "SOURCE": str(source)},
        check=True,
        capture_output=True,
    )
    assert (kept / "code").read_text() == "2\n"
    errors = (kept / "errors").read_text()
    assert "Traceback" not in errors
    full = "No space left on device"
    assert full in errors
    text = (kept / "full" / "problems.csv").read_text()
    problems = list(csv.DictReader(io.StringIO(text)))
    assert problems
    assert all(full in problem["message"] for problem in problems)
    for name, content in contents(kept / "full").items():
        assert not name.endswith(".tmp")
        if re.match("(images|labels)", name):
            assert content == undisturbed[name], "no file is half there"
    assert_same(kept / "resumed", undisturbed)
