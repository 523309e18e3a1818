"""Loaders of training samples, medaug's and its peers', each over what it has prepared.

``python -m speed.loaders NAME FOLDER WORKERS SAMPLES PATCH`` runs one by itself and prints, as
JSON, how long the samples took and the most memory that its processes had of their own.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import RandomSampler

from speed.workload import ELASTIC_MM, KEYS, ROTATE_DEGREES, SCALE, SPACING_MM

BATCH_SIZE = 2
#: Share of the patches that are cut out about a class, as in nnU-Net.
FOREGROUND = 1 / 3
_RADIANS = float(np.deg2rad(ROTATE_DEGREES))
#: How often memory is looked at. The system stops a process meanwhile, so it must not be often.
_PERIOD_SECONDS = 1.0


def medaug(folder: Path, workers: int, patch: int) -> Iterable[Any]:
    """Return the loader of medaug: crop, affine and elastic in one pass over a mapped file."""
    from monai.data import Dataset

    from medaug.data import CachedCases
    from medaug.transforms import Fused, RandCropd, RandSpatiald

    modes = ("linear", "nearest")
    augment = Fused(
        [
            RandCropd(KEYS, patch, method="foreground", class_ratios=_ratios(), mode=modes),
            RandSpatiald(
                KEYS,
                rotate_degrees=ROTATE_DEGREES,
                scale=SCALE,
                elastic_spacing_mm=SPACING_MM,
                elastic_std_mm=ELASTIC_MM,
                mode=modes,
            ),
        ]
    )
    dataset = Dataset(CachedCases(folder / "raw" / "Dataset101_Speed" / "cache"), augment)
    return _batches(dataset, workers)


def _ratios() -> dict[int, float]:
    """Return what makes every third patch one about a class."""
    return {0: 1 - FOREGROUND, 1: FOREGROUND / 3, 2: FOREGROUND / 3, 3: FOREGROUND / 3}


def monai_persistent(folder: Path, workers: int, patch: int) -> Iterable[Any]:
    """Return MONAI's loader over what ``PersistentDataset`` keeps on the disk."""
    from monai.data import PersistentDataset

    dataset = PersistentDataset(_listing(folder), _monai_steps(patch), cache_dir=folder / "monai")
    for index in range(len(dataset)):
        dataset[index]  # fills the cache
    return _batches(dataset, workers)


def monai_cache(folder: Path, workers: int, patch: int) -> Iterable[Any]:
    """Return MONAI's loader over what ``CacheDataset`` keeps in memory."""
    from monai.data import CacheDataset

    dataset = CacheDataset(_listing(folder), _monai_steps(patch), progress=False)
    return _batches(dataset, workers)


def _listing(folder: Path) -> list[dict[str, Any]]:
    from monai.data import load_decathlon_datalist

    listing = folder / "raw" / "Dataset101_Speed" / "dataset.json"
    cases: list[dict[str, Any]] = load_decathlon_datalist(str(listing), True, "training")
    return cases


def _monai_steps(patch: int) -> Any:
    """Return the same work in MONAI: a crop with room for the rotation, affine and elastic."""
    from monai.transforms import (
        Compose,
        EnsureChannelFirstd,
        LoadImaged,
        Rand3DElasticd,
        RandCropByLabelClassesd,
    )

    room = int(np.ceil(patch * 1.25))
    return Compose(
        [
            LoadImaged(KEYS),
            EnsureChannelFirstd(KEYS),
            RandCropByLabelClassesd(
                KEYS,
                "label",
                (room,) * 3,
                ratios=list(_ratios().values()),
                num_classes=4,
                num_samples=1,
                allow_smaller=True,
                warn=False,
            ),
            Rand3DElasticd(
                KEYS,
                sigma_range=(8, 8),
                magnitude_range=(200, 200),
                prob=1.0,
                spatial_size=(patch,) * 3,
                rotate_range=(_RADIANS,) * 3,
                scale_range=(0.3,) * 3,
                mode=("bilinear", "nearest"),
                padding_mode="zeros",
            ),
        ]
    )


