"""How a predicted mask and the true one overlap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Overlap:
    """The sizes of a predicted mask P and the true one T, and the measures that follow from them.

    What happens if a mask is empty is told measure by measure. Where a value would be a matter of
    taste, it is NaN.

    Attributes
    ----------
    predicted, true, common : int
        Voxels of P, of T and of both.
    """

    predicted: int
    true: int
    common: int

    @property
    def dice(self) -> float:
        """``2 |P and T| / (|P| + |T|)``. One mask empty: 0. Both: NaN."""
        return _ratio(2 * self.common, self.predicted + self.true)

    @property
    def iou(self) -> float:
        """``|P and T| / |P or T|``. One mask empty: 0. Both: NaN."""
        return _ratio(self.common, self.predicted + self.true - self.common)

    @property
    def precision(self) -> float:
        """``|P and T| / |P|``. One mask empty: 0, as the prediction finds nothing. Both: NaN."""
        return 0.0 if self.true and not self.predicted else _ratio(self.common, self.predicted)

    @property
    def recall(self) -> float:
        """``|P and T| / |T|``. P empty: 0. T empty: NaN, as there is nothing to be found."""
        return _ratio(self.common, self.true)

    @property
    def volume_error(self) -> float:
        """``(|P| - |T|) / |T|``. P empty: -1. T empty: NaN, as it has no bound then."""
        return _ratio(self.predicted - self.true, self.true)


def overlap_of(prediction: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_]) -> Overlap:
    """Count the voxels of two masks of one shape."""
    return Overlap(
        predicted=int(np.count_nonzero(prediction)),
        true=int(np.count_nonzero(truth)),
        common=int(np.count_nonzero(prediction & truth)),
    )


def dice_of(prediction: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_]) -> float:
    """Return the Dice similarity coefficient of two masks; NaN if both are empty."""
    return overlap_of(prediction, truth).dice


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
