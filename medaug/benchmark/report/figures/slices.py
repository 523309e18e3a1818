"""A slice of a test case with contours."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from medaug.benchmark.report.figures.style import class_colours
from medaug.typing import AnyArray

_WIDTH_IN = 3.0
_DPI = 110

_Masks = npt.NDArray[np.bool_]


def slice_png(
    image: AnyArray,
    masks: _Masks | None = None,
    truth: _Masks | None = None,
    *,
    spacing_mm: tuple[float, float] = (1.0, 1.0),
) -> bytes:
    """Draw one slice as a PNG, with segmentations on it.

    Parameters
    ----------
    image : float array, shape (I, J)
        Shown in grey from its 1st to its 99th percentile; I runs to the right and J upwards.
    masks : bool array, shape (R, I, J), optional
        Each region is outlined and lightly tinted in its colour.
    truth : bool array, shape (R, I, J), optional
        Each region is outlined in white.
    spacing_mm : tuple of 2 float
        Distance of voxels along I and J.

    Returns
    -------
    bytes
    """
    extent = [size * step for size, step in zip(image.shape, spacing_mm, strict=True)]
    size = (_WIDTH_IN, _WIDTH_IN * extent[1] / extent[0])
    figure = Figure(figsize=size, dpi=_DPI, facecolor="black")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    low, high = np.percentile(image, (1, 99))
    axes.imshow(image.T, cmap="gray", vmin=low, vmax=high, origin="lower", aspect="auto")
    if masks is not None:
        names = [str(index) for index in range(len(masks))]
        for mask, colour in zip(masks, class_colours(names).values(), strict=True):
            _outline(axes, mask, colour, filled=True)
    for mask in () if truth is None else truth:
        _outline(axes, mask, "white", filled=False)
    # Contours reach a voxel further than the image.
    axes.set(xlim=(-0.5, image.shape[0] - 0.5), ylim=(-0.5, image.shape[1] - 0.5))
    buffer = BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _outline(axes: Axes, mask: _Masks, colour: str, *, filled: bool) -> None:
    if not mask.any():
        return
    # A margin of background closes the outlines at the border of the image.
    padded = np.pad(mask, 1).T.astype(np.float32)
    i, j = (np.arange(-1, size + 1) for size in mask.shape)
    if filled:
        axes.contourf(i, j, padded, levels=[0.5, 1.5], colors=[colour], alpha=0.25)
    axes.contour(i, j, padded, levels=[0.5], colors=[colour], linewidths=1.6 if filled else 0.9)
