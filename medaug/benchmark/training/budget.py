"""How long a training lasts: a number of optimiser steps, or wall time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

#: Steps and points are counted in fractions of a training; this is far below one of either.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Budget:
    """What a training may spend: one of the two.

    Attributes
    ----------
    steps : int or None
        Optimiser steps; None if time decides.
    seconds : float or None
        Wall time; None if steps decide.
    """

    steps: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.seconds is None):
            raise ValueError("a budget is either steps or seconds")

    def spent(self, steps: int, seconds: float) -> float:
        """Return which fraction, in [0, 1], a training has spent after these steps and seconds."""
        if self.steps is not None:
            return min(steps / self.steps, 1.0)
        assert self.seconds is not None  # it is one of the two
        return min(seconds / self.seconds, 1.0)


def points_passed(spent: float, points: int) -> int:
    """Return how many of the points at ``1/points, 2/points, ..., 1`` of a training are behind."""
    return math.floor(spent * points + _ROUNDING)


class Stopwatch:
    """The time that a training has taken, over interruptions, without its pauses.

    Parameters
    ----------
    seconds : float
        What it has taken already.
    clock : callable
        Returns the time in seconds.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._start = clock() - seconds

    @property
    def seconds(self) -> float:
        """The time taken until now."""
        return self._clock() - self._start

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Do not count the time of the block."""
        before = self._clock()
        yield
        self._start += self._clock() - before
