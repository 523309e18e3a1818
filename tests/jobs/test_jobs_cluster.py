"""Jobs on a real dask scheduler with two real workers, some of which are killed."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterator

import job_functions
import pytest
from dask_cluster import Cluster, dask_cluster
from job_functions import Sum

import medaug
from medaug.errors import InputError
from medaug.jobs.run import Outcome, run_jobs


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    with dask_cluster(tmp_path_factory.mktemp("dask")) as cluster:
        yield cluster


def test_a_cluster_gives_what_processes_and_this_process_give(cluster, caplog):
    seen: list[int] = []
    outcomes = run_jobs(
        job_functions.with_errors,
        list(range(7)),
        scheduler=cluster.address,
        on_done=lambda outcome: seen.append(outcome.index),
    )
    assert sorted(seen) == list(range(7))
    assert 'raise KeyError("no such\\nkey")' in caplog.text
    for workers in (1, 2):
        here = run_jobs(job_functions.with_errors, list(range(7)), workers=workers)
        assert _without_traces(outcomes) == _without_traces(here)


def test_a_second_run_of_the_same_jobs_is_a_run(cluster, tmp_path):
    for _ in range(2):
        run_jobs(job_functions.logged, [Sum(1, tmp_path)], scheduler=cluster.address)
    assert len((tmp_path / "calls_1").read_text().splitlines()) == 2


def test_a_worker_killed_half_way_loses_and_doubles_nothing(cluster, tmp_path):
    victim = cluster.workers[1]
    seen: list[int] = []

    def kill_half_way(outcome: Outcome[int]) -> None:
        seen.append(outcome.index)
        if len(seen) == 15:
            os.kill(victim, signal.SIGKILL)

    jobs = [Sum(number, tmp_path) for number in range(40)]
    outcomes = run_jobs(
        job_functions.logged, jobs, scheduler=cluster.address, on_done=kill_half_way
    )
    assert outcomes == [Outcome(number, number**2) for number in range(40)]
    assert sorted(seen) == list(range(40))
    calls = [int(pid) for file in tmp_path.iterdir() for pid in file.read_text().split()]
    assert set(calls) == set(cluster.workers), "both worked"
    assert len(calls) > 40 - 1, "each job was done"
    assert calls.count(victim) < 30, "the victim was killed half way"


def test_a_job_that_kills_worker_after_worker_fails_and_no_other_does(tmp_path):
    with dask_cluster(tmp_path, workers=0) as cluster:
        cluster.add_worker("--nworkers", "2", nanny=True)
        jobs = [Sum(number, tmp_path) for number in range(8)]
        outcomes = run_jobs(job_functions.dies_always, jobs, scheduler=cluster.address)
    assert [outcome.value for outcome in outcomes] == [0, 1, 4, None, 16, 25, 36, 49]
    assert "one worker after the other died on it" in outcomes[3].error
    assert [outcome.index for outcome in outcomes if outcome.error] == [3]


def test_the_last_worker_gone_is_said_so(tmp_path, monkeypatch):
    monkeypatch.setattr("medaug.jobs.cluster._LOOK_SECONDS", 0.1)
    monkeypatch.setattr("medaug.jobs.cluster._PATIENCE_SECONDS", 0.5)
    with dask_cluster(tmp_path, workers=1) as cluster:

        def kill(outcome: Outcome[int]) -> None:
            if outcome.index == 0:
                os.kill(cluster.workers[0], signal.SIGKILL)

        jobs = [Sum(number, tmp_path) for number in range(20)]
        with pytest.raises(InputError, match=r"no workers; start some with .* resume"):
            run_jobs(job_functions.logged, jobs, scheduler=cluster.address, on_done=kill)


def test_a_scheduler_that_goes_away_is_said_so_in_one_line(tmp_path, caplog):
    with dask_cluster(tmp_path, workers=1) as cluster:

        def close(outcome: Outcome[int]) -> None:
            cluster.close()

        jobs = [Sum(number, tmp_path) for number in range(20)]
        with pytest.raises(InputError, match=r"scheduler at tcp://\S+ has gone .* resume"):
            run_jobs(job_functions.logged, jobs, scheduler=cluster.address, on_done=close)
    assert caplog.records == []


def test_an_address_where_nobody_answers_is_named(monkeypatch):
    monkeypatch.setattr("medaug.jobs.cluster._ANSWER_SECONDS", 0.5)
    with socket.socket() as reserved:  # bound, but nobody listens
        reserved.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{reserved.getsockname()[1]}"
        with pytest.raises(InputError, match=f"no scheduler answers at {address}; start one"):
            run_jobs(job_functions.square, [1], scheduler=address)
    with pytest.raises(InputError, match="no scheduler answers at nonsense://x"):
        run_jobs(job_functions.square, [1], scheduler="nonsense://x")


def test_a_scheduler_without_workers_is_said_so(tmp_path, monkeypatch):
    monkeypatch.setattr("medaug.jobs.cluster._ANSWER_SECONDS", 1)
    with (
        dask_cluster(tmp_path, workers=0) as cluster,
        pytest.raises(InputError, match=f"{cluster.address} has no workers; start some"),
    ):
        run_jobs(job_functions.square, [1], scheduler=cluster.address)


def test_workers_must_have_the_same_version(cluster, monkeypatch):
    monkeypatch.setattr(medaug, "__version__", "99.1")
    with pytest.raises(
        InputError, match=r"worker tcp://\S+ has medaug \d\S*, but this is 99.1; install the same"
    ):
        run_jobs(job_functions.square, [1], scheduler=cluster.address)


def test_without_distributed_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r'pip install "medaug\[distributed\]"'):
        run_jobs(job_functions.square, [1], scheduler="tcp://127.0.0.1:8786")


def _without_traces(outcomes: list[Outcome[int]]) -> list[tuple[int, int | None, str]]:
    return [(outcome.index, outcome.value, outcome.error) for outcome in outcomes]
