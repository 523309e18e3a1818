"""Jobs on the workers of a ``dask.distributed`` cluster."""

from __future__ import annotations

import logging
import pkgutil
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic

import medaug
from medaug.errors import InputError
from medaug.extras import optional_import
from medaug.jobs.outcome import Job, Outcome, Value, attempt, failure

if TYPE_CHECKING:
    from distributed import Client, as_completed

_ANSWER_SECONDS = 10.0
_PATIENCE_SECONDS = 60.0  # a worker that has died may be on its way back
_LOOK_SECONDS = 5.0
_POLL_SECONDS = 0.05
_DIED = (
    "one worker after the other died on it, even with no other job beside it; most likely the "
    "memory ran out: use machines with more"
)


def run_on_cluster(
    function: Callable[[Job], Value], jobs: Sequence[Job], scheduler: str
) -> Generator[Outcome[Value], None, None]:
    """Call `function` on each job on the workers of a cluster; yield outcomes as they come.

    The scheduler gives the jobs of a worker that is gone to another one. A job on which too many
    have died (``distributed.scheduler.allowed-failures``) is done again when all others have ended,
    and has failed if as many die again. If no worker is left, it waits a minute for one to come.

    Parameters
    ----------
    function : callable
        Defined at the top of a module that the workers have.
    jobs : sequence of picklable objects
        One argument each.
    scheduler : str
        Address of the scheduler.

    Raises
    ------
    InputError
        If ``distributed`` is not installed, no scheduler answers, it has no workers, or they have
        no medaug or another version of it; if the scheduler is gone before all is done.
    """
    client = _connect(scheduler)
    with _quiet("distributed", "distributed.client", "tornado.application"):
        try:
            _check_workers(client, scheduler)
            calls = [_Call(function, index, job) for index, job in enumerate(jobs)]
            yield from _collect(client, scheduler, calls)
        finally:
            client.close()


@dataclass(frozen=True)
class _Call(Generic[Job, Value]):
    """A job that dask cannot look into: it takes strings and tuples in arguments for its own."""

    function: Callable[[Job], Value]
    index: int
    job: Job


def _perform(call: _Call[Job, Value]) -> Outcome[Value]:
    return attempt(call.function, call.index, call.job)


def _connect(scheduler: str) -> Client:
    with optional_import("distributed", f"scheduler {scheduler}: a cluster"):
        from distributed import Client  # noqa: PLC0415 - slow to load
    try:
        return Client(scheduler, timeout=_ANSWER_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"no scheduler answers at {scheduler}; start one with `dask scheduler` and give the "
            "address that it prints, such as tcp://host:8786"
        ) from error


def _wait_for_worker(client: Client, scheduler: str, seconds: float) -> None:
    from distributed import TimeoutError as DaskTimeoutError  # noqa: PLC0415 - optional

    try:
        client.wait_for_workers(1, timeout=seconds)
    except (TimeoutError, DaskTimeoutError) as error:  # the same from Python 3.11 on
        raise InputError(
            f"the scheduler at {scheduler} has no workers; start some with "
            f"`dask worker {scheduler} --nworkers 4 --nthreads 1`, and resume what was begun"
        ) from error
    except OSError as error:
        raise _gone(scheduler) from error


def _gone(scheduler: str) -> InputError:
    return InputError(
        f"the scheduler at {scheduler} has gone or dropped the jobs; start it again and resume"
    )


def _check_workers(client: Client, scheduler: str) -> None:
    _wait_for_worker(client, scheduler, _ANSWER_SECONDS)
    # Nothing of medaug is needed on the worker to ask for this.
    versions = client.run(pkgutil.resolve_name, "medaug:__version__", on_error="return")
    for worker, version in versions.items():
        if version != medaug.__version__:
            found = "no medaug" if isinstance(version, Exception) else f"medaug {version}"
            raise InputError(
                f"worker {worker} has {found}, but this is {medaug.__version__}; "
                "install the same version on all workers"
            )


def _collect(
    client: Client, scheduler: str, calls: Sequence[_Call[Job, Value]]
) -> Generator[Outcome[Value], None, None]:
    """Do what was at hand on too many dying workers again, with nothing beside it.

    The scheduler blames all jobs that a dead worker had been given, also those that only waited.
    """
    suspects: list[int] = []
    yield from _run(client, scheduler, calls, suspects)
    for index in sorted(suspects):
        guilty: list[int] = []
        yield from _run(client, scheduler, [calls[index]], guilty)
        if guilty:
            yield Outcome(index, error=_DIED)


def _run(
    client: Client, scheduler: str, calls: Sequence[_Call[Job, Value]], killers: list[int]
) -> Generator[Outcome[Value], None, None]:
    """Yield outcomes, and add the jobs to `killers` on which too many workers have died."""
    from distributed import KilledWorker, as_completed  # noqa: PLC0415 - optional, slow to load

    run = uuid.uuid4().hex  # the scheduler may still know the keys of another run
    indices: dict[Any, int] = {f"medaug-{run}-{call.index}": call.index for call in calls}
    futures = client.map(_perform, calls, key=list(indices), pure=False)
    arriving = as_completed(futures, loop=client.loop, with_results=True, raise_errors=False)
    del futures  # or no result would ever be released
    for future, result in _patiently(arriving, client, scheduler):
        if isinstance(result, Outcome):
            yield result
            continue
        if future.status != "error":
            raise _gone(scheduler)
        _, error, _ = result
        if isinstance(error, KilledWorker):
            killers.append(indices[future.key])
        else:
            yield failure(indices[future.key], error)


def _patiently(arriving: as_completed, client: Client, scheduler: str) -> Iterator[Any]:
    """Yield what arrives, and look now and then whether there are workers left to wait for."""
    looked = time.monotonic()
    while not arriving.is_empty():
        if arriving.has_ready():
            yield next(arriving)
        elif time.monotonic() - looked < _LOOK_SECONDS:
            time.sleep(_POLL_SECONDS)
        else:
            _wait_for_worker(client, scheduler, _PATIENCE_SECONDS)
            looked = time.monotonic()


@contextmanager
def _quiet(*names: str) -> Iterator[None]:
    """Keep loggers from printing tracebacks of what is said here in one line."""
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
