"""The pictures of a report: which there are, and what each shows."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure

from medaug.benchmark.report.compared import in_comparison, mean_rows
from medaug.benchmark.report.figures.cost import cost_figure
from medaug.benchmark.report.figures.curves import loss_figure, monitor_figure
from medaug.benchmark.report.figures.efficiency import dice_by_size_figure, gain_by_size_figure
from medaug.benchmark.report.figures.paired import paired_figure
from medaug.benchmark.report.figures.reliability import reliability_figure
from medaug.benchmark.report.figures.robustness import robustness_figure
from medaug.benchmark.report.figures.style import arm_styles
from medaug.benchmark.report.points import (
    dice_by_severity,
    dice_by_size,
    dice_for_cost,
    gain_by_size,
    reliability,
)
from medaug.benchmark.results import Results
from medaug.benchmark.statistics.compare import MEAN_OF_CLASSES, paired_differences
from medaug.inline_svg import to_inline_svg


@dataclass(frozen=True)
class Picture:
    """A picture of the page.

    Attributes
    ----------
    content : str
        An SVG element, or the address of a PNG.
    label : str
        What it shows, for those who do not see it.
    title : str
        What stands above it; may be empty.
    """

    content: str
    label: str
    title: str = ""


def paired_pictures(results: Results, comparison: pd.DataFrame) -> list[Picture]:
    """Return the paired differences at the main size: of the mean, then of each class."""
    names = [MEAN_OF_CLASSES, *(results.classes if len(results.classes) > 1 else ())]
    pictures = []
    for place, name in enumerate(names):
        figure = _paired(results, comparison, name)
        if figure is not None:
            title = "mean of the classes" if name == MEAN_OF_CLASSES else name
            label = f"Difference of each case's Dice to {results.arms[0]}: {title}"
            pictures.append(_svg(figure, f"paired-{place}", label, title if len(names) > 1 else ""))
    return pictures


def differences_figure(results: Results, comparison: pd.DataFrame) -> Figure | None:
    """Return the paired differences of the mean Dice at the main size, if there are two arms."""
    return _paired(results, comparison, MEAN_OF_CLASSES)


def _paired(results: Results, comparison: pd.DataFrame, name: str) -> Figure | None:
    rows = mean_rows(comparison, results.main_size, name=name)
    if len(rows) < 2:
        return None
    scores = in_comparison(results, results.scores, results.main_size)
    differences = paired_differences(scores)
    # Of all classes, so that the pictures compare.
    limits = (differences["difference"].min(), differences["difference"].max())
    points = differences[differences["class"] == name]
    return paired_figure(rows, points, arm_styles(results.arms), limits)


def cost_pictures(results: Results, comparison: pd.DataFrame) -> list[Picture]:
    """Return the Dice for the cost, if the cost of two arms or more is known."""
    points = dice_for_cost(results, comparison)
    if len(points) < 2:
        return []
    label = "Mean Dice of each arm against the CPU time of its augmentation"
    return [_svg(cost_figure(results.arms, points), "cost", label)]


def size_pictures(results: Results, comparison: pd.DataFrame) -> list[Picture]:
    """Return the data-efficiency curves, if there are several sizes."""
    points = dice_by_size(results, comparison)
    if points["train_cases"].nunique() < 2:
        return []
    label = "Mean Dice of each arm against the number of training cases"
    pictures = [_svg(dice_by_size_figure(results.arms, points), "sizes", label)]
    gains = gain_by_size(results, comparison)
    if not gains.empty:
        label = f"Difference of the mean Dice to {results.arms[0]} against the number of cases"
        pictures.append(_svg(gain_by_size_figure(results.arms, gains), "gains", label))
    return pictures


def robustness_pictures(results: Results) -> list[Picture]:
    """Return the Dice against the severity, a picture for each corruption."""
    points = dice_by_severity(results)
    if points.empty:
        return []
    limits = (points["dice"].min(), points["dice"].max())
    return [
        _svg(
            robustness_figure(results.arms, part, limits),
            f"shift-{place}",
            f"Mean Dice of each arm against the severity of the corruption: {_title(name)}",
            _title(name),
        )
        for place, (name, part) in enumerate(points.groupby("corruption", sort=False))
    ]


def _title(name: object) -> str:
    return str(name).replace("_", " ")


def calibration_pictures(results: Results) -> list[Picture]:
    """Return the reliability curves at the main size, if they were measured."""
    curves = reliability(results)
    if curves.empty:
        return []
    label = "Share of right voxels against confidence, for each arm"
    return [_svg(reliability_figure(results.arms, curves), "calibration", label)]


def curve_pictures(results: Results) -> list[Picture]:
    """Return the learning curves at the main size."""
    losses = results.losses[results.losses["train_cases"] == results.main_size]
    monitor = results.monitor[results.monitor["train_cases"] == results.main_size]
    pictures = []
    if not losses.empty:
        figure = loss_figure(results.arms, losses)
        pictures.append(_svg(figure, "loss", "Training loss of each arm"))
    if not monitor.empty:
        figure = monitor_figure(results.arms, monitor)
        pictures.append(_svg(figure, "monitor", "Dice of each arm on a few held-out cases"))
    return pictures


def _svg(figure: Figure, prefix: str, label: str, title: str = "") -> Picture:
    return Picture(Markup(to_inline_svg(figure, prefix)), label, title)
