"""Multiplicative scaling of intensities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from medaug.intensity.effect import (
    ImageFacts,
    Parameters,
    along_channels,
    channel_means,
    draw_per_channel,
)
from medaug.ranges import Range
from medaug.typing import FloatArray


@dataclass(frozen=True)
class IntensityScale:
    """Scale intensities about a fixed point: ``v -> centre + factor * (v - centre)``.

    Parameters
    ----------
    factor : range
        Positive.
    about : {"mean", "zero"}
        The fixed point: the mean of the channel, which changes contrast and keeps brightness, or
        zero, which changes both, as the gain of a receiver does.
    per_channel : bool
        Draw a factor for each channel instead of one for all.
    """

    factor: Range
    about: Literal["mean", "zero"] = "mean"
    per_channel: bool = False

    def __post_init__(self) -> None:
        if self.factor[0] <= 0:
            raise ValueError(f"factor must stay above 0; got {self.factor}")

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``factor``, a list."""
        return {"factor": draw_per_channel(rng, self.factor, facts, self.per_channel)}

    def apply(self, values: FloatArray, parameters: Mapping[str, Any]) -> FloatArray:
        """Scale the voxels [C, I, J, K]."""
        factor = along_channels(parameters["factor"])
        scaled = values * factor
        if self.about == "mean":
            scaled += (1 - factor) * channel_means(values)
        return scaled
