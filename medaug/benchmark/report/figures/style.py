"""What the pictures share: colours, lines, panels, and how they become files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from medaug.inline_svg import FIGURE_STYLE, INK
from medaug.io.files import write_atomically
from medaug.typing import StrPath

#: Colours of Okabe and Ito, which the colour-blind can tell apart. The reference arm is grey.
_REFERENCE_COLOUR = "#808080"
_ARM_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9")
#: Lengths of dash and gap, in line widths: where the colours start again, the dashes change.
_DASHES: tuple[tuple[float, ...], ...] = ((), (4, 1.5), (1.2, 1.2), (6, 1.5, 1.2, 1.5))
#: Bright ones first, as they lie on grey images.
_CLASS_COLOURS = ("#e69f00", "#56b4e9", "#cc79a7", "#f0e442", "#009e73", "#d55e00", "#0072b2")

PANEL_WIDTH_IN = 4.2
PANEL_HEIGHT_IN = 3.0


@dataclass(frozen=True)
class ArmStyle:
    """How an arm is drawn, the same in all pictures.

    Attributes
    ----------
    colour : str
        As ``#rrggbb``.
    dashes : tuple of float
        Lengths of dashes and gaps in line widths; none for a solid line.
    """

    colour: str
    dashes: tuple[float, ...]


def arm_styles(arms: Sequence[str]) -> dict[str, ArmStyle]:
    """Return the style of each arm; the first arm is the reference."""
    styles = {arms[0]: ArmStyle(_REFERENCE_COLOUR, ())}
    for index, arm in enumerate(arms[1:]):
        turn, place = divmod(index, len(_ARM_COLOURS))
        styles[arm] = ArmStyle(_ARM_COLOURS[place], _DASHES[turn % len(_DASHES)])
    return styles


def class_colours(classes: Sequence[str]) -> dict[str, str]:
    """Return the colour of each class, the same in all pictures."""
    return {name: _CLASS_COLOURS[i % len(_CLASS_COLOURS)] for i, name in enumerate(classes)}


@contextmanager
def panel(
    x_label: str, y_label: str = "", height_in: float = PANEL_HEIGHT_IN
) -> Iterator[tuple[Figure, Axes]]:
    """Give an empty panel with a faint grid, to be drawn on within the block.

    Ticks and texts take the style of pages when they are made, hence the block.
    """
    with mpl.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(PANEL_WIDTH_IN, height_in), layout="constrained")
        axes = figure.subplots()
        axes.set(xlabel=x_label, ylabel=y_label)
        axes.grid(color=INK, alpha=0.12, lw=0.6)
        axes.set_axisbelow(True)
        yield figure, axes


def line_style(style: ArmStyle) -> dict[str, Any]:
    """Return a style as arguments of `Axes.plot`."""
    return {"color": style.colour, "ls": (0, style.dashes) if style.dashes else "-", "lw": 1.6}


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
