"""Many independent jobs on the cores of this machine or on a cluster; one outcome for each."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from contextlib import closing

from medaug.errors import InputError
from medaug.jobs.cluster import run_on_cluster
from medaug.jobs.local import run_in_processes
from medaug.jobs.outcome import Job, Outcome, Value, attempt, log_bug

__all__ = ["Outcome", "default_workers", "run_jobs"]


def run_jobs(
    function: Callable[[Job], Value],
    jobs: Sequence[Job],
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    apart: bool = False,
    on_done: Callable[[Outcome[Value]], None] | None = None,
) -> list[Outcome[Value]]:
    """Call a function on each job, several at a time, whatever becomes of single ones.

    Jobs must be free to run in any order and more than once: the job of a worker that dies is done
    again, and a cluster that loses sight of a worker gives its job to another one.

    Parameters
    ----------
    function : callable
        Defined at the top of a module; takes a job.
    jobs : sequence of picklable objects
        Small ones: names of files rather than what is in them. So should the values be.
    workers : int or None
        Processes on this machine; None: one for each core that this process may use. With one
        worker or one job all happens in this process, which a crash then ends too, unless they are
        to be kept `apart`. Others have one thread each, until a job asks for more.
    scheduler : str or None
        Address of a ``dask.distributed`` scheduler, such as ``tcp://host:8786``: its workers do
        the jobs. They need this version of medaug and must see files under the same names. Start
        them with ``dask worker ADDRESS --nworkers N --nthreads 1``: threads of one process would
        share its memory, and get in each other's way.
    apart : bool
        Have nothing done in this process, so that a job that takes all memory ends alone.
    on_done : callable or None
        Called in this process with each outcome as soon as it is there.

    Returns
    -------
    list of Outcome
        One for each job, in their order. An `InputError` is the outcome's error, as is a worker
        that died on the job, and again when it was alone. So is any other exception, and its
        traceback is logged.

    Raises
    ------
    InputError
        If `workers` is not positive or goes with a scheduler, or if the scheduler cannot be used.

    Notes
    -----
    A script that calls this needs ``if __name__ == "__main__":``, as always where processes are
    spawned.
    """
    workers = _check_workers(workers, scheduler)
    if scheduler is not None:
        ended = run_on_cluster(function, jobs, scheduler)
    elif not jobs or (min(workers, len(jobs)) == 1 and not apart):
        ended = _run_here(function, jobs)
    else:
        ended = run_in_processes(function, jobs, min(workers, len(jobs)))
    outcomes = []
    with closing(ended):  # whatever `on_done` raises: no worker outlives this call
        for outcome in ended:
            log_bug(outcome)
            outcomes.append(outcome)
            if on_done is not None:
                on_done(outcome)
    return sorted(outcomes, key=lambda outcome: outcome.index)


def default_workers() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _check_workers(workers: int | None, scheduler: str | None) -> int:
    if workers is None:
        return default_workers()
    if scheduler is not None:
        raise InputError(
            f"workers={workers} goes without scheduler={scheduler}, which has workers of its own; "
            "leave one of the two out"
        )
    if workers < 1:
        raise InputError(f"workers must be at least 1; got {workers}")
    return workers


def _run_here(
    function: Callable[[Job], Value], jobs: Sequence[Job]
) -> Generator[Outcome[Value], None, None]:
    for index, job in enumerate(jobs):
        yield attempt(function, index, job)
