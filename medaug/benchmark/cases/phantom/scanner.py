"""How a scanner turns an anatomy into intensities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from medaug.benchmark.cases.phantom.anatomy import Head
from medaug.benchmark.cases.phantom.space import Grid, smooth_noise
from medaug.typing import Matrix


@dataclass(frozen=True)
class Scanner:
    """What sets one scanner's images apart from another's.

    Attributes
    ----------
    gamma : tuple of 2 floats
        Exponent of the contrast curve of the T1-like and of the FLAIR-like channel.
    bias_std : float
        Standard deviation of the logarithm of the bias field.
    noise_std : float
        Standard deviation of the Rician noise, as a share of the brightest tissue.
    blur_mm : float
        Standard deviation of the point spread.
    gain : float
        Stored value of an intensity of 1.
    """

    gamma: tuple[float, float]
    bias_std: float
    noise_std: float
    blur_mm: float
    gain: float


#: Scanner A is sharp and even; scanner B has other contrast, more bias, noise and blur.
SCANNERS = (
    Scanner(gamma=(0.85, 1.15), bias_std=0.08, noise_std=0.025, blur_mm=1.2, gain=800),
    Scanner(gamma=(1.6, 0.7), bias_std=0.16, noise_std=0.04, blur_mm=2.0, gain=30_000),
)

# Intensity of each tissue, of oedema and of the core, in the T1-like and the FLAIR-like channel.
# Oedema is bright in FLAIR, but contrast varies more between cases than it stands out, and the core
# lies between healthy tissues in both: no threshold finds a lesion in all cases.
_TISSUES = np.array(
    [
        # air, scalp, skull, fluid, grey, white, gliosis
        [0.02, 0.90, 0.12, 0.20, 0.50, 0.76, 0.62],
        [0.02, 0.62, 0.12, 0.14, 0.56, 0.46, 0.66],
    ]
)
_OEDEMA = np.array([0.56, 0.80])
_CORE = np.array([0.36, 0.64])

# How much these and the contrast curve differ from case to case.
_TISSUE_STD = 0.03
_LESION_STD = 0.05
_GAMMA_LOG_STD = 0.25

# Standard deviation of the texture within a tissue, as a share of its intensity.
_TEXTURE_STD = 0.05

# Lesions fade out over this distance on either side of their outline.
_FADE_MM = 2.0


def acquire(rng: np.random.Generator, grid: Grid, head: Head, scanner: Scanner) -> Matrix:
    """Return the scan of a head, whole numbers as an export stores them.

    Rounding also takes away the last bits in which mathematical libraries differ, so that the same
    seed gives the same data on another machine.

    Parameters
    ----------
    rng : numpy.random.Generator
        The stream of this case's acquisition.
    grid : Grid
        The grid of `head`.
    head : Head
        What is scanned.
    scanner : Scanner
        By which machine.

    Returns
    -------
    ndarray, shape [2, I, J, K], float64
        The T1-like and the FLAIR-like channel.
    """
    signal = _signal(rng, grid, head)
    return np.stack(
        [
            _expose(rng, grid, values, scanner, gamma)
            for values, gamma in zip(signal, scanner.gamma, strict=True)
        ]
    )


def _signal(rng: np.random.Generator, grid: Grid, head: Head) -> Matrix:
    """Return the intensity of each voxel's tissue, with contrast that varies a little by case."""
    tissues = _TISSUES + rng.normal(0, _TISSUE_STD, _TISSUES.shape)
    signal = tissues[:, head.tissue]
    for mean, depth_mm in zip((_OEDEMA, _CORE), head.lesion_depth_mm, strict=True):
        lesion = mean + rng.normal(0, _LESION_STD, mean.shape)
        share = np.clip(0.5 + depth_mm / (2 * _FADE_MM), 0, 1)
        signal += share * (lesion[:, np.newaxis, np.newaxis, np.newaxis] - signal)
    texture = 1 + _TEXTURE_STD * np.stack([smooth_noise(rng, grid, scale_mm=4) for _ in signal])
    return np.maximum(signal * texture, 0)


def _expose(
    rng: np.random.Generator, grid: Grid, signal: Matrix, scanner: Scanner, gamma: float
) -> Matrix:
    """Return one channel after the contrast curve, point spread, bias field, noise and gain."""
    curved = signal ** (gamma * np.exp(rng.normal(0, _GAMMA_LOG_STD)))
    blurred = ndimage.gaussian_filter(curved, scanner.blur_mm / grid.spacing_mm, truncate=3)
    shaded = blurred * np.exp(scanner.bias_std * smooth_noise(rng, grid, scale_mm=45))
    real, imaginary = rng.normal(0, scanner.noise_std, (2, *grid.shape))
    stored: Matrix = np.rint(scanner.gain * np.hypot(shaded + real, imaginary))
    return stored
