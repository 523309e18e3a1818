"""A preview as a PNG or as a page, in three planes with the outlines of the label."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from medaug.drawing import (
    Plane,
    data_address,
    draw_slice,
    figure_png,
    outline_colour,
    slice_png,
)
from medaug.errors import InputError
from medaug.gallery.preview import Preview
from medaug.io.files import write_atomically
from medaug.pages import render_page
from medaug.preprocessing.augmentation import Pair
from medaug.typing import AnyArray

_WIDTH_IN, _DPI = 9.0, 100
_HEAD_IN, _LINE_IN, _GAP_IN = 0.45, 0.16, 0.06
#: Characters in a line of a caption.
_LINE_LENGTH = 115
_SLICE_IN = 3.6


def check_name(out: Path) -> None:
    """Refuse a file that is to be neither a PNG nor a page.

    Raises
    ------
    InputError
        If its name ends in neither ``.png`` nor ``.html``.
    """
    if out.suffix not in (".png", ".html"):
        raise InputError(f"{out}: must end in .png or .html")


def write_preview(preview: Preview, out: Path) -> None:
    """Write a preview as ``.png``, or as an ``.html`` that loads nothing from elsewhere.

    Raises
    ------
    InputError
        If the name ends in neither or the file cannot be written.
    """
    check_name(out)
    content = preview_png(preview) if out.suffix == ".png" else preview_page(preview)
    try:
        write_atomically(out, content)
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror})") from error


def preview_png(preview: Preview) -> bytes:
    """Return a PNG with a row for each pair; a millimetre is as long in all of its pictures."""
    sizes_mm = [_size_mm(plane, preview.rows[0][1]) for plane in preview.planes]
    per_mm = (_WIDTH_IN - 4 * _GAP_IN) / sum(width for _, width in sizes_mm)
    tallest_in = per_mm * max(height for height, _ in sizes_mm)
    captions = [textwrap.wrap(caption, _LINE_LENGTH) for caption, _ in preview.rows]
    caption_in = _LINE_IN * (max(map(len, captions)) + 1)
    row_in = tallest_in + caption_in
    height_in = _HEAD_IN + len(preview.rows) * row_in + _GAP_IN
    figure = Figure(figsize=(_WIDTH_IN, height_in), dpi=_DPI, facecolor="white")
    figure.text(_GAP_IN / _WIDTH_IN, 1 - 0.3 / height_in, preview.title, fontsize=11)
    for n, (lines, (_, pair)) in enumerate(zip(captions, preview.rows, strict=True)):
        top_in = height_in - _HEAD_IN - n * row_in
        place = (_GAP_IN / _WIDTH_IN, (top_in - caption_in + _GAP_IN) / height_in)
        figure.text(*place, "\n".join(lines), fontsize=9)
        left_in = _GAP_IN
        for plane, (height_mm, width_mm) in zip(preview.planes, sizes_mm, strict=True):
            height, width = per_mm * height_mm, per_mm * width_mm
            bottom = top_in - caption_in - (tallest_in + height) / 2
            box = (left_in / _WIDTH_IN, bottom / height_in, width / _WIDTH_IN, height / height_in)
            picture, outlined = _pictures(plane, pair, preview.rows[0][1])
            draw_slice(figure.add_axes(box), picture, preview.window, outlined)
            left_in += width + _GAP_IN
    return figure_png(figure)


def preview_page(preview: Preview) -> str:
    """Return an HTML page with a card for each pair."""
    original = preview.rows[0][1]
    classes = [value for value in np.unique(original.label).tolist() if value]
    return render_page(
        "medaug.gallery",
        "preview.html.jinja",
        title=preview.title,
        remark=preview.remark,
        planes=[(plane.view, plane.at, "IJK"[plane.axis]) for plane in preview.planes],
        widths=[f"{_size_mm(plane, original)[1]:.0f}fr" for plane in preview.planes],
        colours={value: outline_colour(value) for value in classes},
        rows=[_card(preview, caption, pair) for caption, pair in preview.rows],
    )


def _card(preview: Preview, caption: str, pair: Pair) -> dict[str, Any]:
    pictures = []
    for plane in preview.planes:
        picture, label = _pictures(plane, pair, preview.rows[0][1])
        png = slice_png(picture, preview.window, label, plane.aspect, _SLICE_IN)
        pictures.append(data_address(png))
    return {"caption": caption, "pictures": pictures}


def _size_mm(plane: Plane, pair: Pair) -> tuple[float, float]:
    """Return height and width of a picture in the plane."""
    rows, columns = plane.picture(pair.image[0]).shape
    return rows * plane.spacing_mm[0], columns * plane.spacing_mm[1]


def _pictures(plane: Plane, pair: Pair, original: Pair) -> tuple[AnyArray, AnyArray | None]:
    """Return the slices of image and label, at the place where it is in the original."""
    size, original_size = pair.image.shape[1 + plane.axis], original.image.shape[1 + plane.axis]
    at = min(max(plane.at - (original_size - size) // 2, 0), size - 1)
    here = Plane(plane.affine, plane.view, at)
    return here.picture(pair.image[0]), here.picture(pair.label[0])
