"""How every kernel is compiled."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from numba import njit

# nogil: threads and data loaders supply the parallelism, so a kernel itself stays serial.
# cache: a worker must not compile again what an earlier process has compiled.
# contract, reassoc: fused multiply-add and free order of the few terms of a sum. NaN and infinity
# keep their meaning, because voxels may hold them.
kernel = njit(
    nogil=True, cache=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz", "arcp"}
)


def _refresh_entry_points() -> None:
    """Make stale machine code invalid when a kernel has changed, after an upgrade for instance.

    numba judges the age of cached code by the file of the entry point alone, so that file must
    never look older than the kernels it calls. An installation that cannot be written is left
    as it is: it was written at once.
    """
    folder = Path(__file__).parent
    newest = max(path.stat().st_mtime_ns for path in folder.glob("*.py"))
    if (folder / "slabs.py").stat().st_mtime_ns < newest:
        with contextlib.suppress(OSError):
            os.utime(folder / "slabs.py", ns=(newest, newest))


_refresh_entry_points()
