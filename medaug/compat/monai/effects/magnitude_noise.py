"""Rician noise whose parts have a mean, and a spread that may follow the image's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from medaug.intensity import Channel, ImageFacts, Parameters
from medaug.rng import SEED_BOUND

#: A number, or one for each channel.
ForChannels: TypeAlias = float | tuple[float, ...]


@dataclass(frozen=True)
class MagnitudeNoise:
    """Take the magnitude after complex noise: ``v -> |v + n1 + i n2|``.

    Parameters
    ----------
    mean, std : float or tuple of floats
        Of ``n1`` and ``n2``, which are normal; for all channels or for each.
    sample_std : bool
        The standard deviation is uniform between 0 and ``std`` instead of just that.
    relative : bool
        It is in standard deviations of the voxels instead of the units of the image.
    """

    mean: ForChannels
    std: ForChannels
    sample_std: bool
    relative: bool

    def __post_init__(self) -> None:
        if np.min(self.std) < 0:
            raise ValueError(f"std must not be negative; got {self.std}")

    def at_magnitude(self, magnitude: float) -> MagnitudeNoise:
        """Return the effect with less noise."""
        mean, std = _times(magnitude, self.mean), _times(magnitude, self.std)
        return replace(self, mean=mean, std=std)

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``share``, how much of ``std`` it is, and ``seed``, which stands for the noise."""
        share = float(rng.uniform()) if self.sample_std else 1.0
        return {"share": share, "seed": int(rng.integers(SEED_BOUND))}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Give a channel the noise of ``seed``."""
        std = parameters["share"] * _entry(self.std, channel.index)
        if self.relative:
            std *= channel.std
        mean = _entry(self.mean, channel.index)
        channel.add_complex_normal(std, 0.0, parameters["seed"], mean)


def _entry(value: ForChannels, index: int) -> float:
    return value[index] if isinstance(value, tuple) else value


def _times(factor: float, value: ForChannels) -> ForChannels:
    return tuple(factor * v for v in value) if isinstance(value, tuple) else factor * value
