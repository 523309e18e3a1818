"""What became of one job, and the one place where exceptions of jobs turn into lines."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from medaug.errors import InputError

Job = TypeVar("Job")
Value = TypeVar("Value")

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome(Generic[Value]):
    """The end of one job: a value or an error.

    Attributes
    ----------
    index : int
        Of the job among the jobs.
    value : object or None
        What the function returned; None if there was an error.
    error : str
        One line; empty if all went well.
    trace : str
        The traceback of an exception that was not foreseen, else empty.
    """

    index: int
    value: Value | None = None
    error: str = ""
    trace: str = ""


def attempt(function: Callable[[Job], Value], index: int, job: Job) -> Outcome[Value]:
    """Call `function` and catch what a job may raise.

    Parameters
    ----------
    function : callable
        Takes the job.
    index : int
        Of the job, for the outcome.
    job : object
        What is to be done.
    """
    try:
        return Outcome(index, function(job))
    except Exception as error:
        return failure(index, error)


def failure(index: int, error: BaseException) -> Outcome[Value]:
    """Return the outcome of a job that raised.

    An `InputError` is its own line. So is what the system refuses (a full disk, no permission), and
    memory that ran out. Anything else is a bug: the line has its type, and that of what caused it,
    and the traceback is kept.
    """
    message = _line(error)
    if isinstance(error, InputError):
        return Outcome(index, error=message)
    *_, first = causes(error)
    if isinstance(first, MemoryError):
        return Outcome(index, error="the memory ran out; use fewer workers")
    if isinstance(error, OSError) and error.strerror:
        file = f"{error.filename}: " if error.filename is not None else ""
        return Outcome(index, error=f"{file}{error.strerror}")
    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    because = "" if first is error else f" ({type(first).__name__}: {_line(first)})"
    line = f"unforeseen {type(error).__name__}: {message}{because}"
    return Outcome(index, error=line, trace=trace)


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception, the one that it was raised from, and so on to the first one."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())


def log_bug(outcome: Outcome[Value]) -> None:
    """Log the traceback of an outcome if it has one: bugs are never silent."""
    if outcome.trace:
        _logger.error("job %d: %s\n%s", outcome.index, outcome.error, outcome.trace)
