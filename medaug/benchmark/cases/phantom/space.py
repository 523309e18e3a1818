"""The voxel grid of a phantom and smooth random fields on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medaug.typing import Matrix


@dataclass(frozen=True)
class Grid:
    """An isotropic voxel grid centred on the world's origin.

    Attributes
    ----------
    shape : tuple of 3 ints
        Voxels along I, J and K.
    spacing_mm : float
        Distance between voxel centres.
    """

    shape: tuple[int, int, int]
    spacing_mm: float

    def axes_mm(self) -> list[Matrix]:
        """Return the coordinates of the voxel centres along I, J and K, in mm."""
        centred = (np.arange(n, dtype=np.float64) - (n - 1) / 2 for n in self.shape)
        return [axis * self.spacing_mm for axis in centred]

    def points_mm(self) -> Matrix:
        """Return the voxel centres, shape [3, I, J, K], in mm."""
        return np.stack(np.meshgrid(*self.axes_mm(), indexing="ij"))


def smooth_noise(rng: np.random.Generator, grid: Grid, scale_mm: float) -> Matrix:
    """Draw a smooth field of mean 0 and standard deviation 1 at each voxel.

    Independent normal numbers on knots `scale_mm` apart are blended by Gaussians of that standard
    deviation. The weights factor into one matrix an axis, and their rows have unit length, which
    makes the variance exactly 1.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where the knots' values come from.
    grid : Grid
        Where the field is evaluated.
    scale_mm : float
        Size of the features of the field, above 0.

    Returns
    -------
    ndarray, shape [I, J, K], float64
    """
    weights = [_knot_weights(axis, scale_mm) for axis in grid.axes_mm()]
    field: Matrix = rng.standard_normal([matrix.shape[1] for matrix in weights])
    for matrix in weights:
        # Contracts the first axis and appends the result: after three turns the order is I, J, K.
        field = np.tensordot(field, matrix, axes=(0, 1))
    return field


def _knot_weights(axis_mm: Matrix, scale_mm: float) -> Matrix:
    """Return the weight of each knot at each coordinate, shape [coordinates, knots]."""
    # Two knots beyond either end: farther ones would weigh next to nothing.
    knots = np.arange(axis_mm[0] - 2 * scale_mm, axis_mm[-1] + 3 * scale_mm, scale_mm)
    weights = np.exp(-0.5 * ((axis_mm[:, np.newaxis] - knots) / scale_mm) ** 2)
    unit: Matrix = weights / np.linalg.norm(weights, axis=1, keepdims=True)
    return unit
