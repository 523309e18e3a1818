"""Pictures of the gallery, drawn by matplotlib without a screen."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from medaug.gallery.exhibits import STRENGTHS, Exhibit, View
from medaug.typing import AnyArray

_OUTLINE = "#e69f00"
_WIDTH_IN, _DPI = 2.4, 100
_SHEET_COLUMNS, _SHEET_WIDTH_IN, _SHEET_DPI = 3, 15.0, 110
_CAPTION_IN = 0.3


def view_png(view: View, aspect: float) -> bytes:
    """Return a PNG of one slice.

    Parameters
    ----------
    view : View
    aspect : float
        Height of a pixel over its width.
    """
    rows, columns = view.image.shape
    size = (_WIDTH_IN, _WIDTH_IN * rows * aspect / columns)
    figure = Figure(figsize=size, dpi=_DPI, facecolor="black")
    _draw(figure.add_axes((0, 0, 1, 1)), view)
    return _png(figure)


def sheet_png(title: str, original: View, shown: Sequence[Exhibit], aspect: float) -> bytes:
    """Return a PNG of all operations, each with its strengths side by side."""
    rows, columns = original.image.shape
    n_rows = -(-(1 + len(shown)) // _SHEET_COLUMNS)
    strip_in = _SHEET_WIDTH_IN / _SHEET_COLUMNS - 0.15
    row_in = strip_in / len(STRENGTHS) * rows * aspect / columns + _CAPTION_IN
    head_in = 0.5
    height_in = head_in + n_rows * row_in
    figure = Figure(figsize=(_SHEET_WIDTH_IN, height_in), dpi=_SHEET_DPI, facecolor="white")
    figure.text(0.01, 1 - 0.32 / height_in, title, fontsize=12)
    for n, exhibit in enumerate([None, *shown]):
        row, column = divmod(n, _SHEET_COLUMNS)
        views = [original] if exhibit is None else exhibit.views
        caption = "as it is" if exhibit is None else exhibit.name
        if exhibit is not None and not views:
            caption += " (does not fit this scan)"
        left = column / _SHEET_COLUMNS + 0.005
        top = 1 - (head_in + row * row_in) / height_in
        figure.text(left, top - 0.2 / height_in, caption, fontsize=9)
        width = strip_in / _SHEET_WIDTH_IN / len(STRENGTHS)
        height = (row_in - _CAPTION_IN) / height_in
        for m, view in enumerate(views):
            bottom = top - row_in / height_in
            _draw(figure.add_axes((left + m * width, bottom, width * 0.98, height)), view)
    return _png(figure)


def _draw(axes: Axes, view: View) -> None:
    axes.set_axis_off()
    low, high = view.window
    axes.imshow(view.image, cmap="gray", vmin=low, vmax=high, aspect="auto")
    if view.label is not None:
        for value in np.unique(view.label[view.label != 0]):
            _outline(axes, view.label == value)


def _outline(axes: Axes, mask: AnyArray) -> None:
    # A margin of background closes the outlines at the border of the picture.
    rows, columns = (np.arange(-1, size + 1) for size in mask.shape)
    padded = np.pad(mask, 1).astype(np.float32)
    axes.contour(columns, rows, padded, levels=[0.5], colors=[_OUTLINE], linewidths=0.9)


def _png(figure: Figure) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
