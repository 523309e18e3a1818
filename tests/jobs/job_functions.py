"""What the tests have workers do: functions that a spawned process or a dask worker can import."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from medaug.errors import InputError


@dataclass(frozen=True)
class Sum:
    number: int
    folder: Path


def square(number: int) -> int:
    return number * number


def with_errors(number: int) -> int:
    if number == 2:
        raise InputError(f"case_{number}.nii: not a scan; take it out")
    if number == 4:
        raise KeyError("no such\nkey")
    if number == 5:
        raise PermissionError(13, "Permission denied", "/data/case_5.nii")
    return -number


def logged(job: Sum) -> int:
    """Leave a line for each call, slowly enough for the test to interfere."""
    with (job.folder / f"calls_{job.number}").open("a") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(0.03)
    return job.number**2


def dies_once(job: Sum) -> int:
    marker = job.folder / "died"
    if job.number == 3 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return job.number**2


def dies_always(job: Sum) -> int:
    if job.number == 3:
        time.sleep(0.3)  # a nanny gives up on a worker that dies while it starts
        os.kill(os.getpid(), signal.SIGKILL)
    return logged(job)


def sleeps(folder: Path) -> None:
    (folder / str(os.getpid())).touch()
    time.sleep(60)


def process(_: int) -> int:
    return os.getpid()


def wrapped(number: int) -> None:
    """Raise what a library makes of an error."""
    try:
        raise (MemoryError if number else ZeroDivisionError("one / zero"))
    except (MemoryError, ZeroDivisionError) as error:
        raise RuntimeError("it failed") from error


def threads(_: int) -> dict[str, str | None]:
    """What the libraries that a job loads will find."""
    names = ("OMP_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "NUMBA_NUM_THREADS")
    return {name: os.environ.get(name) for name in names}
