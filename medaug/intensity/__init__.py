"""Intensity effects: each draws its parameters and applies them to a channel."""

from medaug.intensity.bias_field import BiasField
from medaug.intensity.block_compression import BlockCompression
from medaug.intensity.blur import Blur
from medaug.intensity.chain import NONZERO, Change, Drawn, KeepRange, apply_changes
from medaug.intensity.channel import CURVE_POINTS, Channel
from medaug.intensity.clip import Clip
from medaug.intensity.contrast import Contrast
from medaug.intensity.cutout import CutOut, Fill
from medaug.intensity.effect import Distribution, IntensityEffect, Parameters
from medaug.intensity.facts import ImageFacts
from medaug.intensity.field_strength import FieldStrength
from medaug.intensity.gamma import Gamma
from medaug.intensity.gaussian_noise import GaussianNoise
from medaug.intensity.ghosting import Ghosting
from medaug.intensity.gibbs import Gibbs, GibbsWindow
from medaug.intensity.histogram_shift import HistogramShift
from medaug.intensity.impulses import Impulses
from medaug.intensity.low_resolution import LowResolution
from medaug.intensity.median import Median
from medaug.intensity.metal_streaks import MetalStreaks
from medaug.intensity.monotone_curve import MonotoneCurve
from medaug.intensity.motion import Motion
from medaug.intensity.nonlinear_curve import NonlinearCurve
from medaug.intensity.poisson_noise import PoissonNoise
from medaug.intensity.quantum_noise import QuantumNoise
from medaug.intensity.rician_noise import RicianNoise
from medaug.intensity.scale import IntensityScale
from medaug.intensity.sharpen import Sharpen
from medaug.intensity.shift import IntensityShift, ShiftUnit
from medaug.intensity.spikes import Spikes
from medaug.intensity.standardise import Standardise
from medaug.intensity.thick_slices import ThickSlices
from medaug.intensity.window import Window

__all__ = [
    "CURVE_POINTS",
    "NONZERO",
    "BiasField",
    "BlockCompression",
    "Blur",
    "Change",
    "Channel",
    "Clip",
    "Contrast",
    "CutOut",
    "Distribution",
    "Drawn",
    "FieldStrength",
    "Fill",
    "Gamma",
    "GaussianNoise",
    "Ghosting",
    "Gibbs",
    "GibbsWindow",
    "HistogramShift",
    "ImageFacts",
    "Impulses",
    "IntensityEffect",
    "IntensityScale",
    "IntensityShift",
    "KeepRange",
    "LowResolution",
    "Median",
    "MetalStreaks",
    "MonotoneCurve",
    "Motion",
    "NonlinearCurve",
    "Parameters",
    "PoissonNoise",
    "QuantumNoise",
    "RicianNoise",
    "Sharpen",
    "ShiftUnit",
    "Spikes",
    "Standardise",
    "ThickSlices",
    "Window",
    "apply_changes",
]
