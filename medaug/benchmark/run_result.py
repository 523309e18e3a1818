"""The record of one training run, and its file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from medaug.errors import InputError
from medaug.io.files import dump_json, write_atomically
from medaug.typing import StrPath


@dataclass(frozen=True)
class RunResult:
    """The measurements of one training run: one arm, one fold, one seed.

    Attributes
    ----------
    arm : str
        The policy's name.
    fold, seed : int
        Which fold was tested, and the seed of initial weights and sample order.
    train_cases : tuple of str
        The cases that the network was trained on.
    dice : dict of case to (dict of class to Dice)
        In [0, 1], or NaN where truth and prediction both lack the class.
    losses : list of (step, loss)
        The training loss.
    monitor : list of (step, dice)
        Mean Dice on a few held-out cases during training, for the learning curve only.
    seconds : dict of name to seconds
        Durations: ``train`` and ``inference``.
    provenance : dict
        Plain JSON: versions, revision, hardware, command and times of the process that made the
        run. A benchmark that was resumed has runs of several processes.
    """

    arm: str
    fold: int
    seed: int
    train_cases: tuple[str, ...]
    dice: dict[str, dict[str, float]]
    losses: list[tuple[int, float]]
    monitor: list[tuple[int, float]]
    seconds: dict[str, float]
    provenance: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the record as JSON, in which NaN is null."""
        return dump_json(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> RunResult:
        """Return the record that :meth:`to_json` wrote.

        Raises
        ------
        ValueError, KeyError, TypeError, AttributeError
            If the text is not such a record.
        """
        record = json.loads(text)
        return cls(
            arm=record["arm"],
            fold=record["fold"],
            seed=record["seed"],
            train_cases=tuple(record["train_cases"]),
            dice={case: _floats(scores) for case, scores in record["dice"].items()},
            losses=[(step, _float(loss)) for step, loss in record["losses"]],
            monitor=[(step, _float(dice)) for step, dice in record["monitor"]],
            seconds=_floats(record["seconds"]),
            provenance=dict(record["provenance"]),
        )

    def write(self, path: StrPath) -> None:
        """Write the record to the file `path`, whole or not at all."""
        write_atomically(path, self.to_json())

    @classmethod
    def read(cls, path: StrPath) -> RunResult:
        """Read the record from the file `path`.

        Raises
        ------
        InputError
            If the file does not hold such a record.
        """
        try:
            return cls.from_json(Path(path).read_text(encoding="utf-8"))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"{path} is not the record of a run. Delete it to have the run made again."
            ) from error


def _float(value: float | None) -> float:
    """Undo :func:`dump_json`: null was NaN."""
    return float("nan") if value is None else float(value)


def _floats(values: Mapping[str, float | None]) -> dict[str, float]:
    return {name: _float(value) for name, value in values.items()}
