"""Rician noise, that of magnitude images of MR."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medaug.intensity.channel import Channel
from medaug.intensity.effect import Parameters, draw_seed
from medaug.intensity.facts import ImageFacts
from medaug.ranges import Range, drawn_in


@dataclass(frozen=True)
class RicianNoise:
    r"""Take the magnitude after complex noise: ``v -> zero + |v - zero + n1 + i n2|``.

    ``n1`` and ``n2`` are independent and normal with the standard deviation ``s``. Where there is
    no signal the result is of Rayleigh's distribution, with the mean ``s sqrt(pi / 2)`` and the
    variance ``(2 - pi / 2) s ** 2`` (Gudbjartsson and Patz 1995, Magnetic Resonance in Medicine
    34(6)).

    Parameters
    ----------
    std : range
        Standard deviation of either part of the noise, in the units of the image.
    zero_is_low : bool
        The smallest value of the channel stands for no signal, as after a z-score, instead of 0.
    """

    std: Range
    zero_is_low: bool = False

    def at_magnitude(self, magnitude: float) -> RicianNoise:
        """Return the effect with less noise."""
        return replace(self, std=drawn_in(self.std, magnitude))

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``std`` and ``seed``, which stands for both fields of noise."""
        return {"std": float(rng.uniform(*self.std)), "seed": draw_seed(rng)}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Give a channel the noise of ``seed``."""
        if parameters["std"] > 0:
            zero = channel.low if self.zero_is_low else 0.0
            channel.add_complex_normal(parameters["std"], zero, parameters["seed"])
