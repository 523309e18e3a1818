"""A benchmark's runs as TensorBoard event logs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd

from medaug.benchmark.results import RUN_COLUMNS, Results
from medaug.benchmark.testing.measures import MEASURES
from medaug.errors import InputError
from medaug.extras import optional_import
from medaug.typing import StrPath


def write_tensorboard(results: Results, folder: StrPath) -> Path:
    """Write the learning curves and the final scores of each run as TensorBoard event logs.

    A run becomes the log ``ARM/train10-fold0-seed0`` with ``loss`` and ``monitor/dice`` against the
    optimiser step and, at the last step, ``test/MEASURE/CLASS``: means over its test cases.

    Parameters
    ----------
    results : Results
        All runs.
    folder : path
        Absent or empty; is made.

    Returns
    -------
    Path
        The folder, which ``tensorboard --logdir`` takes.

    Raises
    ------
    InputError
        If tensorboardX is not installed, or the folder has files in it: another log of a run would
        be mixed with its first one.
    """
    writer_class = _writer_class()
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is not an empty folder; choose another for TensorBoard.")
    for run in results.runs.to_dict("records"):
        name = f"train{run['train_cases']}-fold{run['fold']}-seed{run['seed']}"
        with writer_class(str(folder / run["arm"] / name)) as writer:
            for row in _of_run(results.losses, run).to_dict("records"):
                writer.add_scalar("loss", row["loss"], row["step"])
            for row in _of_run(results.monitor, run).to_dict("records"):
                writer.add_scalar("monitor/dice", row["dice"], row["step"])
            for tag, value in _final_scores(_of_run(results.scores, run)).items():
                writer.add_scalar(tag, value, run["steps"])
    return folder


def _writer_class() -> Any:
    with optional_import("tensorboard", "--tensorboard"):
        from tensorboardX import SummaryWriter  # noqa: PLC0415  (an extra)
    return SummaryWriter


def _of_run(table: pd.DataFrame, run: dict[Any, Any]) -> pd.DataFrame:
    same = (table[RUN_COLUMNS] == [run[column] for column in RUN_COLUMNS]).all(axis="columns")
    return table.loc[same]


def _final_scores(scores: pd.DataFrame) -> dict[str, float]:
    means = scores.groupby("class", sort=False)[[measure.name for measure in MEASURES]].mean()
    return {
        f"test/{measure.name}/{name}": float(means.loc[name, measure.name])
        for measure in MEASURES
        for name in means.index
        if not math.isnan(means.loc[name, measure.name])
    }
