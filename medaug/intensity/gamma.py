"""Gamma correction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from medaug.intensity.effect import ImageFacts, Parameters, channel_means, draw_per_channel
from medaug.ranges import Range
from medaug.typing import FloatArray


@dataclass(frozen=True)
class Gamma:
    """Bend the intensity curve: ``v -> low + (high - low) * ((v - low) / (high - low)) ** gamma``.

    ``low`` and ``high`` are the extremes of the channel, so the range stays what it is.

    Parameters
    ----------
    gamma : range
        Positive. The logarithm is drawn uniformly, so darker and brighter are equally likely
        where the range is symmetric, as (2/3, 3/2) is.
    per_channel : bool
        Draw an exponent for each channel instead of one for all.
    keep_stats : bool
        Restore mean and standard deviation of each channel afterwards.
    """

    gamma: Range
    per_channel: bool = False
    keep_stats: bool = False

    def __post_init__(self) -> None:
        if self.gamma[0] <= 0:
            raise ValueError(f"gamma must stay above 0; got {self.gamma}")

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``gamma``, a list."""
        logarithms = (float(np.log(self.gamma[0])), float(np.log(self.gamma[1])))
        drawn = draw_per_channel(rng, logarithms, facts, self.per_channel)
        return {"gamma": [float(np.exp(x)) for x in drawn]}

    def apply(self, values: FloatArray, parameters: Mapping[str, Any]) -> FloatArray:
        """Bend the voxels [C, I, J, K]; a constant channel stays as it is."""
        exponents = np.broadcast_to(parameters["gamma"], len(values))
        bent = [self._bend(channel, float(g)) for channel, g in zip(values, exponents, strict=True)]
        return np.stack(bent)

    def _bend(self, channel: FloatArray, gamma: float) -> FloatArray:
        low, high = channel.min(), channel.max()
        if low == high:
            return channel
        bent = (channel - low) / (high - low)
        np.power(bent, np.float32(gamma), out=bent)
        bent = bent * (high - low) + low
        return _with_stats_of(channel, bent) if self.keep_stats else bent


def _with_stats_of(original: FloatArray, changed: FloatArray) -> FloatArray:
    """Return ``changed`` shifted and scaled to the mean and s.d. of ``original``."""
    factor = original.std(dtype=np.float64) / changed.std(dtype=np.float64)
    mean, aim = (channel_means(x[None]).reshape(()) for x in (changed, original))
    return np.asarray((changed - mean) * np.float32(factor) + aim)
