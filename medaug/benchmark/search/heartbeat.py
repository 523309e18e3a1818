"""Who works on a trial, and whether they still do."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from optuna.exceptions import StorageInternalError
from optuna.trial import FrozenTrial, Trial

BEAT_SECONDS = 60.0

#: So long after its last sign of life a worker counts as dead. Clocks of machines differ.
SILENCE_SECONDS = 600.0

_WORKER = "worker"
_ALIVE = "alive"


@contextmanager
def beating(trial: Trial) -> Iterator[None]:
    """Note in the storage, again and again, that this process works on a trial."""
    trial.set_user_attr(_WORKER, f"{socket.gethostname()}:{os.getpid()}")
    trial.set_user_attr(_ALIVE, time.time())
    done = threading.Event()
    thread = threading.Thread(target=_beat, args=(trial, done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _beat(trial: Trial, done: threading.Event) -> None:
    while not done.wait(BEAT_SECONDS):
        with suppress(StorageInternalError):  # a database that is away for a moment
            trial.set_user_attr(_ALIVE, time.time())


def is_dead(trial: FrozenTrial) -> bool:
    """Return whether nobody works any more on a trial that is marked as running.

    A process of this machine is asked for; others have been silent for too long. This process does
    one trial at a time, so that it does not work on one that it only finds.
    """
    host, _, process = trial.user_attrs.get(_WORKER, "").rpartition(":")
    if host == socket.gethostname() and not _runs_elsewhere(int(process)):
        return True
    started = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
    heard_of = float(trial.user_attrs.get(_ALIVE, started))
    return time.time() - heard_of > SILENCE_SECONDS


def _runs_elsewhere(process: int) -> bool:
    """Return whether another process of this number runs on this machine, as far as one can ask."""
    if process == os.getpid():
        return False
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it runs, as another user
        return True
    return True
