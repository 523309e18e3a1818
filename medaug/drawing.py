"""Slices of volumes as radiologists look at them, drawn by matplotlib without a screen."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from itertools import permutations
from typing import Literal, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from medaug.typing import AnyArray, Matrix

#: The planes that a scan is looked at in.
View: TypeAlias = Literal["axial", "coronal", "sagittal"]

VIEWS: tuple[View, ...] = ("axial", "coronal", "sagittal")

#: The world axes along the columns and the rows of each, and the one across it.
_WORLD_AXES: dict[View, tuple[int, int, int]] = {
    "axial": (0, 1, 2),
    "coronal": (0, 2, 1),
    "sagittal": (1, 2, 0),
}
#: Of Okabe and Ito, which differ for colour-blind eyes too; without the ones that grey hides.
_OUTLINES = ("#e69f00", "#56b4e9", "#f0e442", "#009e73", "#d55e00", "#cc79a7")
_DPI = 100


@dataclass(frozen=True, eq=False)
class Plane:
    """A slice of a volume, and which way round it is seen.

    The front or the head is up; the right of the patient, or the front, is on the left.

    Attributes
    ----------
    affine : float64 array [4, 4]
        Voxel to world (RAS, mm) of the volume.
    view : {"axial", "coronal", "sagittal"}
        The nearest to it along array axes is taken.
    at : int
        Index of the slice along :attr:`axis`.
    """

    affine: Matrix
    view: View
    at: int

    @property
    def axis(self) -> int:
        """The array axis across the plane."""
        return self._array_axes[2]

    @property
    def aspect(self) -> float:
        """Height of a pixel of :meth:`picture` over its width."""
        height_mm, width_mm = self.spacing_mm
        return height_mm / width_mm

    @property
    def spacing_mm(self) -> tuple[float, float]:
        """Height and width of a pixel of :meth:`picture`."""
        columns, rows, _ = self._array_axes
        spacing_mm = _spacing_mm(self.affine).tolist()
        return spacing_mm[rows], spacing_mm[columns]

    def picture(self, volume: AnyArray) -> AnyArray:
        """Return the slice [rows, columns] of a volume [I, J, K]; a view of it."""
        columns, rows, _ = self._array_axes
        flat = np.moveaxis(np.asarray(volume), (rows, columns), (0, 1))[:, :, self.at]
        # World axes grow to the right, the front and the head: opposite to columns and rows.
        across, along = _WORLD_AXES[self.view][:2]
        columns_grow, rows_grow = self.affine[across, columns] > 0, self.affine[along, rows] > 0
        return np.asarray(flat[:: -1 if rows_grow else 1, :: -1 if columns_grow else 1])

    @cached_property
    def _array_axes(self) -> tuple[int, int, int]:
        """The array axes along the columns and the rows, and the one across the plane."""
        nearest = _nearest_array_axes(self.affine)
        columns, rows, across = (nearest[world] for world in _WORLD_AXES[self.view])
        return columns, rows, across


def plane_through(
    affine: Matrix, view: View, shape: Sequence[int], label: AnyArray | None = None
) -> Plane:
    """Return the plane with the most label, or the middle one.

    Parameters
    ----------
    affine : float64 array [4, 4]
    view : {"axial", "coronal", "sagittal"}
    shape : sequence of 3 ints
        Of the volume.
    label : array [I, J, K], optional
    """
    axis = Plane(affine, view, 0).axis
    return Plane(affine, view, shape[axis] // 2 if label is None else best_slice(label, axis))


def best_slice(label: AnyArray, axis: int) -> int:
    """Return the index along ``axis`` of the slice with most voxels of any label.

    Parameters
    ----------
    label : array [I, J, K]
        0 is background. Without any label the index is that of the middle slice.
    axis : int
    """
    others = tuple(other for other in range(3) if other != axis)
    counts = np.count_nonzero(label, axis=others)
    return int(counts.argmax()) if counts.any() else label.shape[axis] // 2


def outline_colour(value: int) -> str:
    """Return the colour of a label's outline, such as ``#e69f00``; neighbouring values differ."""
    return _OUTLINES[(value - 1) % len(_OUTLINES)]


def slice_png(
    picture: AnyArray,
    window: tuple[float, float],
    label: AnyArray | None = None,
    aspect: float = 1.0,
    width_in: float = 2.4,
) -> bytes:
    """Return a PNG of one slice without margins, 100 pixels an inch.

    Parameters
    ----------
    picture : array [rows, columns]
    window : pair of floats
        What is black and what is white.
    label : integer array [rows, columns], optional
        Whose classes are outlined.
    aspect : float
        Height of a pixel over its width.
    width_in : float
        Width of the PNG in inches.
    """
    rows, columns = picture.shape
    size_in = (width_in, max(width_in * rows * aspect / columns, 1 / _DPI))
    figure = Figure(figsize=size_in, dpi=_DPI, facecolor="black")
    draw_slice(figure.add_axes((0, 0, 1, 1)), picture, window, label)
    return figure_png(figure)


def draw_slice(
    axes: Axes, picture: AnyArray, window: tuple[float, float], label: AnyArray | None = None
) -> None:
    """Fill ``axes`` with a slice; see :func:`slice_png`."""
    axes.set_axis_off()
    low, high = window
    axes.imshow(picture, cmap="gray", vmin=low, vmax=high, aspect="auto")
    axes.autoscale(enable=False)  # outlines must not change the size of the picture
    if label is not None:
        for value in np.unique(label[label != 0]).tolist():
            _outline(axes, label == value, outline_colour(value))


def figure_png(figure: Figure) -> bytes:
    """Return the PNG of a figure; equal figures give equal bytes."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def data_address(png: bytes) -> str:
    """Return the address that a page shows ``png`` by without a file."""
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def _outline(axes: Axes, mask: AnyArray, colour: str) -> None:
    # A margin of background closes the outlines at the border of the picture.
    rows, columns = (np.arange(-1, size + 1) for size in mask.shape)
    padded = np.pad(mask, 1).astype(np.float32)
    axes.contour(columns, rows, padded, levels=[0.5], colors=[colour], linewidths=0.9)


def _spacing_mm(affine: Matrix) -> Matrix:
    return np.asarray(np.linalg.norm(affine[:3, :3], axis=0))


def _nearest_array_axes(affine: Matrix) -> tuple[int, ...]:
    """Return the array axis for each world axis: those that agree best in all."""
    along = np.abs(affine[:3, :3] / _spacing_mm(affine))
    return max(permutations(range(3)), key=lambda axes: float(along[range(3), axes].sum()))
