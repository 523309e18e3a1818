"""What every intensity effect offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np

from medaug.ranges import Range
from medaug.typing import AnyArray, FloatArray

#: Plain numbers and lists that JSON keeps exactly.
Parameters: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class ImageFacts:
    """What an effect may know of an image when it draws its parameters."""

    channels: int


class IntensityEffect(Protocol):
    """An effect draws parameters and applies them; neither keeps anything."""

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw the parameters for one image."""
        ...

    def apply(self, values: FloatArray, parameters: Mapping[str, Any]) -> FloatArray:
        """Return the changed voxels of an image [C, I, J, K]; ``values`` stays as it is."""
        ...


def draw_per_channel(
    rng: np.random.Generator, bounds: Range, facts: ImageFacts, per_channel: bool
) -> list[float]:
    """Draw a number for each channel or, unless ``per_channel``, one for all."""
    return [float(x) for x in rng.uniform(*bounds, size=facts.channels if per_channel else 1)]


def along_channels(numbers: list[float]) -> FloatArray:
    """Return one number a channel, or one for all, so that it broadcasts over [C, I, J, K]."""
    return np.array(numbers, np.float32)[:, None, None, None]


def channel_means(values: AnyArray) -> FloatArray:
    """Return the mean of each channel, shape [C, 1, 1, 1]."""
    return np.asarray(values.mean(axis=(1, 2, 3), keepdims=True, dtype=np.float64), np.float32)
