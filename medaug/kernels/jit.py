"""How every kernel is compiled and cached."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import njit
from numba.core import event

# nogil: threads and data loaders supply the parallelism, so a kernel itself stays serial.
# cache: a worker must not compile again what an earlier process has compiled.
# contract, reassoc: fused multiply-add and free order of the few terms of a sum. NaN and infinity
# keep their meaning, because voxels may hold them.
# forceinline: else a process that compiles inlines otherwise than one that loads callees from the
# cache, rounds otherwise, and a sample is not the same to the bit.
_compile = njit(
    nogil=True,
    cache=True,
    error_model="numpy",
    fastmath={"contract", "reassoc", "nsz", "arcp"},
    forceinline=True,
)

#: Changes whenever any kernel does. numba watches a kernel's own file only, and would keep machine
#: code into which an older version of another file has been inlined.
FINGERPRINT = hashlib.sha256(
    b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
).hexdigest()[:12]


def kernel(body: Callable[..., Any]) -> Callable[..., Any]:
    """Compile ``body`` on its first call, or load it from the cache of these very sources."""
    body.__qualname__ = f"{body.__qualname__}_{FINGERPRINT}"  # names the file in the cache
    compiled: Callable[..., Any] = _compile(body)
    return compiled


def cache_folder(compiled: Any) -> Path | None:
    """Return where the machine code of a kernel is kept; None where kernels are not compiled."""
    stats = getattr(compiled, "stats", None)
    return None if stats is None else Path(stats.cache_path)


class _Notice(event.Listener):
    """Says on the terminal, once a process, why a first call takes seconds.

    numba announces a compilation only where its cache has nothing to load.
    """

    def on_start(self, event_: Any) -> None:
        if event_.data["dispatcher"].py_func.__module__.startswith("medaug."):
            event.unregister("numba:compile", self)
            sys.stderr.write("medaug: compiling kernels, for the first use on this machine ...\n")

    def on_end(self, event_: Any) -> None:
        """Say nothing more."""


event.register("numba:compile", _Notice())
