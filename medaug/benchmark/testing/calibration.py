"""Whether a network is right as often as it claims to be: calibration."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.ndimage import distance_transform_edt, find_objects

from medaug.benchmark.cases.case_set import Case
from medaug.benchmark.testing.inference import Prediction

#: Bins of equal width that confidences from 0 to 1 are sorted into, as Guo et al. have them.
N_BINS = 15

#: Voxels count in the true structures and so far around them.
NEAR_MM = 5.0


def calibration_of(prediction: Prediction, case: Case) -> pd.DataFrame:
    """Sort the voxels near the structures of a case by how sure the network was.

    The confidence of a voxel is the probability of the class that won. Only voxels within `NEAR_MM`
    of the true foreground count: farther away nearly every network is right and sure, and so much
    background would hide everything else and make the result depend on the size of the scan. Which
    voxels count does not depend on the network.

    Parameters
    ----------
    prediction : Prediction
        Of the whole scan.
    case : Case
        With the truth.

    Returns
    -------
    DataFrame
        `N_BINS` rows with the columns ``case``, ``bin`` (from 0), ``voxels``, ``confidence`` (their
        sum) and ``correct`` (how many are of the true class). Without true foreground no
        voxel counts.
    """
    near = _near_structures(case)
    confidence = prediction.confidence[near]
    correct = prediction.classes[near] == case.label[0][near]
    bins = np.minimum((confidence * N_BINS).astype(np.int64), N_BINS - 1)
    return pd.DataFrame(
        {
            "case": case.name,
            "bin": np.arange(N_BINS),
            "voxels": np.bincount(bins, minlength=N_BINS),
            "confidence": np.bincount(bins, confidence, minlength=N_BINS),
            "correct": np.bincount(bins[correct], minlength=N_BINS),
        }
    )


def expected_calibration_error(
    calibration: pd.DataFrame, by: Sequence[str] = ("case",)
) -> pd.Series[float]:
    """Return the mean, over voxels, of the distance between confidence and accuracy of their bin.

    As Guo et al. (2017, ICML: On calibration of modern neural networks) define it. Rows that have
    the same values of `by` are put together before, bin by bin: by ``arm`` it is the error of all
    cases of an arm as one.

    Parameters
    ----------
    calibration : DataFrame
        Columns ``bin``, ``voxels``, ``confidence``, ``correct`` and those of `by`.
    by : sequence of str
        What to have an error for.

    Returns
    -------
    Series
        From 0, the best, to 1; NaN where there are no voxels. The index is `by`.
    """
    groups = list(by)
    bins = calibration.groupby([*groups, "bin"], sort=False)[["voxels", "confidence", "correct"]]
    sums = bins.sum()
    gaps = (sums["confidence"] - sums["correct"]).abs()
    error = (
        gaps.groupby(groups, sort=False).sum() / sums["voxels"].groupby(groups, sort=False).sum()
    )
    return error.rename("ece")


def _near_structures(case: Case) -> npt.NDArray[np.bool_]:
    """Return which voxels count, [I, J, K]."""
    true = case.label[0] > 0
    near: npt.NDArray[np.bool_] = np.zeros_like(true)
    for found in find_objects(true.view(np.uint8)):  # one box, or none without foreground
        margins = [math.ceil(NEAR_MM / spacing) for spacing in case.spacing_mm]
        box = tuple(
            slice(max(side.start - margin, 0), side.stop + margin)
            for side, margin in zip(found, margins, strict=True)
        )
        near[box] = distance_transform_edt(~true[box], sampling=case.spacing_mm) <= NEAR_MM
    return near
