"""What a benchmark shows while it runs: bars on a terminal, one line a run elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

if TYPE_CHECKING:
    from typing_extensions import Self

    from medaug.benchmark.run_result import RunResult
    from medaug.benchmark.store import RunKey


class Progress:
    """What a benchmark reports. This one shows nothing; subclasses show what they like.

    Use as a context manager around the benchmark.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop showing."""

    def case_loaded(self, name: str) -> None:
        """Report that a case has been loaded."""

    def benchmark_started(self, keys: Sequence[RunKey], steps: int) -> None:
        """Report the runs to come and the optimiser steps of each."""

    def run_started(self, key: RunKey) -> None:
        """Report that the training of a run begins."""

    def step_done(self, step: int) -> None:
        """Report the number of optimiser steps done in the run."""

    def run_finished(self, result: RunResult, *, reused: bool) -> None:
        """Report a run's result; ``reused`` if it was there from before."""


class LineProgress(Progress):
    """One line a run, for logs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._done = 0
        self._total = 0

    def benchmark_started(self, keys: Sequence[RunKey], steps: int) -> None:
        """Say how much there is to do."""
        self._total = len(keys)
        self._console.print(f"{len(keys)} runs of {steps} steps", highlight=False)

    def run_finished(self, result: RunResult, *, reused: bool) -> None:
        """Print the run's Dice and how long it took."""
        self._done += 1
        line = f"run {self._done}/{self._total}: {_describe(result, reused=reused)}"
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)


class BarProgress(Progress):
    """Bars for folds (of every seed), arms and steps, and a line for each finished run."""

    def __init__(self, console: Console) -> None:
        self._bars = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._loading = self._bars.add_task("cases", total=None)
        self._tasks: dict[str, TaskID] = {}
        self._arms: list[str] = []

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bars away."""
        self._bars.stop()

    def case_loaded(self, name: str) -> None:
        """Count the case."""
        self._bars.update(self._loading, advance=1, description=f"cases: {name}")

    def benchmark_started(self, keys: Sequence[RunKey], steps: int) -> None:
        """Replace the bar of the cases by those of folds, arms and steps."""
        self._bars.remove_task(self._loading)
        self._arms = list(dict.fromkeys(key.arm for key in keys))
        totals = {"folds": len(keys) // len(self._arms), "arms": len(self._arms), "steps": steps}
        self._tasks = {
            name: self._bars.add_task(name, total=total) for name, total in totals.items()
        }

    def run_started(self, key: RunKey) -> None:
        """Name the run."""
        self._bars.update(self._tasks["folds"], description=f"folds: {key.fold}, seed {key.seed}")
        self._bars.update(
            self._tasks["arms"], description=f"arms: {key.arm}", completed=self._arms.index(key.arm)
        )
        self._bars.reset(self._tasks["steps"])

    def step_done(self, step: int) -> None:
        """Move the bar of the steps."""
        self._bars.update(self._tasks["steps"], completed=step)

    def run_finished(self, result: RunResult, *, reused: bool) -> None:
        """Move the bars of arms and folds."""
        done = self._arms.index(result.arm) + 1
        self._bars.update(self._tasks["arms"], completed=done)
        if done == len(self._arms):
            self._bars.update(self._tasks["folds"], advance=1)
        self._bars.console.print(_describe(result, reused=reused), highlight=False, markup=False)


def terminal_progress(console: Console) -> Progress:
    """Return bars if the console is a terminal, else lines."""
    return BarProgress(console) if console.is_terminal else LineProgress(console)


def _describe(result: RunResult, *, reused: bool) -> str:
    scores = [
        dice
        for classes in result.dice.values()
        for dice in classes.values()
        if not math.isnan(dice)
    ]
    dice = f"{np.mean(scores):.3f}" if scores else "undefined"
    took = "from before" if reused else f"{sum(result.seconds.values()):.1f} s"
    return f"{result.arm}, fold {result.fold}, seed {result.seed}: Dice {dice}, {took}"
