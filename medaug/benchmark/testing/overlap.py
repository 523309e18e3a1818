"""The overlap between a predicted and a true segmentation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from medaug.typing import AnyArray


def dice_per_class(
    prediction: AnyArray, truth: AnyArray, n_classes: int
) -> npt.NDArray[np.float64]:
    """Return the Dice similarity coefficient of each foreground class.

    ``2 |P & T| / (|P| + |T|)`` for the voxel sets P and T of a class (Dice 1945).

    Parameters
    ----------
    prediction, truth : integer array, shape (I, J, K)
        Class indices from 0 (background) to `n_classes`. Both must have the same shape.
    n_classes : int
        The number of foreground classes.

    Returns
    -------
    float64 array, shape (n_classes,)
        The coefficient in [0, 1] of the classes 1 to `n_classes`. A class that only one of the two
        contains scores 0. A class that neither contains is NaN: the coefficient is 0/0 there, and
        the mean must leave it out instead of rewarding or punishing it (Maier-Hein et al. 2024,
        "Metrics reloaded", Nature Methods 21, on empty references).

    Raises
    ------
    ValueError
        If the shapes differ, or an array is not of integers from 0 to `n_classes`.
    """
    confusion = _confusion(prediction, truth, n_classes + 1)
    overlap = np.diagonal(confusion)[1:]
    size = (confusion.sum(axis=0) + confusion.sum(axis=1))[1:]
    dice = np.full(n_classes, np.nan)
    np.divide(2.0 * overlap, size, out=dice, where=size > 0)
    return dice


def _confusion(prediction: AnyArray, truth: AnyArray, n_labels: int) -> npt.NDArray[np.intp]:
    """Count the voxels of each (truth, prediction) pair in one pass, as a square matrix."""
    if prediction.shape != truth.shape:
        raise ValueError(f"prediction has shape {prediction.shape}, but truth {truth.shape}")
    for name, labels in (("prediction", prediction), ("truth", truth)):
        if not np.issubdtype(labels.dtype, np.integer):
            raise ValueError(f"{name} must be an integer array, not {labels.dtype}")
        if labels.size and (labels.min() < 0 or labels.max() >= n_labels):
            raise ValueError(f"{name} has a class outside 0 to {n_labels - 1}")
    pair = truth.astype(np.intp) * n_labels + prediction
    return np.bincount(pair.ravel(), minlength=n_labels**2).reshape(n_labels, n_labels)
