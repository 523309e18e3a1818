"""How near the resampling of images comes to what the machine can do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from medaug.geometry import Warp
from medaug.resample import Sampling, resample_array
from medaug.rng import generator
from medaug.transforms import RandSpatiald
from speed.timing import time_in_turn
from speed.workload import ELASTIC_MM, ROTATE_DEGREES, SPACING_MM, Workload

#: Voxels along each axis of a volume that the first-level cache holds.
_TINY = 16


@dataclass(frozen=True)
class Floor:
    """Times of one workload, in nanoseconds a voxel and channel.

    Attributes
    ----------
    workload : Workload
    mode : str
    taken : float
        What medaug takes.
    loads : float
        What the same calls take where every load hits the first-level cache: the same kernel, the
        same 8 loads a voxel and channel (64 for cubic), out of a volume of 16 voxels an axis.
    bytes : float
        What it takes to copy as many bytes as must be moved at least: each input voxel that the
        warp reads once, each output voxel once.
    """

    workload: Workload
    mode: str
    taken: float
    loads: float
    bytes: float


def variants(base: Workload) -> Sequence[tuple[Workload, str]]:
    """Return the workloads to report: other dtypes, channels, sizes and a plane."""
    shape, channels = base.shape, base.channels
    half = tuple(n // 2 for n in base.patch)
    larger = tuple(n * 3 // 2 for n in base.patch)
    wide = tuple(max(n, m + m // 8) for n, m in zip(shape, larger, strict=True))
    plane = base.patch[0] * 4
    return [
        (base, "linear"),
        (Workload(shape, base.patch, channels, "int16"), "linear"),
        (Workload(shape, base.patch, channels, "float16"), "linear"),
        (Workload(shape, base.patch, 1), "linear"),
        (Workload(shape, half, channels), "linear"),
        (Workload(wide, larger, channels), "linear"),
        (Workload((plane * 5 // 4,) * 2, (plane, plane), channels), "linear"),
        (base, "cubic"),
    ]


def run(base: Workload, turns: int) -> list[Floor]:
    """Measure every variant."""
    return [_measured(workload, mode, turns) for workload, mode in variants(base)]


def _measured(workload: Workload, mode: Any, turns: int) -> Floor:
    image = workload.image()
    volume = image if image.ndim == 4 else image[..., None]
    warp = _warp(volume, workload)
    tiny = np.ascontiguousarray(volume[:, :_TINY, :_TINY, :_TINY])
    sampling = Sampling(mode, "border")
    calls: dict[str, Callable[[], Any]] = {
        "taken": lambda: resample_array(volume, warp, sampling),
        "loads": lambda: resample_array(tiny, warp, sampling),
        "bytes": _copy_of(_bytes_moved(volume, warp)),
    }
    nanoseconds = {
        timing.name: timing.milliseconds * 1e6 / workload.samples
        for timing in time_in_turn(calls, turns)
    }
    return Floor(workload, mode, **nanoseconds)


def _warp(volume: np.ndarray, workload: Workload) -> Warp:
    transform = RandSpatiald(
        "image",
        spatial_size=workload.patch,
        rotate_degrees=ROTATE_DEGREES,
        elastic_spacing_mm=SPACING_MM,
        elastic_std_mm=ELASTIC_MM,
    )
    sample = {"image": volume if len(workload.shape) == 3 else volume[..., 0]}
    return Warp.from_dict(transform.sample(sample, generator(0))["warp"])


def _bytes_moved(volume: np.ndarray, warp: Warp) -> int:
    """Return the bytes of the output, and of the input voxels that it reads."""
    read = int(abs(np.linalg.det(warp.affine_part()[:3, :3])) * np.prod(warp.output_shape))
    voxels = min(read, int(np.prod(volume.shape[1:])))
    return len(volume) * (voxels * volume.itemsize + int(np.prod(warp.output_shape)) * 4)


def _copy_of(moved: int) -> Callable[[], Any]:
    """Return a call that moves ``moved`` bytes: half of them read and half written afresh."""
    source = np.zeros(max(1, moved // 2), np.uint8)
    return source.copy
