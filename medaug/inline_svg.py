"""matplotlib figures as SVG elements of an HTML page, in the page's own colour of text."""

from __future__ import annotations

import re
from io import StringIO
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

#: The colour of text and axes, which `to_inline_svg` lets the page replace.
INK = "#1b1f24"

#: What figures are made and drawn under.
FIGURE_STYLE: dict[Any, Any] = {
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 9,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "medaug",
    "text.color": INK,
    "text.parse_math": False,  # a $ in a name is a $
    "xtick.color": INK,
    "ytick.color": INK,
}


def to_inline_svg(figure: Figure, prefix: str) -> str:
    """Return a figure as an SVG element for an HTML page.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    prefix : str
        Starts each id in the element, since ids are unique in a page.

    Returns
    -------
    str
        Text and axes are in the page's text colour; nothing is loaded from elsewhere.
    """
    buffer = StringIO()
    # Without the metadata, which would name resources on the web.
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with mpl.rc_context(FIGURE_STYLE):
        figure.savefig(buffer, format="svg", metadata=nothing, transparent=True)
    element = buffer.getvalue()
    element = element[element.index("<svg") :].replace(INK, "currentColor")
    element = re.sub(r' xmlns(:xlink)?="[^"]*"', "", element)
    return re.sub(r'( id="|url\(#|href="#)', rf"\g<1>{prefix}-", element)
