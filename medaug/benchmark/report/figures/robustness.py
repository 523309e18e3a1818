"""The robustness curves: Dice against how much a test case was corrupted."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from medaug.benchmark.report.figures.style import arm_styles, line_style, panel


def robustness_figure(
    arms: Sequence[str], points: pd.DataFrame, limits: tuple[float, float]
) -> Figure:
    """Draw the mean Dice of each arm against the severity of one corruption.

    Parameters
    ----------
    arms : sequence of str
        The first is the reference.
    points : DataFrame
        Columns ``arm``, ``severity`` (0 for untouched cases) and ``dice``.
    limits : tuple of 2 float
        Lowest and highest Dice that must be on the axis, so that pictures compare.
    """
    with panel("severity", "mean Dice") as (figure, axes):
        styles = arm_styles(arms)
        for arm in arms:
            curve = points[points["arm"] == arm].sort_values("severity")
            axes.plot(curve["severity"], curve["dice"], marker="o", ms=3, **line_style(styles[arm]))
        severities = sorted(points["severity"].unique())
        labels = ["untouched" if level == 0 else str(level) for level in severities]
        axes.set_xticks(severities, labels=labels)
        margin = 0.05 * max(limits[1] - limits[0], 0.01)
        axes.set_ylim(limits[0] - margin, limits[1] + margin)
    return figure
