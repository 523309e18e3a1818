"""The plots of an inspection: how sizes, intensities and labels vary over the cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import matplotlib as mpl
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from medaug.inline_svg import FIGURE_STYLE, INK, to_inline_svg
from medaug.preprocessing.case_survey import CaseSurvey
from medaug.preprocessing.channel_survey import PERCENTILES, format_number
from medaug.preprocessing.inspection.summary import Summary, volumes_ml
from medaug.preprocessing.survey import DatasetSurvey

_WIDTH_IN = 4.2
_COLOUR = "#3a8ac4"  # stands out from a light and from a dark page

# Numbers that span more than this factor are drawn on a logarithmic axis.
_LINEAR_SPAN = 30.0

_LOW, _MEDIAN, _HIGH = (PERCENTILES.index(at) for at in (0.5, 50, 99.5))


@dataclass(frozen=True)
class Plot:
    """A plot of a page.

    Attributes
    ----------
    element : Markup
        An SVG element.
    caption : str
        What it shows.
    """

    element: Markup
    caption: str


def plots(surveyed: DatasetSurvey, summary: Summary) -> list[Plot]:
    """Return the plots that show something: none of what is the same in all cases."""
    drawn = list(_figures(surveyed, summary))
    return [
        Plot(Markup(to_inline_svg(figure, f"plot{n}")), caption)
        for n, (figure, caption) in enumerate(drawn)
    ]


def _figures(surveyed: DatasetSurvey, summary: Summary) -> Iterator[tuple[Figure, str]]:
    cases = surveyed.cases
    if len(cases) < 2:
        return
    for number, channel in enumerate(summary.channels):
        yield _intensities(cases, number), f"Intensities of channel {channel.name}: a line a case"
    volumes = {
        f"{label.value} {label.name}".strip(): volumes_ml(cases, label.value)
        for label in summary.labels
        if label.value and label.cases
    }
    if volumes:
        yield _strips(volumes, "ml"), "Volume of each label: a dot a case that has it"
    sizes = {axis: [case.shape[n] for case in cases] for n, axis in enumerate("IJK")}
    if any(len(set(along)) > 1 for along in sizes.values()):
        yield _strips(sizes, "voxels"), "Voxels along each axis: a dot a case"
    if summary.distinct_spacings > 1:
        spacings = {axis: [case.spacing_mm[n] for case in cases] for n, axis in enumerate("IJK")}
        yield _strips(spacings, "mm"), "Spacing along each axis: a dot a case"


def _intensities(cases: Sequence[CaseSurvey], number: int) -> Figure:
    """Draw the percentiles 0.5, 50 and 99.5 of the foreground of each case."""
    percentiles = np.array([case.channels[number].percentiles for case in cases])
    with mpl.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(_WIDTH_IN, 2.6), layout="constrained")
        axes = figure.subplots()
        places = np.arange(1, len(cases) + 1)
        axes.vlines(places, percentiles[:, _LOW], percentiles[:, _HIGH], color=_COLOUR, lw=1)
        axes.plot(places, percentiles[:, _MEDIAN], ".", color=INK, ms=3)
        widths = percentiles[:, _HIGH] - percentiles[:, _LOW]
        widths = widths[widths > 0]
        if len(widths) and widths.max() > _LINEAR_SPAN * widths.min():
            axes.set_yscale("symlog", linthresh=10.0 ** np.floor(np.log10(widths.min())))
            _plain_ticks(axes.yaxis)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set(xlabel="case", ylabel="0.5 %, median, 99.5 %")
        _grid(axes, "y")
    return figure


def _strips(rows: Mapping[str, Sequence[float]], unit: str) -> Figure:
    """Draw a row of dots for each name."""
    values = [value for row in rows.values() for value in row]
    with mpl.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(_WIDTH_IN, 0.7 + 0.5 * len(rows)), layout="constrained")
        axes = figure.subplots()
        for place, row in enumerate(rows.values()):
            # The golden ratio spreads the dots evenly, and the same way each time.
            spread = (np.arange(len(row)) * 0.618 % 1 - 0.5) * 0.6
            axes.scatter(row, place + spread, s=9, color=_COLOUR, alpha=0.6, lw=0)
        if min(values) > 0 and max(values) > _LINEAR_SPAN * min(values):
            axes.set_xscale("log")
            _plain_ticks(axes.xaxis)
        axes.set_yticks(range(len(rows)), labels=list(rows))
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlabel(unit)
        _grid(axes, "x")
    return figure


def _grid(axes: Axes, axis: Literal["x", "y"]) -> None:
    axes.grid(axis=axis, color=INK, alpha=0.12, lw=0.6)


def _plain_ticks(axis: Axis) -> None:
    """Write numbers as the tables do, not as powers of ten."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: format_number(value)))
    axis.set_minor_formatter(NullFormatter())
