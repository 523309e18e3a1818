"""The figures of a benchmark: learning curves, paired differences and example slices.

All are drawn on ``Figure`` objects, without pyplot and its global state. Colours are those of Okabe
and Ito, which the colour-blind can tell apart; line styles repeat what the colour says.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from medaug.benchmark.results import Results
from medaug.benchmark.statistics.compare import MEAN_OF_CLASSES, paired_differences
from medaug.inline_svg import FIGURE_STYLE, INK
from medaug.io.files import write_atomically
from medaug.typing import FloatArray, StrPath

#: The reference arm is grey; the others take these in turn.
_REFERENCE_COLOUR = "#808080"
_ARM_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9")
_ARM_DASHES = ("-", "--", "-.", ":")
#: Bright ones first, as they lie on grey images.
_CLASS_COLOURS = ("#e69f00", "#56b4e9", "#cc79a7", "#f0e442", "#009e73", "#d55e00", "#0072b2")

_PANEL_WIDTH_IN = 4.2
_CURVE_POINTS = 60
_EXAMPLE_WIDTH_IN = 3.0
_EXAMPLE_DPI = 120


def arm_colours(arms: Sequence[str]) -> dict[str, str]:
    """Return the colour of each arm, the same in all figures; the first arm is the reference."""
    colours = {arms[0]: _REFERENCE_COLOUR}
    for index, arm in enumerate(arms[1:]):
        colours[arm] = _ARM_COLOURS[index % len(_ARM_COLOURS)]
    return colours


def class_colours(classes: Sequence[str]) -> dict[str, str]:
    """Return the colour of each class, the same in all figures."""
    return {name: _CLASS_COLOURS[i % len(_CLASS_COLOURS)] for i, name in enumerate(classes)}


def loss_figure(results: Results) -> Figure:
    """Draw the training loss of each arm: the mean of its runs, and the band they span.

    Losses are averaged over a few neighbouring steps; the label of the axis says how many.
    """
    width = max(1, -(-int(results.losses["step"].max()) // _CURVE_POINTS))
    label = "training loss" if width == 1 else f"training loss (mean of {width} steps)"
    return _curves(results.arms, results.losses, "loss", label, width)


def monitor_figure(results: Results) -> Figure:
    """Draw the held-out Dice of each arm in training: the mean of its runs, and their band."""
    return _curves(results.arms, results.monitor, "dice", "Dice on held-out cases", 1)


def paired_figure(
    results: Results, comparison: pd.DataFrame, classes: Sequence[str] | None = None
) -> Figure:
    """Draw each case's difference to the first arm, with the mean and its interval.

    Parameters
    ----------
    results : Results
    comparison : DataFrame
        From :func:`medaug.benchmark.statistics.compare.compare_arms`.
    classes : sequence of str, optional
        One panel each, side by side; by default ``mean`` and then all classes.

    Returns
    -------
    matplotlib.figure.Figure
    """
    panels = [MEAN_OF_CLASSES, *results.classes] if classes is None else list(classes)
    differences = paired_differences(results.cases)
    low, high = differences["difference"].min(), differences["difference"].max()
    height = 0.9 + 0.5 * len(results.arms[1:])
    with mpl.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(_PANEL_WIDTH_IN * len(panels), height), layout="constrained")
        grid = figure.subplots(1, len(panels), sharex=True, squeeze=False)
        for axes, name in zip(grid[0], panels, strict=True):
            points = differences[differences["class"] == name]
            intervals = comparison[comparison["class"] == name]
            _draw_differences(axes, results.arms, points, intervals)
            axes.set_title("mean of the classes" if name == MEAN_OF_CLASSES else name, fontsize=9)
            # Of all classes, so that panels compare, also when they are drawn one by one.
            axes.dataLim.update_from_data_x([min(low, 0.0), max(high, 0.0)])
            axes.autoscale_view(scaley=False)
    return figure


def example_png(
    image: FloatArray,
    labels: npt.NDArray[np.uint8] | None = None,
    truth: npt.NDArray[np.uint8] | None = None,
    *,
    n_classes: int,
) -> bytes:
    """Draw one slice as a PNG, with segmentations on it.

    Parameters
    ----------
    image : float array, shape (I, J)
        Shown in grey from its 1st to its 99th percentile; I runs to the right and J upwards.
    labels : integer array, shape (I, J), optional
        Each class is tinted and outlined in its colour.
    truth : integer array, shape (I, J), optional
        Each class is outlined in white.
    n_classes : int
        The number of foreground classes.

    Returns
    -------
    bytes
    """
    size = (_EXAMPLE_WIDTH_IN, _EXAMPLE_WIDTH_IN * image.shape[1] / image.shape[0])
    figure = Figure(figsize=size, dpi=_EXAMPLE_DPI, facecolor="black")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    low, high = np.percentile(image, (1, 99))
    axes.imshow(image.T, cmap="gray", vmin=low, vmax=high, origin="lower", aspect="auto")
    for index in range(1, n_classes + 1):
        colour = _CLASS_COLOURS[(index - 1) % len(_CLASS_COLOURS)]
        if labels is not None:
            _outline(axes, labels == index, colour, filled=True)
        if truth is not None:
            _outline(axes, truth == index, "white", filled=False)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def write_figure(figure: Figure, path: StrPath) -> None:
    """Write a figure to a file of its own, whole or not at all.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : path
        Its suffix is the format, such as ``.png`` or ``.svg``.
    """
    buffer = BytesIO()
    with mpl.rc_context(FIGURE_STYLE):
        figure.savefig(buffer, format=Path(path).suffix.lstrip("."), dpi=150)
    write_atomically(path, buffer.getvalue())


def _curves(
    arms: Sequence[str], table: pd.DataFrame, column: str, label: str, bin_width: int
) -> Figure:
    """Draw `column` against the step, averaged within bins of `bin_width` steps, for each arm."""
    last_step = np.ceil(table["step"] / bin_width) * bin_width
    last_step = last_step.clip(upper=table["step"].max())
    runs = table.assign(step=last_step).groupby(["arm", "fold", "seed", "step"])[column].mean()
    band = runs.groupby(["arm", "step"]).agg(["mean", "min", "max"])
    colours = arm_colours(arms)
    with mpl.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(_PANEL_WIDTH_IN, 3.0), layout="constrained")
        axes = figure.subplots()
        for index, arm in enumerate(arms):
            curve = band.loc[arm]
            dashes = _ARM_DASHES[index % len(_ARM_DASHES)]
            axes.plot(curve.index, curve["mean"], dashes, color=colours[arm], label=arm, lw=1.6)
            axes.fill_between(
                curve.index, curve["min"], curve["max"], color=colours[arm], alpha=0.15, lw=0
            )
        axes.set(xlabel="optimiser step", ylabel=label)
        axes.grid(color=INK, alpha=0.12, lw=0.6)
        figure.legend(loc="outside upper left", ncols=3)
    return figure


def _draw_differences(
    axes: Axes, arms: Sequence[str], points: pd.DataFrame, intervals: pd.DataFrame
) -> None:
    """Draw a row for each arm but the first: a dot a case, a bar for the interval, the mean."""
    colours = arm_colours(arms)
    axes.axvline(0, color=INK, lw=0.8, ls=(0, (4, 3)))
    for row, arm in enumerate(arms[1:]):
        values = points.loc[points["arm"] == arm, "difference"].to_numpy()
        # The golden ratio spreads the dots evenly, and the same way each time.
        spread = (np.arange(len(values)) * 0.618 % 1 - 0.5) * 0.6
        axes.scatter(values, row + spread, s=10, color=colours[arm], alpha=0.6, lw=0)
        result = intervals[intervals["arm"] == arm].iloc[0]
        axes.plot([result["ci_low"], result["ci_high"]], [row, row], color=INK, lw=2.2)
        axes.plot(result["difference"], row, "D", color=INK, ms=5)
    axes.set_yticks(range(len(arms) - 1), labels=list(arms[1:]))
    axes.set_ylim(len(arms) - 1.5, -0.5)
    axes.set_xlabel(f"difference of Dice to {arms[0]}")
    axes.grid(axis="x", color=INK, alpha=0.12, lw=0.6)


def _outline(axes: Axes, mask: npt.NDArray[np.bool_], colour: str, *, filled: bool) -> None:
    if not mask.any():
        return
    # A margin of background closes the outlines at the border of the image.
    padded = np.pad(mask, 1).T.astype(np.float32)
    i, j = (np.arange(-1, size + 1) for size in mask.shape)
    if filled:
        axes.contourf(i, j, padded, levels=[0.5, 1.5], colors=[colour], alpha=0.35)
    axes.contour(i, j, padded, levels=[0.5], colors=[colour], linewidths=1.5 if filled else 0.8)
