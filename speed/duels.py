"""Two calls that are compared, and what the ratio of their times should be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from speed.contestants import Call
from speed.timing import Timing, time_in_turn, use_cores
from speed.workload import Workload


@dataclass(frozen=True)
class Duel:
    """Two calls, and what the ratio of the second's time to the first's should be.

    Attributes
    ----------
    work, ours, other : str
        What is done, and by whom.
    build : callable
        Returns both calls; the second is ``None`` if that peer is not installed.
    goal : float
    at_least : bool
        Whether the ratio should be at least or at most ``goal``.
    turns : float
        Times the usual number of turns: fewer for peers that take long, more where the warps that
        both sides draw let the ratio vary.
    cores : int
        Cores that the process may use.
    by_mean : bool
        Compare means over the turns instead of medians of ratios: for work that mostly does little
        and sometimes much.
    """

    work: str
    ours: str
    other: str
    build: Callable[[Workload], tuple[Call, Call | None]]
    goal: float
    at_least: bool = True
    turns: float = 1.0
    cores: int = 1
    by_mean: bool = False


@dataclass(frozen=True)
class Outcome:
    """A duel and its two timings; the second has the ratios."""

    duel: Duel
    ours: Timing
    other: Timing

    def milliseconds(self, timing: Timing) -> float:
        """Return the mean or median time of a call."""
        return float(np.mean(timing.seconds)) * 1e3 if self.duel.by_mean else timing.milliseconds

    def ratios(self) -> tuple[float, float, float]:
        """Return the ratio between its lower and its upper quartile."""
        if not self.duel.by_mean:
            return self.other.ratio_quartiles()
        rng = np.random.default_rng(0)
        ours, theirs = np.array(self.ours.seconds), np.array(self.other.seconds)
        drawn = rng.integers(0, len(ours), (1000, len(ours)))
        low, high = np.quantile(theirs[drawn].mean(1) / ours[drawn].mean(1), [0.25, 0.75])
        return float(low), float(theirs.mean() / ours.mean()), float(high)

    @property
    def reached(self) -> bool:
        """Whether the ratio meets the goal."""
        ratio = self.ratios()[1]
        return ratio >= self.duel.goal if self.duel.at_least else ratio <= self.duel.goal

    def to_dict(self) -> dict[str, Any]:
        """Return all that was measured as plain numbers."""
        return {
            "work": self.duel.work,
            "seconds": {self.ours.name: self.ours.seconds, self.other.name: self.other.seconds},
            "goal": self.duel.goal,
            "at_least": self.duel.at_least,
            "reached": self.reached,
        }


def run_duels(duels: Sequence[Duel], workload: Workload, turns: int) -> list[Outcome]:
    """Run every duel whose peer is installed."""
    outcomes = []
    for duel in duels:
        first, second = duel.build(workload)
        if second is None:
            continue
        use_cores(duel.cores)
        calls = {duel.ours: first, duel.other: second}
        # A host takes a while to wake a core that has been idle.
        warm_up = turns * 2 if duel.cores > 1 else 1
        timings = time_in_turn(calls, max(2, round(turns * duel.turns)), warm_up)
        outcomes.append(Outcome(duel, *timings))
    use_cores(1)
    return outcomes
