"""All measures of one region of one case."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from medaug.benchmark.testing.overlap import overlap_of
from medaug.benchmark.testing.surfaces import surface_distances

_Mask = npt.NDArray[np.bool_]
_Spacing = tuple[float, float, float]


def score(
    prediction: _Mask, truth: _Mask, *, spacing_mm: _Spacing, surface_tolerance_mm: float
) -> dict[str, float]:
    """Return the measures of a predicted mask, by the names of `MEASURES`.

    Two empty masks have no value of any measure, NaN. If only one is empty, each measure has its
    worst value where it has one: 0, or for HD95 the diagonal of the scan, as the BraTS challenges
    count it. `Overlap` tells the rest.

    Parameters
    ----------
    prediction, truth : bool array [I, J, K]
        Of the whole scan.
    spacing_mm : tuple of 3 floats
        Distance between voxel centres along each axis.
    surface_tolerance_mm : float
        Of the normalised surface Dice.
    """
    overlap = overlap_of(prediction, truth)
    if overlap.predicted and overlap.true:
        distances = surface_distances(prediction, truth, spacing_mm)
        hd95_mm, surface_dice = distances.hd95_mm, distances.dice(surface_tolerance_mm)
    elif overlap.predicted or overlap.true:
        hd95_mm, surface_dice = _diagonal_mm(truth.shape, spacing_mm), 0.0
    else:
        hd95_mm, surface_dice = float("nan"), float("nan")
    return {
        "dice": overlap.dice,
        "iou": overlap.iou,
        "precision": overlap.precision,
        "recall": overlap.recall,
        "hd95_mm": hd95_mm,
        "surface_dice": surface_dice,
        "volume_error": overlap.volume_error,
    }


def _diagonal_mm(shape: tuple[int, ...], spacing_mm: _Spacing) -> float:
    """Return the length from corner to corner of the field of view."""
    return float(np.linalg.norm(np.array(shape) * np.array(spacing_mm)))
