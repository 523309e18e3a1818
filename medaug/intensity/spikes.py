"""Spikes in k-space: stripes over the whole image."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import fft

from medaug.intensity.bounds import draw_count
from medaug.intensity.channel import Channel
from medaug.intensity.effect import Parameters
from medaug.intensity.facts import ImageFacts
from medaug.intensity.kspace import along, rewrite_finite
from medaug.ranges import Range, drawn_in
from medaug.typing import AnyArray, FloatArray

#: How near to the centre a spike may be, as a share of the largest frequency.
_NEAREST = 0.1


@dataclass(frozen=True)
class Spikes:
    r"""Add single wrong coefficients to k-space: plane waves, which look like corduroy.

    A spike at the frequency ``f`` adds ``A cos(2 pi f x + phase)`` to the image, where ``A`` is
    ``intensity`` times the largest coefficient over the number of voxels (Heiland 2008, Clinical
    Neuroradiology 18(1) shows such herringbones). Of an image that is not negative the largest
    coefficient is the central one, so ``A`` is relative to the mean; of one after a z-score it is
    relative to its strongest wave.

    Parameters
    ----------
    spikes : pair of ints
        How many.
    intensity : range
        Of each spike, as a share of the largest coefficient; not negative.
    """

    spikes: tuple[int, int]
    intensity: Range

    def at_magnitude(self, magnitude: float) -> Spikes:
        """Return the effect with fainter spikes."""
        return replace(self, intensity=drawn_in(self.intensity, magnitude))

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``spikes``: each has ``waves`` along each axis, ``phase`` and ``intensity``."""
        half = np.array([n // 2 for n in facts.shape])
        spikes = []
        for _ in range(draw_count(rng, self.spikes)):
            waves = np.round(_draw_place(rng, half > 0) * half)
            spikes.append(
                {
                    "waves": [int(wave) for wave in waves],
                    "phase": float(rng.uniform(0.0, 2.0 * math.pi)),
                    "intensity": float(rng.uniform(*self.intensity)),
                }
            )
        return {"spikes": spikes}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Add the waves to a channel."""
        spikes = [s for s in parameters["spikes"] if s["intensity"] > 0 and any(s["waves"])]
        if not spikes:
            return

        def change(voxels: FloatArray) -> AnyArray:
            largest = float(np.abs(fft.rfftn(voxels)).max()) / voxels.size
            out = voxels.copy()
            for spike in spikes:
                first, second, third = (
                    np.exp(2j * math.pi * waves * np.arange(n) / n).astype(np.complex64)
                    for waves, n in zip(spike["waves"], voxels.shape, strict=True)
                )
                strength = largest * spike["intensity"] * np.exp(1j * spike["phase"])
                plane = (strength * first[:, None] * second).astype(np.complex64)[:, :, None]
                out += plane.real * along(2, third.real)
                out -= plane.imag * along(2, third.imag)
            return out

        rewrite_finite(channel, change)


def _draw_place(rng: np.random.Generator, wide: AnyArray) -> AnyArray:
    """Draw a place in k-space, each wide axis from -1 to 1, that is not near the centre."""
    while True:
        place = np.where(wide, rng.uniform(-1.0, 1.0, 3), 0.0)
        if np.linalg.norm(place) >= _NEAREST or not wide.any():
            return place
