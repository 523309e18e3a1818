"""The voxel grids that a spatial effect acts between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medaug.geometry import Shape
from medaug.typing import AnyArray, Matrix


@dataclass(frozen=True)
class Grid:
    """An input grid and the part of it that the output shows.

    Parameters
    ----------
    shape : tuple of 3 ints
        Of the input.
    spacing_mm : tuple of 3 floats
        Voxel spacing of the input along its array axes.
    output_shape : tuple of 3 ints
        Of the output, centred on the input.
    """

    shape: Shape
    spacing_mm: tuple[float, float, float]
    output_shape: Shape

    @property
    def centre(self) -> Matrix:
        """Centre of the field of view, float64 [3], in voxel coordinates of the input."""
        return (np.array(self.shape, np.float64) - 1) / 2

    @property
    def offset(self) -> AnyArray:
        """Input voxel under output voxel (0, 0, 0) if nothing moves, int64 [3].

        It follows MONAI's ``CenterSpatialCrop``, so an untouched sample is a plain crop.
        """
        return np.asarray(np.array(self.shape) // 2 - np.array(self.output_shape) // 2)

    @property
    def is_flat(self) -> AnyArray:
        """Axes of a single slice, bool [3]: nothing may move along them."""
        return np.array([n == 1 for n in self.shape])


def output_shape_of(spatial_size: int | Sequence[int] | None, shape: Shape) -> Shape:
    """Return the shape that ``spatial_size`` asks for; ``None`` and -1 keep the input's.

    Raises
    ------
    ValueError
        If an entry is zero or below -1, or there are not as many as axes.
    """
    if spatial_size is None:
        return shape
    size = (spatial_size,) * 3 if isinstance(spatial_size, int) else tuple(spatial_size)
    if len(size) != 3 or any(n == 0 or n < -1 for n in size):
        raise ValueError(
            f"spatial_size must have 3 positive entries, or -1 to keep an axis; got {spatial_size}"
        )
    first, second, third = (n if s == -1 else s for n, s in zip(shape, size, strict=True))
    return first, second, third
