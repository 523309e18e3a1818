"""The paired picture: each case's difference to the reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from medaug.benchmark.report.figures.style import ArmStyle, panel
from medaug.inline_svg import INK

#: Height of an arm's row: less where there are many.
_ROW_IN, _LOW_ROW_IN = 0.5, 0.3
_MANY_ARMS = 6


def paired_figure(
    rows: Sequence[dict[str, Any]],
    differences: pd.DataFrame,
    styles: dict[str, ArmStyle],
    limits: tuple[float, float],
) -> Figure:
    """Draw each case's difference to the reference, with the mean and its interval.

    Parameters
    ----------
    rows : sequence of dict
        Of the comparison, for one class; the first is the reference's.
    differences : DataFrame
        Columns ``arm``, ``case`` and ``difference``, for this class.
    styles : dict of str to ArmStyle
        Of each arm.
    limits : tuple of 2 float
        Lowest and highest difference that must be on the axis, so that pictures compare.
    """
    reference, others = rows[0]["arm"], rows[1:]
    row_height = _ROW_IN if len(others) <= _MANY_ARMS else _LOW_ROW_IN
    height = 0.8 + row_height * len(others)
    with panel(f"difference of Dice to {reference}", height_in=height) as (figure, axes):
        axes.axvline(0, color=INK, lw=0.8, ls=(0, (4, 3)))
        axes.grid(visible=False, axis="y")
        for place, row in enumerate(others):
            values = differences.loc[differences["arm"] == row["arm"], "difference"].to_numpy()
            _draw_arm(axes, place, values, row, styles[row["arm"]].colour)
        axes.set_yticks(range(len(others)), labels=[row["arm"] for row in others])
        axes.set_ylim(len(others) - 0.5, -0.5)
        axes.dataLim.update_from_data_x([min(limits[0], 0.0), max(limits[1], 0.0)])
        axes.autoscale_view(scaley=False)
    return figure


def _draw_arm(
    axes: Axes, place: int, values: np.ndarray[Any, Any], row: dict[str, Any], colour: str
) -> None:
    """Draw a dot a case, a bar for the interval of the mean, and the mean."""
    # The golden ratio spreads the dots evenly, and the same way each time.
    spread = (np.arange(len(values)) * 0.618 % 1 - 0.5) * 0.6
    axes.scatter(values, place + spread, s=10, color=colour, alpha=0.6, lw=0)
    axes.plot([row["ci_low"], row["ci_high"]], [place, place], color=INK, lw=2.2)
    axes.plot(row["difference"], place, "D", color=INK, ms=5)
