"""The cost picture: Dice against the CPU time that augmentation takes."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from medaug.benchmark.report.figures.style import arm_styles, panel

#: Of more arms, only those are named to which none is cheaper and better.
_ARMS_NAMED = 8
#: Labels are no closer than this, in parts of the height of the axis.
_LABEL_GAP = 0.06
#: How far to the right of its dot a label is, in parts of the width of the axis.
_LABEL_SHIFT = 0.03


def cost_figure(arms: Sequence[str], points: pd.DataFrame) -> Figure:
    """Draw the mean Dice of each arm against its CPU milliseconds a sample, which are logarithmic.

    A dot is filled if no arm is both cheaper and better.

    Parameters
    ----------
    arms : sequence of str
        The first is the reference.
    points : DataFrame
        Columns ``arm``, ``milliseconds``, ``mean``, ``low`` and ``high`` (NaN for the reference).
    """
    styles = arm_styles(arms)
    with panel("CPU milliseconds a sample", "mean Dice") as (figure, axes):
        axes.set_xscale("log")
        best = set(best_for_cost(points)["arm"])
        for point in points.to_dict("records"):
            x, colour = point["milliseconds"], styles[point["arm"]].colour
            axes.vlines(x, point["low"], point["high"], color=colour, lw=1.2)
            filled = "full" if point["arm"] in best else "none"
            axes.plot(x, point["mean"], "o", color=colour, ms=6, mew=1.6, fillstyle=filled)
        # Room to the right, for the labels.
        low, high = points["milliseconds"].min(), points["milliseconds"].max()
        left, right = low / 1.6, high * max(2.5, (high / low) ** 0.35)
        axes.set_xlim(left, right)
        bottom, top = axes.get_ylim()
        named = points if len(points) <= _ARMS_NAMED else points[points["arm"].isin(best)]
        heights = spread_labels(named["mean"].tolist(), _LABEL_GAP * (top - bottom))
        for point, height in zip(named.to_dict("records"), heights, strict=True):
            beside = point["milliseconds"] * (right / left) ** _LABEL_SHIFT
            axes.text(beside, height, point["arm"], va="center", fontsize=8)
        axes.set_ylim(min(bottom, *heights), max(top, *heights))
        axes.xaxis.set_major_locator(
            LogLocator(subs=(1.0, 2.0, 5.0) if high < 50 * low else (1.0,))
        )
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    return figure


def best_for_cost(points: pd.DataFrame) -> pd.DataFrame:
    """Return the points to which no other is both as cheap and better, from cheap to dear."""
    ordered = points.sort_values(["milliseconds", "mean"], ascending=[True, False])
    return ordered[ordered["mean"] > ordered["mean"].cummax().shift(fill_value=-1.0)]


def spread_labels(heights: Sequence[float], gap: float) -> list[float]:
    """Return where labels go that shall be `gap` apart and near the given heights.

    Labels that are too close form a stack about the mean of their heights; stacks that meet become
    one.
    """
    order = sorted(range(len(heights)), key=lambda place: heights[place])
    stacks: list[list[int]] = []
    for place in order:
        stacks.append([place])
        while len(stacks) > 1 and _bottom(stacks[-1], heights, gap) < gap + _top(
            stacks[-2], heights, gap
        ):
            above = stacks.pop()
            stacks[-1] += above
    spread = [0.0] * len(heights)
    for stack in stacks:
        for step, place in enumerate(stack):
            spread[place] = _bottom(stack, heights, gap) + step * gap
    return spread


def _bottom(stack: Sequence[int], heights: Sequence[float], gap: float) -> float:
    """Return the height of the lowest label of a stack."""
    middle = sum(heights[place] for place in stack) / len(stack)
    return middle - gap * (len(stack) - 1) / 2


def _top(stack: Sequence[int], heights: Sequence[float], gap: float) -> float:
    return _bottom(stack, heights, gap) + gap * (len(stack) - 1)
