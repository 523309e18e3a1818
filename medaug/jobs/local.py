"""Jobs in worker processes of this machine, which may die without taking the rest along."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_for_any
from typing import Generic

from medaug.jobs.outcome import Job, Outcome, Value, attempt, failure

#: Libraries read these when they are loaded. As many threads as cores in each of as many processes
#: as cores only get in each other's way.
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1",
}
_DIED = (
    "the worker process died on it, even with no other job beside it; most likely the memory ran "
    "out: use a machine with more (in a script of your own: does all of it stand below "
    '`if __name__ == "__main__":`?)'
)


def run_in_processes(
    function: Callable[[Job], Value], jobs: Sequence[Job], workers: int
) -> Generator[Outcome[Value], None, None]:
    """Call `function` on each job in `workers` processes; yield outcomes as they come.

    If a process dies nobody can tell which of the jobs at hand it was, and whether for lack of
    memory that another took: each of them is done again with nothing beside it, and one on which
    the process dies again has failed.

    Parameters
    ----------
    function : callable
        Defined at the top of a module.
    jobs : sequence of picklable objects
        One argument each.
    workers : int
        Processes, of one thread each until a job asks for more. They end with this process, however
        it ends.
    """
    waiting = deque(range(len(jobs)))
    with _environment(_ONE_THREAD):
        while waiting:
            with _Pool(function, jobs, workers) as pool:
                yield from pool.run(waiting)
            suspects = deque(sorted(pool.lost))
            while suspects:
                with _Pool(function, jobs, workers=1) as pool:
                    yield from pool.run(suspects)
                yield from (Outcome(index, error=_DIED) for index in pool.lost)


class _Pool(Generic[Job, Value]):
    """Processes that work until one of them dies; `lost` are the jobs that were at hand then."""

    def __init__(self, function: Callable[[Job], Value], jobs: Sequence[Job], workers: int) -> None:
        self.lost: set[int] = set()
        self._function = function
        self._jobs = jobs
        # One more than there are workers is under way, so that none has to wait for this process;
        # alone is alone.
        self._at_hand = workers + 1 if workers > 1 else 1
        context = multiprocessing.get_context("spawn")  # threads (ITK, numba) do not survive a fork
        children_end, self._lifeline = context.Pipe(duplex=False)
        self._executor = ProcessPoolExecutor(
            workers, mp_context=context, initializer=_tie, initargs=(children_end,)
        )
        self._children_end = children_end

    def __enter__(self) -> _Pool[Job, Value]:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Stop the workers: at once if something has been raised."""
        if kind is not None:
            self._lifeline.close()
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._lifeline.close()
        self._children_end.close()

    def run(self, waiting: deque[int]) -> Iterator[Outcome[Value]]:
        """Take jobs from the left of `waiting` until it is empty or a process has died."""
        running: dict[Future[Outcome[Value]], int] = {}
        while (waiting and not self.lost) or running:
            while waiting and not self.lost and len(running) < self._at_hand:
                self._start(waiting, running)
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                index = running.pop(future)
                error = future.exception()
                if error is None:
                    yield future.result()
                elif isinstance(error, BrokenProcessPool):
                    self.lost.add(index)
                else:
                    yield failure(index, error)

    def _start(self, waiting: deque[int], running: dict[Future[Outcome[Value]], int]) -> None:
        index = waiting.popleft()
        try:
            future = self._executor.submit(attempt, self._function, index, self._jobs[index])
        except BrokenProcessPool:  # noticed between two jobs
            self.lost.add(index)
        else:
            running[future] = index


def _tie(lifeline: Connection) -> None:
    """End this worker when its parent lets go of the lifeline, or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all: the parent decides
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        wait_for_any([lifeline, parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
