"""Intensity effects whose meaning is MONAI's and none of medaug's own, one a file."""

from medaug.compat.monai.effects.convolution_in_zeros import Approximation, ConvolutionInZeros
from medaug.compat.monai.effects.kspace_ball import KSpaceBall
from medaug.compat.monai.effects.legendre_field import LegendreField
from medaug.compat.monai.effects.magnitude_noise import ForChannels, MagnitudeNoise
from medaug.compat.monai.effects.relative_scale import RelativeScale
from medaug.compat.monai.effects.zoom_out_and_in import InterpolationMode, ZoomOutAndIn

__all__ = [
    "Approximation",
    "ConvolutionInZeros",
    "ForChannels",
    "InterpolationMode",
    "KSpaceBall",
    "LegendreField",
    "MagnitudeNoise",
    "RelativeScale",
    "ZoomOutAndIn",
]
