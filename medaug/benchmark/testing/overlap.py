"""The overlap between a predicted and a true region."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def dice_of(prediction: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_]) -> float:
    """Return the Dice similarity coefficient of two masks; NaN if both are empty."""
    size = int(np.count_nonzero(prediction)) + int(np.count_nonzero(truth))
    return 2 * int(np.count_nonzero(prediction & truth)) / size if size else float("nan")
