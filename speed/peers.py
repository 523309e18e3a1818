"""medaug against its peers, and against itself where a promise is about itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from medaug.geometry import AffineStage, Warp, affine_about, affine_rotation, affine_translation
from medaug.resample import Sampling, resample_array, set_num_threads
from speed import contestants
from speed.duels import Duel, Outcome, run_duels
from speed.workload import Workload


def run(workload: Workload, turns: int) -> list[Outcome]:
    """Run every duel whose peer is installed."""
    return run_duels(DUELS, workload, turns)


def _against_batchgenerators(elastic: bool, label: str, theirs: str) -> Any:
    return lambda workload: (
        contestants.medaug(workload, elastic=elastic, label=label),
        contestants.batchgenerators(workload, elastic=elastic, label=theirs),
    )


def _leaving_rows(workload: Workload) -> tuple[contestants.Call, contestants.Call]:
    """Return a rotated patch well inside a large volume, and the same of a volume hardly larger."""
    size = min(64, *workload.patch)
    image = workload.image()
    around = [(n - size - 2) // 2 for n in workload.shape]
    small = np.ascontiguousarray(image[(slice(None), *(slice(a, a + size + 2) for a in around))])

    def rotated(array: np.ndarray) -> contestants.Call:
        centre = (np.array(array.shape[1:]) - 1) / 2
        turn = affine_about(affine_rotation([ROTATED_DEGREES] * 3), centre)
        start = affine_translation(centre - (size - 1) / 2)
        warp = Warp((size, size, size), (AffineStage(turn @ start),))
        return lambda: resample_array(array, warp, Sampling())

    return rotated(image), rotated(small)


def _two_threads(workload: Workload) -> tuple[contestants.Call, contestants.Call]:
    """Return the same augmentation, from one record, with two threads and with one."""
    replay = contestants.medaug_replay(workload)

    def with_threads(count: int) -> Any:
        set_num_threads(count)
        try:
            return replay()
        finally:
            set_num_threads(1)

    return lambda: with_threads(2), lambda: with_threads(1)


def _as_cached(workload: Workload) -> tuple[contestants.Call, contestants.Call]:
    """Return the same warp of a volume as the training cache keeps it, and as MONAI loads it."""
    image = workload.image()
    beside = np.ascontiguousarray(np.moveaxis(image.astype(np.float16), 0, -1))
    cached = torch.from_numpy(beside).permute(-1, *range(image.ndim - 1))
    return (
        contestants.medaug_replay(workload, image=cached),
        contestants.medaug_replay(workload, image=torch.from_numpy(image)),
    )


def _nothing_fired(workload: Workload) -> tuple[contestants.Call, contestants.Call]:
    """Return a bare copy of the crop, and a transform that does not fire."""
    image, label = workload.image(), workload.label()
    starts = [n // 2 - m // 2 for n, m in zip(workload.shape, workload.patch, strict=True)]
    crop = tuple(slice(s, s + m) for s, m in zip(starts, workload.patch, strict=True))

    def copy_crop() -> list[np.ndarray]:
        return [array[(slice(None), *crop)].copy() for array in (image, label)]

    idle = contestants.medaug(workload, elastic=True, label="nearest", prob=0.0)
    return copy_crop, idle


ROTATED_DEGREES = 20.0
_ELASTIC = "affine + elastic, label nearest"

DUELS: Sequence[Duel] = (
    Duel(
        _ELASTIC,
        "medaug",
        "batchgeneratorsv2, label nearest",
        _against_batchgenerators(True, "nearest", "nearest"),
        15,
        turns=3,
    ),
    Duel(
        _ELASTIC,
        "medaug",
        "MONAI Rand3DElasticd",
        lambda w: (
            contestants.medaug(w, elastic=True, label="nearest"),
            contestants.monai_elastic(w),
        ),
        40,
        turns=0.4,
    ),
    Duel(
        _ELASTIC,
        "medaug",
        "TorchIO affine, elastic, crop",
        lambda w: (
            contestants.medaug(w, elastic=True, label="nearest"),
            contestants.torchio_elastic(w),
        ),
        200,
        turns=0.2,
    ),
    Duel(
        "affine + elastic, label vote",
        "medaug",
        "batchgeneratorsv2, label linear",
        _against_batchgenerators(True, "vote", "bilinear"),
        15,
        turns=3,
    ),
    Duel(
        "affine, label nearest",
        "medaug",
        "batchgeneratorsv2, label nearest",
        _against_batchgenerators(False, "nearest", "nearest"),
        5,
        turns=3,
    ),
    Duel(
        "affine, label vote",
        "medaug",
        "batchgeneratorsv2, label linear",
        _against_batchgenerators(False, "vote", "bilinear"),
        8,
        turns=3,
    ),
    Duel(
        "64^3, rotated: rows that leave the volume",
        "well inside",
        "out of 4 x 66^3",
        _leaving_rows,
        1.5,
        at_least=False,
    ),
    Duel(_ELASTIC, "2 threads", "1 thread", _two_threads, 1.6, cores=2),
    Duel(
        _ELASTIC,
        "float16, channels side by side",
        "float32, channel by channel",
        _as_cached,
        1.2,
        turns=3,
    ),
    Duel("nothing fired", "a copy of the crop", "medaug", _nothing_fired, 1.5, at_least=False),
)
