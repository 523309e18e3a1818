"""Learning curves: how training loss and held-out Dice went, with the band of the runs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from medaug.benchmark.report.figures.style import arm_styles, line_style, panel
from medaug.benchmark.results import RUN_COLUMNS

_CURVE_POINTS = 60


def loss_figure(arms: Sequence[str], losses: pd.DataFrame) -> Figure:
    """Draw the training loss of each arm: the mean of its runs, and the band they span.

    Losses are averaged over a few neighbouring steps; the label of the axis says how many.

    Parameters
    ----------
    arms : sequence of str
        The first is the reference.
    losses : DataFrame
        Columns of the run, ``step`` and ``loss``.
    """
    width = max(1, -(-int(losses["step"].max()) // _CURVE_POINTS))
    label = "training loss" if width == 1 else f"training loss (mean of {width} steps)"
    return _curves(arms, losses, "loss", label, width)


def monitor_figure(arms: Sequence[str], monitor: pd.DataFrame) -> Figure:
    """Draw the held-out Dice of each arm in training: the mean of its runs, and their band.

    Parameters
    ----------
    arms : sequence of str
        The first is the reference.
    monitor : DataFrame
        Columns of the run, ``step`` and ``dice``.
    """
    return _curves(arms, monitor, "dice", "Dice on held-out cases", 1)


def _curves(
    arms: Sequence[str], table: pd.DataFrame, column: str, label: str, bin_width: int
) -> Figure:
    """Draw `column` against the step, averaged within bins of `bin_width` steps, for each arm."""
    last_step = np.ceil(table["step"] / bin_width) * bin_width
    last_step = last_step.clip(upper=table["step"].max())
    runs = table.assign(step=last_step).groupby([*RUN_COLUMNS, "step"])[column].mean()
    band = runs.groupby(["arm", "step"]).agg(["mean", "min", "max"])
    with panel("optimiser step", label) as (figure, axes):
        for arm, style in arm_styles(arms).items():
            if arm in band.index:
                curve = band.loc[arm]
                axes.plot(curve.index, curve["mean"], **line_style(style))
                axes.fill_between(
                    curve.index, curve["min"], curve["max"], color=style.colour, alpha=0.15, lw=0
                )
    return figure
