"""Quantum noise of CT at a lower dose."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import fft

from medaug.intensity.channel import Channel
from medaug.intensity.effect import Parameters, draw_seed
from medaug.intensity.facts import ImageFacts
from medaug.intensity.kspace import along
from medaug.ranges import Range, drawn_in
from medaug.rng import generator
from medaug.typing import AnyArray, FloatArray

#: Linear attenuation of water at about 70 keV, the mean of a 120 kV beam.
WATER_PER_MM = 0.0193


@dataclass(frozen=True)
class QuantumNoise:
    r"""Add the noise that a lower dose would have left in a CT scan.

    The model lives in the image, since the rays are gone. The variance of quantum noise is inverse
    to the number of photons that arrive: to the dose, and to ``exp(-mu L)`` for a ray through ``L``
    of water (Brooks and Di Chiro 1976, Medical Physics 3(4)). To the noise that the scan has, each
    slice gets what is missing::

        s ** 2 = reference_noise_hu ** 2 * (1 / dose - 1) * exp((1 - modulation) * mu * (D - D0))

    ``D`` is the water-equivalent diameter of the slice (AAPM report 220, 2014), of as much of it as
    is in the image, ``D0`` the mean of all slices, ``mu`` that of water. ``modulation`` is the
    power of the attenuation that the tube current follows; 1/2 is optimal (Gies et al. 1999,
    Medical Physics 26(11)). Within a slice the noise is stationary and normal, with the power
    spectrum ``f exp(-(2 pi f kernel_mm) ** 2)`` of filtered backprojection (Riederer et al. 1978,
    Physics in Medicine and Biology 23(3)), and slices are independent. There is no electronic
    noise, no bow-tie filter and no direction to the noise: no streaks between shoulders.

    Parameters
    ----------
    dose : range
        Share of the dose of the scan, above 0 and at most 1.
    reference_noise_hu : float
        Standard deviation in the scan as it is, in a slice of mean thickness.
    air, water : float
        What stands for -1000 and 0 HU in the image.
    kernel_mm : float
        Standard deviation of the reconstruction kernel.
    modulation : float
        From 0 for a constant tube current to 1 for constant noise.
    slice_axis : int
        The array axis across the slices.
    """

    dose: Range
    reference_noise_hu: float = 12.0
    air: float = -1000.0
    water: float = 0.0
    kernel_mm: float = 0.5
    modulation: float = 0.5
    slice_axis: int = 2

    def __post_init__(self) -> None:
        if self.dose[0] <= 0 or self.dose[1] > 1:
            raise ValueError(f"dose must lie above 0 and not above 1; got {self.dose}")
        if not self.water > self.air:
            raise ValueError(f"water must be brighter than air; got {self.water} and {self.air}")
        if self.reference_noise_hu < 0 or self.kernel_mm < 0:
            raise ValueError("reference_noise_hu and kernel_mm must not be negative")
        if self.slice_axis not in (0, 1, 2):
            raise ValueError(f"slice_axis must be 0, 1 or 2; got {self.slice_axis}")

    def at_magnitude(self, magnitude: float) -> QuantumNoise:
        """Return the effect with doses nearer to that of the scan."""
        return replace(self, dose=drawn_in(self.dose, magnitude, 1.0))

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``dose`` and ``seed``, which stands for the whole field of noise."""
        return {"dose": float(rng.uniform(*self.dose)), "seed": draw_seed(rng)}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Add the noise of ``seed`` to a channel."""
        dose, facts = parameters["dose"], channel.facts
        noise_std = self.reference_noise_hu * (self.water - self.air) / 1000.0
        if dose >= 1 or noise_std == 0:
            return

        def write(voxels: FloatArray, out: FloatArray) -> None:
            stds = noise_std * math.sqrt(1.0 / dose - 1.0) * self._relative_stds(voxels, facts)
            noise = self._noise(generator(parameters["seed"], channel.index), facts)
            noise *= along(self.slice_axis, stds)
            np.add(voxels, noise, out=out)

        channel.rewrite(write)

    def _relative_stds(self, voxels: FloatArray, facts: ImageFacts) -> AnyArray:
        """Return the noise of each slice against that of one of mean thickness."""
        in_plane = tuple(axis for axis in range(3) if axis != self.slice_axis)
        waters = (voxels - np.float32(self.air)) / np.float32(self.water - self.air)
        waters = np.clip(np.nan_to_num(waters, copy=False, nan=0.0), 0.0, 4.0)
        pixel_mm2 = math.prod(facts.spacing_mm[axis] for axis in in_plane)
        area_mm2 = waters.sum(axis=in_plane, dtype=np.float64) * pixel_mm2
        diameter_mm = 2.0 * np.sqrt(area_mm2 / math.pi)
        exponent = (1.0 - self.modulation) * WATER_PER_MM * (diameter_mm - diameter_mm.mean())
        return np.asarray(np.exp(0.5 * exponent))

    def _noise(self, rng: np.random.Generator, facts: ImageFacts) -> FloatArray:
        """Return noise of unit standard deviation and the spectrum of the kernel."""
        first, second = (axis for axis in range(3) if axis != self.slice_axis)
        shape = (facts.shape[first], facts.shape[second])
        noise = rng.standard_normal(facts.shape, np.float32)
        along_first = fft.fftfreq(shape[0], facts.spacing_mm[first])
        along_second = fft.fftfreq(shape[1], facts.spacing_mm[second])
        frequency = np.hypot(along_first[:, None], along_second)
        power = frequency * np.exp(-((2.0 * math.pi * self.kernel_mm * frequency) ** 2))
        if not power.mean() > 0:  # a single voxel, or a kernel far wider than the image
            return noise
        gain = np.sqrt(power / power.mean())[:, : shape[1] // 2 + 1].astype(np.float32)
        spectrum = fft.rfft2(noise, axes=(first, second))
        spectrum *= np.expand_dims(gain, self.slice_axis)
        return np.asarray(fft.irfft2(spectrum, shape, axes=(first, second)), np.float32)
