"""Curves from 0 to 1, laid over the range of a channel."""

from __future__ import annotations

import numpy as np

from medaug.intensity.channel import CURVE_POINTS, Channel
from medaug.typing import Matrix

#: Where a curve that is no broken line is to be evaluated.
PLACES: Matrix = np.linspace(0.0, 1.0, CURVE_POINTS)


def bend(channel: Channel, values: Matrix) -> None:
    """Send a channel through a curve; a constant channel stays as it is.

    Parameters
    ----------
    channel : Channel
    values : float64 array [2 to CURVE_POINTS]
        The curve at evenly spaced places, such as :data:`PLACES`, and linear between; 0 stands for
        the smallest value of the channel, and 1 for its largest, on both axes.
    """
    low, high = channel.low, channel.high
    if high > low:
        channel.curve((low + (high - low) * values).astype(np.float32), low, high)
