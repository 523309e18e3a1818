"""Intensity effects: each draws its parameters and applies them to voxels."""

from medaug.intensity.effect import ImageFacts, IntensityEffect, Parameters
from medaug.intensity.gamma import Gamma
from medaug.intensity.noise import Noise
from medaug.intensity.scale import IntensityScale

__all__ = ["Gamma", "ImageFacts", "IntensityEffect", "IntensityScale", "Noise", "Parameters"]