def nnunet(folder: Path, workers: int, patch: int) -> Iterable[Any]:
    """Return nnU-Net's own loader over its own preprocessed files."""
    from batchgenerators.dataloading.nondet_multi_threaded_augmenter import (
        NonDetMultiThreadedAugmenter,
    )
    from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
    from nnunetv2.training.data_augmentation.compute_initial_patch_size import get_patch_size
    from nnunetv2.training.dataloading.data_loader import nnUNetDataLoader
    from nnunetv2.training.dataloading.nnunet_dataset import nnUNetDatasetBlosc2
    from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

    home = folder / "preprocessed" / "Dataset101_Speed"
    plans = PlansManager(str(home / "nnUNetPlans.json"))
    labels = plans.get_label_manager(json.loads((home / "dataset.json").read_text()))
    size = (patch,) * 3
    transform = SpatialTransform(
        size,
        patch_center_dist_from_border=0,
        random_crop=False,
        p_elastic_deform=1,
        elastic_deform_scale=(SPACING_MM / patch,) * 2,
        elastic_deform_magnitude=(ELASTIC_MM, ELASTIC_MM),
        p_rotation=1,
        rotation=(-_RADIANS, _RADIANS),
        p_scaling=1,
        scaling=SCALE,
        mode_seg="nearest",
    )
    loader = nnUNetDataLoader(
        nnUNetDatasetBlosc2(str(home / "nnUNetPlans_3d_fullres")),
        BATCH_SIZE,
        get_patch_size(size, *[(-_RADIANS, _RADIANS)] * 3, SCALE),
        size,
        labels,
        FOREGROUND,
        probabilistic_oversampling=True,
        transforms=transform,
    )
    batches: Iterable[Any] = NonDetMultiThreadedAugmenter(
        loader, None, workers, num_cached=max(6, workers // 2), pin_memory=False, wait_time=0.002
    )
    return batches


LOADERS: dict[str, Callable[[Path, int, int], Iterable[Any]]] = {
    "medaug": medaug,
    "monai_persistent": monai_persistent,
    "monai_cache": monai_cache,
    "nnunet": nnunet,
}


def _batches(dataset: Any, workers: int) -> Iterable[Any]:
    """Return batches of random cases, more than anybody asks for: an epoch never ends."""
    from monai.data import DataLoader

    sampler = RandomSampler(dataset, replacement=True, num_samples=1_000_000)
    return DataLoader(dataset, batch_size=BATCH_SIZE, sampler=sampler, num_workers=workers)


@contextmanager
def _most_memory() -> Iterator[list[int]]:
    """Watch what this process and its children have that the system cannot take back."""
    most, done = [0], threading.Event()

    def watch() -> None:
        ended = False
        while not ended:
            most[0] = max(most[0], sum(map(_own_bytes, _family())))
            ended = done.wait(_PERIOD_SECONDS)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield most
    finally:
        done.set()
        watcher.join()


def _family() -> list[int]:
    """Return this process and all processes below it."""
    family = [os.getpid()]
    for process in family:  # grows meanwhile
        for children in Path(f"/proc/{process}/task").glob("*/children"):
            try:
                family += map(int, children.read_text().split())
            except OSError:  # it has ended
                continue
    return family


def _own_bytes(process: int) -> int:
    """Return memory that is in no file: what is shared counts in parts."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    kinds = ("Pss_Anon:", "Pss_Shmem:")
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith(kinds))


def main() -> None:
    """Run one loader and print what it took."""
    name, folder, workers, samples, patch = sys.argv[1:]
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    batches = iter(LOADERS[name](Path(folder), int(workers), int(patch)))
    with _most_memory() as most:
        for _ in range(int(workers) + 1):  # processes start, kernels are loaded
            next(batches)
        start = time.perf_counter()
        for _ in range(-(-int(samples) // BATCH_SIZE)):
            next(batches)
        seconds = time.perf_counter() - start
    taken = -(-int(samples) // BATCH_SIZE) * BATCH_SIZE
    print(json.dumps({"samples": taken, "seconds": seconds, "bytes": most[0]}), flush=True)
    for process in _family()[:0:-1]:  # nnU-Net's processes would wait for each other
        os.kill(process, signal.SIGKILL)
    os._exit(0)


if __name__ == "__main__":
    main()
