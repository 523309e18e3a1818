"""Paired timing: what is compared runs in turn, so that both feel the same machine."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

#: The cores that this process was started with.
_CORES = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()

#: Parameters of glibc's mallopt: requests that may get a mapping of their own, and the free bytes
#: at the end of the heap from which on it shrinks.
_MMAP_MAX, _TRIM_THRESHOLD = -4, -1


@dataclass(frozen=True)
class Timing:
    """Seconds of one contestant, and its time as a multiple of the first one's, turn by turn."""

    name: str
    seconds: tuple[float, ...]
    ratios: tuple[float, ...]

    @property
    def milliseconds(self) -> float:
        """Median time of a call."""
        return float(np.median(self.seconds)) * 1e3

    def ratio_quartiles(self) -> tuple[float, float, float]:
        """Lower quartile, median and upper quartile of the ratio to the first contestant."""
        low, middle, high = np.quantile(self.ratios, [0.25, 0.5, 0.75])
        return float(low), float(middle), float(high)


def use_cores(count: int) -> None:
    """Keep this process on ``count`` cores, where the system can, and torch's threads as many."""
    torch.set_num_threads(count)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(_CORES)[:count])


def time_in_turn(
    contestants: Mapping[str, Callable[[], Any]], turns: int, warm_up: int = 1
) -> list[Timing]:
    """Call every contestant once a turn and time it; the first one is the yardstick."""
    for _ in range(warm_up):
        for call in contestants.values():
            call()
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(turns):
        for name, call in contestants.items():
            start = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - start)
    yardstick = next(iter(seconds.values()))
    return [
        Timing(name, tuple(own), tuple(a / b for a, b in zip(own, yardstick, strict=True)))
        for name, own in seconds.items()
    ]


def keep_memory() -> None:
    """Have the C library keep what becomes free in this process, where it can be told to."""
    library = ctypes.CDLL(None) if os.name == "posix" else None
    if library is not None and hasattr(library, "mallopt"):
        library.mallopt(_MMAP_MAX, 0)
        library.mallopt(_TRIM_THRESHOLD, 2**31 - 1)


def extra_bytes(call: Callable[[], Any], result_bytes: int) -> int | None:
    """Return the peak memory of a call beyond its result; ``None`` where Linux's /proc is missing.

    The result must still be referenced by what ``call`` returns.
    """
    refs = Path("/proc/self/clear_refs")
    if not refs.exists():
        return None
    ctypes.CDLL(None).malloc_trim(0)  # memory that was freed before must not be found again
    refs.write_text("5")  # forget the peak so far
    before = _status_bytes("VmRSS")
    result = call()
    peak = _status_bytes("VmHWM")
    del result
    return peak - before - result_bytes


def _status_bytes(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise LookupError(name)
