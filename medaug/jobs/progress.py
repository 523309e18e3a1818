"""What work on many things shows while it runs: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

if TYPE_CHECKING:
    from typing_extensions import Self

    from medaug.jobs.outcome import Outcome

_LINE_SECONDS = 10.0


class Progress:
    """What work on many things reports. This one shows nothing; subclasses show what they like.

    Use as a context manager around the work. `job_done` fits as ``on_done`` of
    `medaug.jobs.run.run_jobs`.
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

    def started(self, task: str, total: int, unit: str = "cases") -> None:
        """Report that work begins.

        Parameters
        ----------
        task : str
            Its name, such as ``preprocess``.
        total : int
            How many things are to be worked on.
        unit : str
            What they are, in the plural.
        """

    def job_done(self, outcome: Outcome[Any]) -> None:
        """Report the outcome of one of them."""

    def say(self, text: str) -> None:
        """Report something by the way, in a line."""


class LineProgress(Progress):
    """A line every ten seconds at most, and one when all of a task is done; for logs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._tally = _Tally("", 0, "")
        self._last_line = 0.0

    def started(self, task: str, total: int, unit: str = "cases") -> None:
        """Begin to count."""
        self._tally = _Tally(task, total, unit)
        self._last_line = time.monotonic()

    def job_done(self, outcome: Outcome[Any]) -> None:
        """Count it, and print a line if the last one was a while ago."""
        self._tally.add(outcome)
        now = time.monotonic()
        if self._tally.complete or now - self._last_line >= _LINE_SECONDS:
            self._last_line = now
            self.say(self._tally.line())

    def say(self, text: str) -> None:
        """Print the line."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


class BarProgress(Progress):
    """A bar for each task with the rate, the time left and the failures so far."""

    def __init__(self, console: Console) -> None:
        self._bars = RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("left"),
            TextColumn("{task.fields[failures]}", style="red"),
            console=console,
        )
        self._tally = _Tally("", 0, "")
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the bars as they are."""
        self._bars.stop()

    def started(self, task: str, total: int, unit: str = "cases") -> None:
        """Add a bar."""
        self._tally = _Tally(task, total, unit)
        self._task = self._bars.add_task(task, total=total, rate="", failures="")

    def job_done(self, outcome: Outcome[Any]) -> None:
        """Move the bar."""
        if self._task is None:
            raise RuntimeError("job_done before started")
        self._tally.add(outcome)
        self._bars.update(
            self._task,
            advance=1,
            rate=self._tally.rate(),
            failures=f"{self._tally.failed} failed" if self._tally.failed else "",
        )

    def say(self, text: str) -> None:
        """Print the line above the bars."""
        self._bars.console.print(text, highlight=False, markup=False, soft_wrap=True)


def terminal_progress(console: Console) -> Progress:
    """Return a bar if the console is a terminal, else lines."""
    return BarProgress(console) if console.is_terminal else LineProgress(console)


class _Tally:
    """How much of a task is done, how much failed, and since when."""

    def __init__(self, task: str, total: int, unit: str) -> None:
        self._task = task
        self._total = total
        self._unit = unit
        self._done = 0
        self.failed = 0
        self._start = time.monotonic()

    @property
    def complete(self) -> bool:
        return self._done == self._total

    def add(self, outcome: Outcome[Any]) -> None:
        self._done += 1
        self.failed += bool(outcome.error)

    def rate(self) -> str:
        """Return the rate with the unit that a person would choose."""
        per_second = self._done / max(time.monotonic() - self._start, 1e-3)
        if per_second >= 1:
            return f"{per_second:.1f} {self._unit}/s"
        if 60 * per_second >= 1:
            return f"{60 * per_second:.1f} {self._unit}/min"
        return f"{3600 * per_second:.1f} {self._unit}/h"

    def line(self) -> str:
        parts = [f"{self._task}: {self._done}/{self._total} {self._unit}", self.rate()]
        if not self.complete:
            parts.append(f"{self._time_left()} left")
        if self.failed:
            parts.append(f"{self.failed} failed")
        return ", ".join(parts)

    def _time_left(self) -> str:
        spent = time.monotonic() - self._start
        seconds = round(spent / self._done * (self._total - self._done))
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        if hours:
            return f"{hours} h {minutes:02d} min"
        return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"
