"""Where the compiled kernels are kept between processes."""

from __future__ import annotations

import os
from dataclasses import dataclass

from medaug.kernels.corners import axis_corners
from medaug.kernels.jit import FINGERPRINT, cache_folder

#: What numba keeps: an index for each kernel, and the machine code for each set of dtypes.
_SUFFIXES = (".nbi", ".nbc")


@dataclass(frozen=True)
class KernelCache:
    """The folder in which numba keeps machine code.

    Attributes
    ----------
    folder : str
    writable : bool
        Where it is not, each process compiles anew.
    files : int
        Those of the kernels of this very version.
    megabytes : float
        Their size.
    outdated_files : int
        Those of other versions. Nothing reads them any more: they may be deleted.
    """

    folder: str
    writable: bool
    files: int
    megabytes: float
    outdated_files: int


def kernel_cache() -> KernelCache | None:
    """Look at the cache of the kernels; None where they are not compiled (NUMBA_DISABLE_JIT)."""
    folder = cache_folder(axis_corners)
    if folder is None:
        return None
    there = [file for file in folder.glob("*") if file.suffix in _SUFFIXES]
    current = [file for file in there if FINGERPRINT in file.name]
    return KernelCache(
        folder=str(folder),
        writable=os.access(folder, os.W_OK),
        files=len(current),
        megabytes=round(sum(file.stat().st_size for file in current) / 1e6, 1),
        outdated_files=len(there) - len(current),
    )
