"""Bringing the intensities of a donor to those of the case that it goes into."""

from __future__ import annotations

import numpy as np

from medaug.typing import AnyArray

#: Of fewer voxels, mean and standard deviation say too little.
LEAST_VOXELS = 20
#: Bounds of the factor of contrast: tissue that happens to be flat must not blow up noise.
GAIN = (2 / 3, 1.5)


def harmonised(values: AnyArray, own: AnyArray, other: AnyArray) -> AnyArray:
    """Return ``values`` of a donor with the mean and the spread of the case.

    Parameters
    ----------
    values : array
        Of one channel of the donor.
    own, other : array [N], [M]
        Comparable tissue of the case and of the donor; what is not finite does not count.

    Returns
    -------
    array
        ``(values - mean_other) * gain + mean_own``, with the ratio of the standard deviations as
        the gain, kept within :data:`GAIN`, and not beyond the extremes of ``own`` and ``values``
        together; ``values`` itself where there is too little to compare.
    """
    own, other = _finite(own), _finite(other)
    if min(len(own), len(other)) < LEAST_VOXELS:
        return values
    spread, wanted = other.std(), own.std()
    gain = float(np.clip(wanted / spread, *GAIN)) if spread > 0 and wanted > 0 else 1.0
    seen = _finite(values.ravel())
    low = min(own.min(), seen.min(initial=np.inf))
    high = max(own.max(), seen.max(initial=-np.inf))
    moved = (values - other.mean()) * gain + own.mean()
    return np.asarray(np.clip(moved, low, high))


def _finite(values: AnyArray) -> AnyArray:
    return values[np.isfinite(values)].astype(np.float64)
