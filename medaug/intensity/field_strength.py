"""The look of an MR image at another field strength."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from medaug.intensity.bias_field import smooth_terms
from medaug.intensity.channel import Channel
from medaug.intensity.effect import Parameters, draw_seed
from medaug.intensity.facts import ImageFacts
from medaug.ranges import Range, drawn_in

#: Gyromagnetic ratio of the proton over 2 pi.
GAMMA_HZ_PER_TESLA = 42.577e6


class Tissue(NamedTuple):
    """Relative proton density, and ``a`` and ``b`` of ``T1 = a (gamma B0) ** b`` in seconds."""

    density: float
    a: float
    b: float


WHITE = Tissue(0.70, 0.00071, 0.382)
GREY = Tissue(0.82, 0.00116, 0.376)


@dataclass(frozen=True)
class FieldStrength:
    r"""Emulate a change of the field strength of a T1-weighted scan, in three steps.

    It is an emulation: no tissue is known, and what the first scan lost is lost.

    1. **Contrast.** T1 grows with the field, ``T1 = a (gamma B0) ** b`` (Bottomley et al. 1984,
       Medical Physics 11(4)), with ``a, b`` = 0.00071 s, 0.382 for white and 0.00116 s, 0.376 for
       grey matter (Rooney et al. 2007, Magnetic Resonance in Medicine 57(2), as Marques et al.
       2019, Journal of Magnetic Resonance Imaging 49(6), give them). A spoiled gradient echo shows
       ``S = density sin(flip) (1 - E) / (1 - E cos(flip))``, ``E = exp(-TR / T1)`` (Ernst and
       Anderson 1966, Review of Scientific Instruments 37(1)); at 90 degrees this is saturation
       recovery. Densities are 0.70 and 0.82. Every voxel goes through the one power curve that
       turns the ratio of grey to white at the first field into that at the second; other tissues
       follow it as if they lay on it. T2 and the echo time are left out.
    2. **Inhomogeneity.** The field of transmission varied by 23 % over heads at 4 T and 42 % at 7 T
       (Vaughan et al. 2001, Magnetic Resonance in Medicine 46(1)): 0.06 a tesla, and by reciprocity
       as much again for reception (Hoult 2000, Concepts in Magnetic Resonance 12(4)). Upwards, the
       image is multiplied by a smooth field whose logarithm spans ``inhomogeneity_per_tesla`` for
       each tesla more. Its shape is random, as in :class:`BiasField`. Downwards nothing is undone.
    3. **Noise.** The ratio of signal to noise is as ``B0 ** snr_exponent``: 1 where the body makes
       the noise (Edelstein et al. 1986, Magnetic Resonance in Medicine 3(4)), 1.65 measured from
       3 T to 9.4 T (Pohmann et al. 2016, Magnetic Resonance in Medicine 75(2)); and it is as ``S``
       of white matter. Where that gives more noise than the scan has, the rest is added to both
       parts of the complex signal, whose magnitude is taken. Noise is never removed.

    Signal is the mean of those voxels that are brighter than the mean of the channel; its level
    stays. What counts is above the zero level. The target equal to ``from_tesla`` changes nothing.

    Parameters
    ----------
    to_tesla : range
        Field strength to emulate; positive.
    from_tesla : float
        That of the scan.
    noise_std : float
        Standard deviation of the noise that the scan has, as a share of its signal.
    snr_exponent : float
    inhomogeneity_per_tesla : range
        Not negative.
    tr_ms : float, optional
        Repetition time; ``None`` leaves the contrast, and T1 out of the noise.
    flip_degrees : float
        Flip angle.
    zero_is_low : bool
        The smallest value of the channel stands for no signal, as in raw images and after a
        z-score, instead of 0.
    """

    to_tesla: Range
    from_tesla: float = 3.0
    noise_std: float = 0.02
    snr_exponent: float = 1.0
    inhomogeneity_per_tesla: Range = (0.0, 0.12)
    tr_ms: float | None = 500.0
    flip_degrees: float = 90.0
    zero_is_low: bool = True

    def __post_init__(self) -> None:
        if self.from_tesla <= 0 or self.to_tesla[0] <= 0:
            raise ValueError(
                f"field strengths must be positive; got {self.from_tesla} and {self.to_tesla}"
            )
        if self.noise_std < 0:
            raise ValueError(f"noise_std must not be negative; got {self.noise_std}")
        if self.tr_ms is None:
            return
        if self.tr_ms <= 0 or not 0 < self.flip_degrees <= 90:
            raise ValueError(
                "tr_ms must be positive and flip_degrees above 0 and at most 90; "
                f"got {self.tr_ms} and {self.flip_degrees}"
            )
        for tesla in (self.from_tesla, *self.to_tesla):
            if not self.signal_of(GREY, tesla) < 0.99 * self.signal_of(WHITE, tesla):
                raise ValueError(
                    f"tr_ms={self.tr_ms} and flip_degrees={self.flip_degrees} are not T1-weighted: "
                    f"at {tesla} T white matter is not brighter than grey; "
                    "tr_ms=None leaves the contrast as it is"
                )

    def at_magnitude(self, magnitude: float) -> FieldStrength:
        """Return the effect with field strengths nearer to that of the scan."""
        return replace(self, to_tesla=drawn_in(self.to_tesla, magnitude, self.from_tesla))

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``to_tesla``, the ``terms`` of the field, and ``seed`` of the noise."""
        to_tesla = float(rng.uniform(*self.to_tesla))
        rate = float(rng.uniform(*self.inhomogeneity_per_tesla))
        span = rate * max(to_tesla - self.from_tesla, 0.0)
        terms = smooth_terms(rng, facts, span).ravel().tolist()
        return {"to_tesla": to_tesla, "terms": terms, "seed": draw_seed(rng)}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Take a channel to the other field; a constant one stays as it is."""
        to_tesla, terms = parameters["to_tesla"], np.array(parameters["terms"], np.float32)
        zero = channel.low if self.zero_is_low else 0.0
        span = channel.high - zero
        if to_tesla == self.from_tesla or not span > 0 or not channel.high > channel.low:
            return
        signal = _signal_above(channel, zero)
        exponent = self.contrast_exponent(to_tesla)
        if exponent != 1 or terms.any():
            channel.linear(1.0 / span, -zero / span)
            if exponent != 1:
                channel.power(exponent)
            if terms.any():
                channel.multiply_field(terms.reshape(4, 4, 4))
            channel.linear(span * (signal / span) ** (1.0 - exponent), zero)
        missing = self.noise_ratio(to_tesla) ** 2 - 1.0
        if missing > 0 and self.noise_std > 0:
            std = signal * self.noise_std * math.sqrt(missing)
            channel.add_complex_normal(std, zero, parameters["seed"])

    def signal_of(self, tissue: Tissue, tesla: float) -> float:
        """Return what a spoiled gradient echo shows of a tissue; 1 without a repetition time."""
        if self.tr_ms is None:
            return 1.0
        left = math.exp(-0.001 * self.tr_ms / t1_seconds(tissue, tesla))
        flip = math.radians(self.flip_degrees)
        return tissue.density * math.sin(flip) * (1.0 - left) / (1.0 - left * math.cos(flip))

    def contrast_exponent(self, to_tesla: float) -> float:
        """Return the exponent of the curve that makes the contrast that of another field."""
        if self.tr_ms is None:
            return 1.0
        before, after = (  # both negative: white matter is brighter
            math.log(self.signal_of(GREY, tesla) / self.signal_of(WHITE, tesla))
            for tesla in (self.from_tesla, to_tesla)
        )
        return after / before

    def noise_ratio(self, to_tesla: float) -> float:
        """Return how much more noise there is for the same signal at another field."""
        by_field = math.pow(self.from_tesla / to_tesla, self.snr_exponent)
        return by_field * self.signal_of(WHITE, self.from_tesla) / self.signal_of(WHITE, to_tesla)


def t1_seconds(tissue: Tissue, tesla: float) -> float:
    """Return the longitudinal relaxation time of a tissue."""
    return float(tissue.a * (GAMMA_HZ_PER_TESLA * tesla) ** tissue.b)


def _signal_above(channel: Channel, zero: float) -> float:
    """Return the mean of what is brighter than the mean, above ``zero``."""
    voxels, mean, high = channel.voxels, channel.mean, channel.high
    bright = (voxels > np.float32(mean)) & (voxels <= np.float32(high))
    if not bright.any():
        return high - zero
    return float(voxels.mean(where=bright, dtype=np.float64)) - zero
