"""How far the surfaces of a predicted mask and the true one are from each other, in millimetres.

The surface of a mask are its voxels that have a face in common with a voxel outside it, or with the
end of the scan. A directed distance is that of the centre of a surface voxel to the nearest centre
on the other surface. These are the definitions of the reference implementation of Metrics Reloaded
(Maier-Hein et al. 2024, Nature Methods 21:195-212).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_erosion, find_objects
from scipy.spatial import KDTree

from medaug.typing import Matrix

_Mask = npt.NDArray[np.bool_]

#: Distances are sums of spacings that are rounded: what equals the tolerance lies within it.
_ROUNDING = 1e-5


@dataclass(frozen=True, eq=False)
class SurfaceDistances:
    """The directed distances between two surfaces.

    Attributes
    ----------
    to_truth_mm : float64 array [P]
        From each surface voxel of the prediction to the surface of the truth.
    to_prediction_mm : float64 array [T]
        The other way.
    """

    to_truth_mm: Matrix
    to_prediction_mm: Matrix

    @property
    def hd95_mm(self) -> float:
        """The larger of the 95th percentiles of the two directed distances."""
        directed = (self.to_truth_mm, self.to_prediction_mm)
        return float(max(np.percentile(distances, 95) for distances in directed))

    def dice(self, tolerance_mm: float) -> float:
        """Return the normalised surface Dice: the share of both surfaces near the other one.

        By Nikolov et al. (2021, Journal of Medical Internet Research 23:e26151), where the parts of
        a surface are voxels: so many of both that lie within the tolerance, of all of both.
        """
        distances = np.concatenate([self.to_truth_mm, self.to_prediction_mm])
        return float(np.mean(distances <= tolerance_mm * (1 + _ROUNDING)))


def surface_distances(
    prediction: _Mask, truth: _Mask, spacing_mm: tuple[float, float, float]
) -> SurfaceDistances:
    """Return the distances between the surfaces of two masks.

    Parameters
    ----------
    prediction, truth : bool array [I, J, K]
        Of one shape, both with a voxel at least.
    spacing_mm : tuple of 3 floats
        Distance between voxel centres along each axis.
    """
    (box,) = find_objects((prediction | truth).view(np.uint8))
    predicted, true = (_surface(mask[box]) * np.array(spacing_mm) for mask in (prediction, truth))
    return SurfaceDistances(_to_nearest(predicted, true), _to_nearest(true, predicted))


def _surface(mask: _Mask) -> npt.NDArray[np.int64]:
    """Return the indices of the surface voxels, [N, 3]."""
    return np.argwhere(mask & ~binary_erosion(mask))


def _to_nearest(points: Matrix, others: Matrix) -> Matrix:
    """Return the distance from each of the points [N, 3] to the nearest of the others."""
    return np.asarray(KDTree(others).query(points)[0])
