"""Median filter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import ndimage

from medaug.intensity.channel import Channel
from medaug.intensity.effect import Parameters
from medaug.intensity.facts import ImageFacts
from medaug.ranges import Range, drawn_in
from medaug.typing import FloatArray


@dataclass(frozen=True)
class Median:
    """Replace each voxel by the median of its neighbourhood, as denoising filters do.

    Parameters
    ----------
    radius_voxels : range
        Voxels to either side along each axis; 1 is a neighbourhood of 3 x 3 x 3. What is drawn is
        rounded up or down at random, so that its mean is what was asked for.
    """

    radius_voxels: Range

    def at_magnitude(self, magnitude: float) -> Median:
        """Return the effect with smaller neighbourhoods."""
        return replace(self, radius_voxels=drawn_in(self.radius_voxels, magnitude))

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``size``, voxels along each axis, a list of three."""
        radius = int(rng.uniform(*self.radius_voxels) + rng.random())
        return {"size": [1 + 2 * min(radius, n - 1) for n in facts.shape]}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Filter a channel; what lies outside mirrors about the outermost voxels."""
        size = parameters["size"]
        if max(size) == 1:
            return

        def write(voxels: FloatArray, out: FloatArray) -> None:
            ndimage.median_filter(voxels, size, output=out, mode="mirror")

        channel.rewrite(write)
