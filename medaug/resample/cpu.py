"""The CPU backend: one pass over the output, by the cheapest route that gives the exact result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from medaug import buffers
from medaug.geometry import AffineStage, Shape, Warp, WarpKind
from medaug.kernels import corners, tiles
from medaug.kernels.memory import READS_HALF
from medaug.kernels.rows import map_tile
from medaug.resample.box import Source, coefficients_of, voxels_of
from medaug.resample.chain import chain_of
from medaug.resample.grid import copy_grid
from medaug.resample.options import Sampling, check_shapes
from medaug.typing import AnyArray

_KERNELS = {
    "linear": tiles.linear_tile,
    "cubic": tiles.cubic_tile,
    "nearest": tiles.nearest_tile,
    "vote": tiles.vote_tile,
}
#: dtypes that the linear kernel reads as they are; of others it gets float32.
_READ_DIRECTLY = frozenset(np.dtype(t) for t in ("float32", "int16", "uint8", "uint16"))
_PADDING = {
    "constant": corners.CONSTANT,
    "border": corners.BORDER,
    "reflect": corners.REFLECT,
    "symmetric": corners.SYMMETRIC,
}
#: Planes and rows in a tile, and bytes of its coordinates. Neighbouring rows read the same cache
#: lines, so a tile is thick; its coordinates stay in the second-level cache until every array has
#: used them; and it is large, because threads wait for Python's lock between tiles.
_TILE_PLANES = 16
_TILE_ROWS = 512
_TILE_BYTES = 1 << 20

_Tile: TypeAlias = tuple[int, int, int, int]


class _Job(NamedTuple):
    """An array to read, how, and where to."""

    kernel: Callable[..., None]
    source: Source
    padding: int
    fill: Any
    out: AnyArray

    def run(self, xyz: AnyArray, tile: _Tile) -> None:
        self.kernel(*self.source, self.padding, self.fill, xyz, tile, self.out)


def resample_arrays(
    arrays: Sequence[AnyArray], warp: Warp, samplings: Sequence[Sampling], threads: int = 1
) -> list[AnyArray]:
    """Resample arrays that share a grid; where its voxels come from is worked out once for all.

    Memory beyond input and output is the coordinates of a tile a thread. ``cubic``, and an array
    that kernels cannot read as it is, take a copy of the part that the warp touches.

    Parameters
    ----------
    arrays : sequence of arrays [C, I, J, K]
        Of one spatial shape, no axis of it empty; any channels, strides and real dtypes.
    warp : Warp
        From output voxels to the voxels of the arrays.
    samplings : sequence of Sampling
        Interpolation and padding of each array.
    threads : int
        Parts of the output that run side by side.

    Returns
    -------
    list of arrays [C, *warp.output_shape]
        float32 for ``linear`` and ``cubic``, otherwise of the input's dtype. The input itself where
        the warp is the identity and the dtype stays.

    Raises
    ------
    ValueError
        If an array has not four axes or no voxels, or their spatial shapes differ.
    """
    check_shapes([array.shape for array in arrays])
    kind = warp.kind(arrays[0].shape[1:]) if arrays else WarpKind.IDENTITY
    results = [_moved(array, warp, kind, s) for array, s in zip(arrays, samplings, strict=True)]
    waiting = [n for n, result in enumerate(results) if result is None]
    long_warp, turned = _with_long_rows(warp)
    jobs = [_job(arrays[n], long_warp, samplings[n]) for n in waiting]
    if any(job.out.size for job in jobs):
        _run(jobs, long_warp, threads)
    for n, job in zip(waiting, jobs, strict=True):
        out = job.out.view(_dtype_of_result(arrays[n], samplings[n]))
        results[n] = np.moveaxis(out, 1, 3) if turned else out
    return [result for result in results if result is not None]


def resample_array(array: AnyArray, warp: Warp, sampling: Sampling, threads: int = 1) -> AnyArray:
    """Resample one array; see :func:`resample_arrays`."""
    return resample_arrays([array], warp, [sampling], threads)[0]


def _dtype_of_result(array: AnyArray, sampling: Sampling) -> npt.DTypeLike:
    return np.dtype(np.float32) if sampling.interpolates else array.dtype


def _moved(array: AnyArray, warp: Warp, kind: WarpKind, sampling: Sampling) -> AnyArray | None:
    """Return the result where no voxel has to be interpolated or invented, otherwise ``None``."""
    dtype = _dtype_of_result(array, sampling)
    match kind:
        case WarpKind.IDENTITY:
            return array.astype(dtype, copy=False)
        case WarpKind.GRID:
            return copy_grid(array, warp, sampling, dtype)
    return None


def _with_long_rows(warp: Warp) -> tuple[Warp, bool]:
    """Put the last axis of a single-slice output first: kernels work along the last one."""
    first, second, last = warp.output_shape
    if last > 1:
        return warp, False
    turn = AffineStage(np.eye(4)[[1, 2, 0, 3]])
    return Warp((last, first, second), (turn, *warp.stages)), True


def _job(array: AnyArray, warp: Warp, sampling: Sampling) -> _Job:
    kernel, padding_mode = _KERNELS[sampling.mode], sampling.padding_mode
    fill: Any
    if sampling.interpolates:
        fill, dtype = np.float32(sampling.padding_value), np.dtype(np.float32)
        if sampling.mode == "cubic":
            source = coefficients_of(array, warp, padding_mode)
        elif array.dtype == np.float16 and READS_HALF:
            kernel, bits = tiles.linear_half_tile, array.view(np.uint16)
            source = voxels_of(bits, bits.dtype, warp, padding_mode)
        else:
            readable = array.dtype if array.dtype in _READ_DIRECTLY else dtype
            source = voxels_of(array, readable, warp, padding_mode)
    else:
        # Labels are only copied and compared, so one kernel for each item size serves all dtypes.
        dtype = np.dtype(f"u{array.dtype.itemsize}")
        fill = np.array([sampling.padding_value]).astype(array.dtype).view(dtype)[0]
        source = voxels_of(array.view(dtype), dtype, warp, padding_mode)
    out = buffers.empty((len(array), *warp.output_shape), dtype)
    return _Job(kernel, source, _PADDING[padding_mode], fill, out)


def _run(jobs: Sequence[_Job], warp: Warp, threads: int) -> None:
    head, tail = chain_of(warp)
    rows, todo = _tiles(warp.output_shape)
    tiles_left = iter(todo)  # one for all threads: each takes the next tile

    def run_some() -> None:
        xyz = np.empty((rows, 3, warp.output_shape[2]), np.float32)
        for tile in tiles_left:
            map_tile(head, tail, tile, xyz)
            for job in jobs:
                job.run(xyz, tile)

    if threads == 1:
        run_some()
        return
    with ThreadPoolExecutor(threads - 1) as pool:
        helpers = [pool.submit(run_some) for _ in range(threads - 1)]
        run_some()
        for helper in helpers:
            helper.result()


def _tiles(shape: Shape) -> tuple[int, list[_Tile]]:
    """Return how many rows a tile has at most, and the tiles."""
    planes = min(_TILE_PLANES, shape[0])
    high = max(1, min(_TILE_ROWS, _TILE_BYTES // (shape[2] * 3 * 4)) // planes)
    high = min(high, shape[1])
    cut = [
        (i, min(i + planes, shape[0]), j, min(j + high, shape[1]))
        for i in range(0, shape[0], planes)
        for j in range(0, shape[1], high)
    ]
    return planes * high, cut
