"""The CPU backend: one pass over the output, by the cheapest route that gives the exact result."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import as_strided

from medaug.geometry import AffineStage, Warp, WarpKind
from medaug.kernels import corners, slabs
from medaug.resample.chain import chain_of
from medaug.resample.grid import copy_grid
from medaug.resample.options import Sampling
from medaug.typing import AnyArray

#: dtypes that the linear kernel reads as they are; others are converted to float32 first.
_READ_DIRECTLY = frozenset(np.dtype(t) for t in ("float32", "int16", "uint8", "uint16"))
_PADDING = {
    "constant": corners.CONSTANT,
    "border": corners.BORDER,
    "reflect": corners.REFLECT,
}

_Slab: TypeAlias = Callable[..., None]


def resample_array(array: AnyArray, warp: Warp, sampling: Sampling, threads: int = 1) -> AnyArray:
    """Resample one array.

    Parameters
    ----------
    array : array [C, I, J, K]
        Any strides, any real dtype.
    warp : Warp
        From output voxels to the voxels of ``array``.
    sampling : Sampling
        Interpolation and padding.
    threads : int
        Slabs of the output that run side by side.

    Returns
    -------
    array [C, *warp.output_shape]
        float32 for ``linear``, otherwise of the input's dtype. The input itself where the warp is
        the identity and the dtype stays.
    """
    dtype = np.dtype(np.float32) if sampling.mode == "linear" else array.dtype
    kind = warp.kind(array.shape[1:])
    if kind is WarpKind.IDENTITY:
        return array.astype(dtype, copy=False)
    if kind is WarpKind.GRID:
        copied = copy_grid(array, warp, sampling, dtype)
        if copied is not None:
            return copied
    warp, turned = _with_long_rows(warp)
    out = np.empty((array.shape[0], *warp.output_shape), dtype)
    if out.size:
        _run(array, warp, sampling, out, threads)
    return np.moveaxis(out, 1, 3) if turned else out


def _with_long_rows(warp: Warp) -> tuple[Warp, bool]:
    """Put the last axis of a single-slice output first: kernels work along the last one."""
    first, second, last = warp.output_shape
    if last > 1:
        return warp, False
    turn = AffineStage(np.eye(4)[[1, 2, 0, 3]])
    return Warp((last, first, second), (turn, *warp.stages)), True


def _run(array: AnyArray, warp: Warp, sampling: Sampling, out: AnyArray, threads: int) -> None:
    fill: Any
    if sampling.mode == "linear":
        readable = array.dtype in _READ_DIRECTLY and array.dtype.isnative
        source = array if readable else array.astype(np.float32)
        slab, target, fill = slabs.linear_slab, out, np.float32(sampling.padding_value)
    else:
        # Labels are only copied and compared, so one kernel for each item size serves all dtypes.
        bits = np.dtype(f"u{array.dtype.itemsize}")
        slab = slabs.nearest_slab if sampling.mode == "nearest" else slabs.vote_slab
        fill = np.array([sampling.padding_value]).astype(array.dtype).view(bits)[0]
        source, target = array.view(bits), out.view(bits)
    flat, strides = flat_memory(source)
    shape = np.array(source.shape[1:], np.int64)
    arguments = (flat, shape, strides, *chain_of(warp), _PADDING[sampling.padding_mode], fill)

    def run_slab(start: int, stop: int) -> None:
        slab(*arguments, target, start, stop)

    _in_slabs(run_slab, out.shape[1], threads)


def _in_slabs(run_slab: Callable[[int, int], None], size: int, threads: int) -> None:
    if threads <= 1 or size < threads:
        run_slab(0, size)
        return
    edges = np.linspace(0, size, threads + 1).astype(int)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run_slab, edges[:-1], edges[1:]))


def flat_memory(array: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Return the memory of ``array`` as a flat array that starts at its first element.

    Also its strides in elements, int64 [rank]. Copies only where a stride is negative or no
    multiple of the item size.
    """
    itemsize = array.itemsize
    if any(stride < 0 or stride % itemsize for stride in array.strides) or not array.flags.aligned:
        array = np.ascontiguousarray(array)
    strides = np.array(array.strides, np.int64) // itemsize
    span = 1 + int(np.sum((np.array(array.shape) - 1) * strides))
    flat = as_strided(array, shape=(span,), strides=(itemsize,), writeable=False)
    return flat, strides
