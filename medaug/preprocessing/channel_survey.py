"""The intensities of one channel in a few numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from medaug.foreground import foreground_of
from medaug.typing import AnyArray

#: Percentages at which intensities are told.
PERCENTILES = (0.0, 0.5, 5.0, 50.0, 95.0, 99.5, 100.0)

#: Percentiles of a larger foreground are taken of every so many-th voxel.
MOST_VOXELS = 1 << 24


@dataclass(frozen=True)
class ChannelSurvey:
    """The intensities of a channel.

    Attributes
    ----------
    minimum, maximum : float
        Of all finite voxels; NaN if there are none.
    percentiles : tuple of floats
        Of the finite foreground, see `medaug.foreground.foreground_of`, at `PERCENTILES`: values
        that occur. The first and the last are its extremes.
    every : int
        The others are those of every so many-th voxel; 1 unless the scan is huge.
    background_share : float
        Share of voxels, 0 to 1, that are an exact background, which equals the minimum.
    not_finite : int
        Voxels that are NaN or infinite.
    """

    minimum: float
    maximum: float
    percentiles: tuple[float, ...]
    every: int
    background_share: float
    not_finite: int

    @property
    def width(self) -> float:
        """Distance between the percentiles 0.5 and 99.5."""
        return self.percentiles[-2] - self.percentiles[1]


def survey_channel(values: AnyArray, *, most_voxels: int = MOST_VOXELS) -> ChannelSurvey:
    """Return the intensities of a channel in a few numbers.

    Takes little memory beyond a copy of the foreground and a mask.

    Parameters
    ----------
    values : ndarray, shape [I, J, K]
        Voxels of any real dtype.
    most_voxels : int
        See `MOST_VOXELS`.
    """
    not_finite = 0
    if values.dtype.kind == "f":
        finite = np.isfinite(values)
        not_finite = int(values.size - np.count_nonzero(finite))
        if not_finite:
            values = values[finite]
        del finite
    if not values.size:
        nothing = (math.nan,) * len(PERCENTILES)
        return ChannelSurvey(math.nan, math.nan, nothing, 1, 0.0, not_finite)
    inside = values[foreground_of(values)]
    every = -(-inside.size // most_voxels)
    low, high = inside.min().item(), inside.max().item()
    # No interpolation: differences of integers may overflow.
    middle = np.percentile(
        inside[::every], PERCENTILES[1:-1], method="nearest", overwrite_input=True
    ).tolist()
    return ChannelSurvey(
        minimum=float(values.min()),
        maximum=float(high),
        percentiles=tuple(map(float, (low, *middle, high))),
        every=every,
        background_share=1 - inside.size / values.size,
        not_finite=not_finite,
    )


def format_number(value: float) -> str:
    """Return a number with the digits that matter: ``376,623``, ``-1,000`` or ``0.0312``."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
