"""The slice of each case that shows most of its label."""

from __future__ import annotations

from medaug.drawing import VIEWS, Plane, View, plane_through, slice_png
from medaug.io.volume import Volume
from medaug.preprocessing.case_survey import CaseSurvey
from medaug.preprocessing.channel_survey import PERCENTILES
from medaug.preprocessing.steps import coarse_axis

# Small enough for two hundred of them on a page.
_WIDTH_IN = 2.0

_LOW, _HIGH = PERCENTILES.index(0.5), PERCENTILES.index(99.5)


def draw_case(image: Volume, label: Volume | None, survey: CaseSurvey) -> bytes:
    """Return a PNG of a slice of the first channel with the outlines of the label.

    It is the axial slice with most label, or the middle one; along the slices of a scan with thick
    ones. From the percentile 0.5 of the foreground (black) to 99.5 (white).

    Parameters
    ----------
    image : Volume
    label : Volume or None
        On the grid of the image.
    survey : CaseSurvey
        Of the two.
    """
    mask = None if label is None else label.data[0]
    plane = plane_through(image.affine, _best_view(image), image.data.shape[1:], mask)
    low, high = (survey.channels[0].percentiles[at] for at in (_LOW, _HIGH))
    outline = None if mask is None else plane.picture(mask)
    return slice_png(plane.picture(image.data[0]), (low, high), outline, plane.aspect, _WIDTH_IN)


def _best_view(image: Volume) -> View:
    coarse = coarse_axis(image.spacing_mm)
    return next((view for view in VIEWS if Plane(image.affine, view, 0).axis == coarse), "axial")
