"""The reliability curve: how often a network is right at which confidence."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from medaug.benchmark.report.figures.style import arm_styles, line_style, panel
from medaug.inline_svg import INK


def reliability_figure(arms: Sequence[str], curves: pd.DataFrame) -> Figure:
    """Draw accuracy against confidence for each arm; on the diagonal, they are the same.

    Parameters
    ----------
    arms : sequence of str
        The first is the reference.
    curves : DataFrame
        From `medaug.benchmark.report.points.reliability`.
    """
    with panel("confidence", "share of right voxels") as (figure, axes):
        low = min(curves["confidence"].min(), curves["accuracy"].min())
        axes.plot([low, 1], [low, 1], color=INK, lw=0.8, ls=(0, (4, 3)))
        styles = arm_styles(arms)
        for arm in arms:
            curve = curves[curves["arm"] == arm]
            axes.plot(
                curve["confidence"], curve["accuracy"], marker="o", ms=3, **line_style(styles[arm])
            )
    return figure
