"""Additive Gaussian noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from medaug.intensity.effect import ImageFacts, Parameters, along_channels, draw_per_channel
from medaug.ranges import Range
from medaug.rng import SEED_BOUND, generator
from medaug.typing import FloatArray


@dataclass(frozen=True)
class Noise:
    """Add independent normal noise to every voxel.

    Parameters
    ----------
    std : range
        Standard deviation, in the units of the image; 0.1 is strong after a z-score.
    per_channel : bool
        Draw a standard deviation for each channel instead of one for all.
    """

    std: Range
    per_channel: bool = False

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``std``, a list, and ``seed``, which stands for the whole field of noise."""
        std = draw_per_channel(rng, self.std, facts, self.per_channel)
        return {"std": std, "seed": int(rng.integers(SEED_BOUND))}

    def apply(self, values: FloatArray, parameters: Mapping[str, Any]) -> FloatArray:
        """Add the noise of ``seed`` to the voxels [C, I, J, K]."""
        noise = generator(parameters["seed"]).standard_normal(values.shape, np.float32)
        noise *= along_channels(parameters["std"])
        noise += values
        return noise
