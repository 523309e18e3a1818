"""Jobs on this machine: order, errors, and processes that die."""

from __future__ import annotations

import io
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import job_functions
import pytest
from job_functions import Sum
from rich.console import Console

from medaug.errors import InputError
from medaug.jobs.progress import BarProgress, LineProgress, terminal_progress
from medaug.jobs.run import Outcome, default_workers, run_jobs


@pytest.fixture(autouse=True)
def importable(monkeypatch) -> None:
    """Spawned processes take over `sys.path`, scripts of these tests the environment."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


@pytest.mark.parametrize("workers", [1, 2])
def test_outcomes_are_in_the_order_of_the_jobs_and_reported_once_each(workers):
    seen: list[int] = []
    outcomes = run_jobs(
        job_functions.square,
        list(range(20)),
        workers=workers,
        on_done=lambda outcome: seen.append(outcome.index),
    )
    assert outcomes == [Outcome(number, number**2) for number in range(20)]
    assert sorted(seen) == list(range(20))


@pytest.mark.parametrize("workers", [1, 2])
def test_an_exception_is_one_line_and_a_bug_is_logged_with_its_traceback(workers, caplog):
    with caplog.at_level(logging.ERROR):
        outcomes = run_jobs(job_functions.with_errors, list(range(7)), workers=workers)
    assert [outcome.value for outcome in outcomes] == [0, -1, None, -3, None, None, -6]
    assert {outcome.index: outcome.error for outcome in outcomes if outcome.error} == {
        2: "case_2.nii: not a scan; take it out",
        4: "unforeseen KeyError: 'no such\\nkey'",
        5: "/data/case_5.nii: Permission denied",
    }
    (record,) = caplog.records
    assert "job 4" in record.getMessage()
    assert 'raise KeyError("no such\\nkey")' in record.getMessage()


def test_the_line_of_a_bug_names_its_first_cause():
    outcomes = run_jobs(job_functions.wrapped, [0, 1], workers=1)
    assert outcomes[0].error == "unforeseen RuntimeError: it failed (ZeroDivisionError: one / zero)"
    assert outcomes[1].error == "the memory ran out; use fewer workers"


def test_jobs_are_kept_apart_on_request():
    (here,) = run_jobs(job_functions.process, [0], workers=1)
    assert here.value == os.getpid()
    first, second = run_jobs(job_functions.process, [0, 1], workers=1, apart=True)
    assert os.getpid() != first.value == second.value


def test_a_job_whose_process_died_is_done_again(tmp_path):
    jobs = [Sum(number, tmp_path) for number in range(8)]
    outcomes = run_jobs(job_functions.dies_once, jobs, workers=2)
    assert (tmp_path / "died").exists()
    assert outcomes == [Outcome(number, number**2) for number in range(8)]


def test_a_job_whose_process_dies_even_alone_fails_and_no_other_does(tmp_path):
    jobs = [Sum(number, tmp_path) for number in range(8)]
    seen: list[int] = []
    outcomes = run_jobs(
        job_functions.dies_always,
        jobs,
        workers=2,
        on_done=lambda outcome: seen.append(outcome.index),
    )
    assert [outcome.index for outcome in outcomes if outcome.error] == [3]
    assert "process died" in outcomes[3].error
    assert "memory" in outcomes[3].error
    assert [outcome.value for outcome in outcomes] == [0, 1, 4, None, 16, 25, 36, 49]
    assert sorted(seen) == list(range(8))


def test_few_jobs_are_under_way(tmp_path):
    class Counted(list[int]):
        taken = 0

        def __getitem__(self, index):
            self.taken += 1
            return super().__getitem__(index)

    jobs = Counted(range(30))
    ahead: list[int] = []
    done: list[int] = []

    def note(outcome: Outcome[int]) -> None:
        done.append(outcome.index)
        ahead.append(jobs.taken - len(done))

    run_jobs(job_functions.square, jobs, workers=2, on_done=note)
    assert max(ahead) <= 3


def test_a_worker_has_one_thread_and_this_process_keeps_its_own(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", raising=False)
    for outcome in run_jobs(job_functions.threads, [0, 1], workers=2):
        assert set(outcome.value.values()) == {"1"}
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS" not in os.environ


def test_what_on_done_raises_ends_the_run_and_its_workers(tmp_path):
    def full(outcome: Outcome[int]) -> None:
        raise OSError("disk full")

    jobs = [tmp_path, tmp_path / "missing", tmp_path, tmp_path]
    started = time.monotonic()
    with pytest.raises(OSError, match="disk full"):
        run_jobs(job_functions.sleeps, jobs, workers=2, on_done=full)
    assert time.monotonic() - started < 20
    assert not any(_alive(int(file.name)) for file in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("stop", "to_all"),
    [(signal.SIGINT, False), (signal.SIGINT, True), (signal.SIGKILL, False)],
    ids=["interrupt", "ctrl-c", "kill"],
)
def test_no_worker_outlives_the_run(tmp_path, stop, to_all):
    script = (
        "import signal, sys, pathlib, job_functions\n"
        "from medaug.jobs.run import run_jobs\n"
        "if __name__ == '__main__':\n"
        # Who runs the tests in the background may have Ctrl-C ignored, and so would the script.
        "    signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "    run_jobs(job_functions.sleeps, [pathlib.Path(sys.argv[1])] * 6, workers=2)\n"
    )
    (tmp_path / "script.py").write_text(script)
    pids = tmp_path / "pids"
    pids.mkdir()
    run = subprocess.Popen(
        [sys.executable, str(tmp_path / "script.py"), str(pids)],
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    _wait_until(lambda: len(list(pids.iterdir())) == 2)
    (os.killpg if to_all else os.kill)(run.pid, stop)
    _, errors = run.communicate(timeout=5)
    assert run.returncode == -stop
    # One traceback, of the run itself: its workers end without a word.
    assert errors.count(b"Traceback") == (1 if stop == signal.SIGINT else 0)
    _wait_until(lambda: not any(_alive(int(file.name)) for file in pids.iterdir()))


def test_the_number_of_workers_is_checked():
    with pytest.raises(InputError, match="at least 1; got 0"):
        run_jobs(job_functions.square, [1], workers=0)
    with pytest.raises(InputError, match="leave one of the two out"):
        run_jobs(job_functions.square, [1], workers=2, scheduler="tcp://127.0.0.1:1")
    assert default_workers() == len(os.sched_getaffinity(0))


def test_no_jobs_no_outcomes():
    assert run_jobs(job_functions.square, [], workers=2) == []


def test_progress_is_a_bar_on_a_terminal_and_lines_elsewhere():
    assert isinstance(terminal_progress(Console(force_terminal=True)), BarProgress)
    assert isinstance(terminal_progress(Console(file=io.StringIO())), LineProgress)


def test_lines_come_now_and_then_and_at_the_end(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("medaug.jobs.progress.time.monotonic", lambda: clock[0])
    text = io.StringIO()
    with LineProgress(Console(file=text, width=40)) as progress:
        progress.started("preprocess", 10)
        for index in range(10):
            clock[0] += 4
            progress.job_done(Outcome(index, error="bad" if index == 1 else ""))
    assert text.getvalue().splitlines() == [
        "preprocess: 3/10 cases, 15.0 cases/min, 28 s left, 1 failed",
        "preprocess: 6/10 cases, 15.0 cases/min, 16 s left, 1 failed",
        "preprocess: 9/10 cases, 15.0 cases/min, 4 s left, 1 failed",
        "preprocess: 10/10 cases, 15.0 cases/min, 1 failed",
    ]


def test_the_unit_can_be_another_and_slow(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("medaug.jobs.progress.time.monotonic", lambda: clock[0])
    text = io.StringIO()
    with LineProgress(Console(file=text, width=40)) as progress:
        progress.started("benchmark", 3, unit="runs")
        for index in range(2):
            progress.say(f"run [{index}] is over, and its line is longer than the console is wide")
            clock[0] += 4000
            progress.job_done(Outcome(index))
    assert text.getvalue().splitlines() == [
        "run [0] is over, and its line is longer than the console is wide",
        "benchmark: 1/3 runs, 0.9 runs/h, 2 h 13 min left",
        "run [1] is over, and its line is longer than the console is wide",
        "benchmark: 2/3 runs, 0.9 runs/h, 1 h 06 min left",
    ]


def test_lines_are_said_above_the_bar():
    text = io.StringIO()
    with BarProgress(Console(file=text, force_terminal=True, width=100)) as progress:
        progress.started("benchmark", 2, unit="runs")
        progress.say("run [0] is over")
        progress.job_done(Outcome(0))
    output = text.getvalue()
    assert "run [0] is over\n" in output
    assert "runs/s" in output


def test_the_bar_shows_count_rate_and_failures():
    text = io.StringIO()
    with BarProgress(Console(file=text, force_terminal=True, width=100)) as progress:
        progress.started("preprocess", 3)
        for index in range(3):
            progress.job_done(Outcome(index, error="bad" if index else ""))
    last = text.getvalue().splitlines()[-2]  # the very last one shows the cursor again
    for part in ("preprocess", "3/3", "cases/s", "left", "2 failed"):
        assert part in last


def _alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def _wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)
