"""The data-efficiency curve: what an arm is worth at each size of the training set."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator

from medaug.benchmark.report.figures.style import arm_styles, line_style, panel
from medaug.inline_svg import INK

#: Arms are drawn beside each other, within this factor of the size.
_DODGE = 1.12


def dice_by_size_figure(arms: Sequence[str], points: pd.DataFrame) -> Figure:
    """Draw the mean Dice against the number of training cases, on a logarithmic axis.

    Parameters
    ----------
    arms : sequence of str
        The first is the reference.
    points : DataFrame
        Columns ``arm``, ``train_cases`` (the size's name), ``n_train_cases``, ``mean``, ``low`` and
        ``high``.
    """
    with panel("training cases", "mean Dice") as (figure, axes):
        _draw(axes, arms, points)
    return figure


def gain_by_size_figure(arms: Sequence[str], points: pd.DataFrame) -> Figure:
    """Draw the difference to the reference against the number of training cases.

    Parameters
    ----------
    arms, points
        As for `dice_by_size_figure`; ``mean`` is the mean difference.
    """
    with panel("training cases", f"difference of Dice to {arms[0]}") as (figure, axes):
        axes.axhline(0, color=INK, lw=0.8, ls=(0, (4, 3)))
        _draw(axes, arms, points)
    return figure


def _draw(axes: Axes, arms: Sequence[str], points: pd.DataFrame) -> None:
    styles = arm_styles(arms)
    shown = [arm for arm in arms if arm in set(points["arm"])]
    for place, arm in enumerate(shown):
        curve = points[points["arm"] == arm]
        shift = _DODGE ** (place / max(1, len(shown) - 1) - 0.5)
        x = curve["n_train_cases"] * shift
        axes.plot(x, curve["mean"], marker="o", ms=3.5, **line_style(styles[arm]))
        axes.vlines(x, curve["low"], curve["high"], color=styles[arm].colour, lw=1.2)
    sizes = points.drop_duplicates("train_cases")
    axes.set_xscale("log")
    labels = [
        f"all\n({count:.0f})" if name == "all" else name
        for name, count in zip(sizes["train_cases"], sizes["n_train_cases"], strict=True)
    ]
    axes.set_xticks(sizes["n_train_cases"].tolist(), labels=labels)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
