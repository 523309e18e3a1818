"""Low resolution: fewer voxels, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medaug.intensity.channel import Channel
from medaug.intensity.coarse import expand, nearest_voxels
from medaug.intensity.effect import Parameters
from medaug.intensity.facts import ImageFacts
from medaug.kernels.expand import pick_volume
from medaug.ranges import AxisRanges, axes_drawn_in
from medaug.typing import FloatArray


@dataclass(frozen=True)
class LowResolution:
    """Keep a share of the voxels along each axis, and interpolate between them.

    The nearest voxels are kept, without smoothing, and the way back is linear, as in nnU-Net
    (Isensee et al. 2021, Nature Methods 18, supplementary note 4). See :class:`ThickSlices` for
    what a scanner does.

    Parameters
    ----------
    factor : three ranges
        Share of the voxels that is kept along each axis, above 0 and at most 1.
    isotropic : bool
        One factor, drawn from the first range, for all axes.
    """

    factor: AxisRanges
    isotropic: bool = True

    def __post_init__(self) -> None:
        if any(low <= 0 or high > 1 for low, high in self.factor):
            raise ValueError(f"factor must lie above 0 and not above 1; got {self.factor}")

    def at_magnitude(self, magnitude: float) -> LowResolution:
        """Return the effect with factors nearer to 1."""
        return replace(self, factor=axes_drawn_in(self.factor, magnitude, 1.0))

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``shape``, the voxels that are kept along each axis."""
        if self.isotropic:
            factors = [float(rng.uniform(*self.factor[0]))] * 3
        else:
            factors = [float(rng.uniform(*bounds)) for bounds in self.factor]
        pairs = zip(facts.shape, factors, strict=True)
        return {"shape": [max(1, round(n * factor)) for n, factor in pairs]}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Take a channel to the coarse grid and back."""
        shape = tuple(parameters["shape"])
        if shape == channel.facts.shape:
            return

        def write(voxels: FloatArray, out: FloatArray) -> None:
            coarse = np.empty(shape, np.float32)
            kept = [nearest_voxels(n, m) for n, m in zip(voxels.shape, shape, strict=True)]
            pick_volume(voxels, *kept, coarse)
            expand(coarse, out)

        channel.rewrite(write)
