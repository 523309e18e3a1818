"""Runs a warp on arrays."""

from medaug.resample.cpu import resample_array
from medaug.resample.options import Mode, PaddingMode, Sampling, check_choice

__all__ = ["Mode", "PaddingMode", "Sampling", "check_choice", "resample_array"]
