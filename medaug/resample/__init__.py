"""Runs a warp on arrays."""

from medaug.resample.cpu import resample_array, resample_arrays
from medaug.resample.options import Mode, PaddingMode, Sampling, check_choice
from medaug.resample.threads import get_num_threads, set_num_threads

__all__ = [
    "Mode",
    "PaddingMode",
    "Sampling",
    "check_choice",
    "get_num_threads",
    "resample_array",
    "resample_arrays",
    "set_num_threads",
]
