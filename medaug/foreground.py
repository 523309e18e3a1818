"""What of an image is foreground, and its normalisation over that."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from medaug.typing import AnyArray, FloatArray

#: A channel counts as having an exact background if this share of its voxels holds the minimum.
BACKGROUND_SHARE = 0.1


def foreground_of(values: AnyArray) -> npt.NDArray[np.bool_]:
    """Return which voxels of a channel are foreground.

    If at least `BACKGROUND_SHARE` of them equal the minimum exactly, as the zeros around a
    skull-stripped brain do, those are background. Otherwise, and where the remaining voxels all
    have one value, every voxel counts as foreground.

    Parameters
    ----------
    values : ndarray, shape [I, J, K]
        Finite voxels of any real dtype.

    Returns
    -------
    ndarray, shape [I, J, K], bool
    """
    minimum, maximum = values.min(), values.max()
    foreground: npt.NDArray[np.bool_] = values > minimum
    exact_background = foreground.mean() <= 1 - BACKGROUND_SHARE
    if not exact_background or minimum == maximum or values[foreground].min() == maximum:
        foreground = np.ones(values.shape, bool)
    return foreground


def zscore_foreground(image: AnyArray) -> FloatArray:
    """Shift and scale each channel to mean 0 and standard deviation 1 over its foreground.

    What is not foreground, see `foreground_of`, becomes 0.

    Parameters
    ----------
    image : ndarray, shape [C, I, J, K]
        Finite voxels of any real dtype and range.

    Returns
    -------
    ndarray, shape [C, I, J, K], float32

    Raises
    ------
    ValueError
        If a channel is constant.
    """
    normalised = np.zeros(image.shape, np.float32)
    for channel, values in enumerate(image):
        if values.min() == values.max():
            raise ValueError(f"channel {channel} is constant ({values.min()})")
        foreground = foreground_of(values)
        inside = values[foreground].astype(np.float64)
        normalised[channel][foreground] = (inside - inside.mean()) / inside.std()
    return normalised
