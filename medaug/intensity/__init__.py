"""Intensity effects: each draws its parameters and applies them to a channel."""

from medaug.intensity.bias_field import BiasField
from medaug.intensity.blur import Blur
from medaug.intensity.chain import NONZERO, Change, Drawn, KeepRange, apply_changes
from medaug.intensity.channel import CURVE_POINTS, Channel
from medaug.intensity.contrast import Contrast
from medaug.intensity.effect import Distribution, IntensityEffect, Parameters
from medaug.intensity.facts import ImageFacts
from medaug.intensity.gamma import Gamma
from medaug.intensity.gaussian_noise import GaussianNoise
from medaug.intensity.low_resolution import LowResolution
from medaug.intensity.median import Median
from medaug.intensity.rician_noise import RicianNoise
from medaug.intensity.scale import IntensityScale
from medaug.intensity.sharpen import Sharpen
from medaug.intensity.thick_slices import ThickSlices

__all__ = [
    "CURVE_POINTS",
    "NONZERO",
    "BiasField",
    "Blur",
    "Change",
    "Channel",
    "Contrast",
    "Distribution",
    "Drawn",
    "Gamma",
    "GaussianNoise",
    "ImageFacts",
    "IntensityEffect",
    "IntensityScale",
    "KeepRange",
    "LowResolution",
    "Median",
    "Parameters",
    "RicianNoise",
    "Sharpen",
    "ThickSlices",
    "apply_changes",
]
