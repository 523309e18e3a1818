"""The sheet of the gallery: all operations in one picture."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from medaug.drawing import draw_slice, figure_png
from medaug.gallery.exhibits import STRENGTHS, Exhibit, View

_COLUMNS, _WIDTH_IN, _DPI = 3, 15.0, 110
_CAPTION_IN = 0.3


def sheet_png(title: str, original: View, shown: Sequence[Exhibit], aspect: float) -> bytes:
    """Return a PNG of all operations, each with its strengths side by side."""
    rows, columns = original.image.shape
    n_rows = -(-(1 + len(shown)) // _COLUMNS)
    strip_in = _WIDTH_IN / _COLUMNS - 0.15
    row_in = strip_in / len(STRENGTHS) * rows * aspect / columns + _CAPTION_IN
    head_in = 0.5
    height_in = head_in + n_rows * row_in
    figure = Figure(figsize=(_WIDTH_IN, height_in), dpi=_DPI, facecolor="white")
    figure.text(0.01, 1 - 0.32 / height_in, title, fontsize=12)
    for n, exhibit in enumerate([None, *shown]):
        row, column = divmod(n, _COLUMNS)
        views = [original] if exhibit is None else exhibit.views
        caption = "as it is" if exhibit is None else exhibit.name
        if exhibit is not None and not views:
            caption += " (does not fit this scan)"
        left = column / _COLUMNS + 0.005
        top = 1 - (head_in + row * row_in) / height_in
        figure.text(left, top - 0.2 / height_in, caption, fontsize=9)
        width = strip_in / _WIDTH_IN / len(STRENGTHS)
        height = (row_in - _CAPTION_IN) / height_in
        for m, view in enumerate(views):
            bottom = top - row_in / height_in
            axes = figure.add_axes((left + m * width, bottom, width * 0.98, height))
            draw_slice(axes, view.image, view.window, view.label)
    return figure_png(figure)
