"""The record of one training run, and its file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from medaug.benchmark.runs.key import RunKey
from medaug.errors import InputError
from medaug.io.files import dump_json, write_atomically
from medaug.typing import StrPath


@dataclass(frozen=True, eq=False)
class RunResult:
    """The measurements of one training run.

    Attributes
    ----------
    key : RunKey
        Which run.
    train_cases : tuple of str
        The cases that the network was trained on.
    scores : DataFrame
        Columns ``case``, ``class`` and those of `medaug.benchmark.testing.measures.MEASURES`: a row
        for each test case and region.
    shifted : DataFrame
        Columns ``corruption``, ``severity``, ``case``, ``class``, ``dice``; no rows without a
        shifted test.
    calibration : DataFrame
        Columns ``case``, ``bin``, ``voxels``, ``confidence`` and ``correct``: the voxels whose
        confidence lies in a bin, the sum of their confidences and how many are right.
    losses : list of (step, loss)
        The training loss.
    monitor : list of (step, dice)
        Mean Dice on a few held-out cases during training, for the learning curve only.
    steps : int
        Optimiser steps done.
    seconds : dict of name to seconds
        Durations: ``train`` and ``test``.
    provenance : dict
        Plain JSON: versions, revision, hardware, command and times of the process that made the
        run. A benchmark that was resumed has runs of several processes.
    """

    key: RunKey
    train_cases: tuple[str, ...]
    scores: pd.DataFrame
    shifted: pd.DataFrame
    calibration: pd.DataFrame
    losses: list[tuple[int, float]]
    monitor: list[tuple[int, float]]
    steps: int
    seconds: dict[str, float]
    provenance: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the record as JSON, in which NaN is null."""
        record = {name: getattr(self, name) for name in self.__dataclass_fields__}
        record["key"] = asdict(self.key)
        for name in _TABLES:
            record[name] = record[name].to_dict("list")
        return dump_json(record)

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
            key=RunKey(**record["key"]),
            train_cases=tuple(record["train_cases"]),
            **{name: _table(record[name]) for name in _TABLES},
            losses=[(step, _float(loss)) for step, loss in record["losses"]],
            monitor=[(step, _float(dice)) for step, dice in record["monitor"]],
            steps=record["steps"],
            seconds={name: float(value) for name, value in record["seconds"].items()},
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


_TABLES = ("scores", "shifted", "calibration")
_TEXTS = {"case", "class", "corruption"}
_COUNTS = {"severity", "bin", "voxels", "correct"}


def _table(columns: dict[str, list[Any]]) -> pd.DataFrame:
    """Undo `DataFrame.to_dict`, with dtypes that do not depend on there being rows or values."""
    types = {name: "int64" if name in _COUNTS else "float64" for name in columns.keys() - _TEXTS}
    return pd.DataFrame(columns).astype(types)


def _float(value: float | None) -> float:
    """Undo :func:`dump_json`: null was NaN."""
    return float("nan") if value is None else float(value)
