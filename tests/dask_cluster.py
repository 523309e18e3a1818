"""A real dask scheduler and real workers, each a process of its own on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Cluster:
    """A scheduler and its workers; their process numbers are known, so that they can be killed."""

    def __init__(self, folder: Path) -> None:
        self.workers: list[int] = []
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self._file = folder / "scheduler.json"
        self._start("scheduler", "--port", "0", "--host", "127.0.0.1")
        self.address = self._wait_for_address()

    def add_worker(self, *options: str, nanny: bool = False) -> int:
        """Start a worker (that a nanny replaces when it dies) and return its process number."""
        options = (*options, "--nthreads", "1", "--local-directory", str(self._folder))
        return self._start("worker", *options, "" if nanny else "--no-nanny")

    def close(self) -> None:
        """Kill all that is left; twice does no harm."""
        for process in self._processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _start(self, what: str, *options: str) -> int:
        with (self._folder / f"{what}.log").open("ab") as log:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", f"distributed.cli.dask_{what}", "--no-dashboard"),
                    *("--scheduler-file", str(self._file), *filter(None, options)),
                ],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env=os.environ
                | {
                    "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
                    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1",
                    # So long it tries to fetch a result from a worker that is dead.
                    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "2s",
                },
                start_new_session=True,
            )
        self._processes.append(process)
        return process.pid

    def _wait_for_address(self) -> str:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                return str(json.loads(self._file.read_text())["address"])
            except (FileNotFoundError, json.JSONDecodeError):
                time.sleep(0.05)
        raise TimeoutError((self._folder / "scheduler.log").read_text())


@contextmanager
def dask_cluster(folder: Path, workers: int = 2) -> Iterator[Cluster]:
    """Run a scheduler and workers without nannies; kill all that is left at the end."""
    cluster = Cluster(folder)
    try:
        cluster.workers = [cluster.add_worker() for _ in range(workers)]
        yield cluster
    finally:
        cluster.close()
