"""Memory for large results, used again once a result is gone.

An allocator gives memory of such a size back to the system at once, and the system hands it out
anew page by page, zeroed, which takes as long as many an effect. So what becomes free is kept for
the next sample: in a data loader that is the usual size of a result, and two of them at most.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Any

import numpy as np
import numpy.typing as npt

from medaug.typing import AnyArray

#: A line of the cache. Pieces begin on such a boundary, so that lines can be written whole.
LINE_BYTES = 64
#: Below, the allocator keeps memory by itself.
_LEAST_BYTES = 1 << 20
#: Free pieces that are kept, and how much of a piece a smaller result may waste.
_KEPT = 2
_WASTE = 1.25

_free: deque[AnyArray] = deque()


class _Lease:
    """Owns a piece of memory as long as any array or tensor looks at it."""

    def __init__(self, memory: AnyArray, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._memory = memory
        self.__array_interface__ = {
            "version": 3,
            "data": (memory.ctypes.data, False),
            "shape": shape,
            "typestr": dtype.str,
        }

    def __del__(self) -> None:
        if _free is None:  # the interpreter is ending, and has cleared the module
            return
        _free.append(self._memory)
        while len(_free) > _KEPT:
            _free.popleft()


def empty(shape: tuple[int, ...], dtype: npt.DTypeLike) -> AnyArray:
    """Return an array that is not initialised, as ``numpy.empty`` does."""
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    if size < _LEAST_BYTES:
        return np.empty(shape, dtype)
    return np.asarray(_Lease(_take(size), shape, dtype))


def release() -> None:
    """Give the system back what is kept."""
    _free.clear()


def _take(size: int) -> AnyArray:
    """Return a free piece of about ``size`` bytes, or a new one."""
    for _ in range(_KEPT):
        try:
            memory = _free.popleft()  # other threads take pieces, too
        except IndexError:
            break
        if size <= memory.nbytes <= _WASTE * size:
            return memory
        _free.append(memory)
    memory = np.empty(size + LINE_BYTES, np.uint8)
    start = -memory.ctypes.data % LINE_BYTES
    return memory[start : start + size]
