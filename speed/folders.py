"""Whole folders: medaug's preprocessing against the same steps in MONAI, in time and in result."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from medaug.io.cases import CaseFiles, ScanFiles
from medaug.io.layouts import find_dataset
from medaug.io.resampling import resample_image, resample_label
from medaug.io.scan import read_image, read_label, read_scan
from medaug.io.volume import Volume
from medaug.preprocessing.config import load_config
from medaug.preprocessing.preprocess import preprocess
from medaug.resources import configs_dir
from medaug.typing import AnyArray
from speed.timing import use_cores

#: Folders of the real scans and the spacing that they get.
FOLDERS = {"Task04_Hippocampus": 1.0, "BraTS2018": 2.0}
KEYS = ["image", "label"]


@dataclass(frozen=True)
class FolderRun:
    """What became of a folder.

    Attributes
    ----------
    folder : str
    cases : int
    spacing_mm : float
    seconds, monai_seconds : float
        On one core, files written. medaug also checks all of them before it begins.
    two_workers_seconds : float
        medaug on two cores.
    correlation : float
        Of the voxels of both images on the grid of the scan, inside of the foreground; the mean
        over cases and channels.
    dice, monai_dice : float
        Mean over classes and cases of what the labels there and back have in common with the
        original.
    """

    folder: str
    cases: int
    spacing_mm: float
    seconds: float
    monai_seconds: float
    two_workers_seconds: float
    correlation: float
    dice: float
    monai_dice: float


def run(source: Path) -> list[FolderRun]:
    """Preprocess each folder of real scans that is there, with both."""
    present = [name for name in FOLDERS if (source / name).is_dir()]
    return [_run(source / name, FOLDERS[name]) for name in present]


def _run(source: Path, spacing_mm: float) -> FolderRun:
    config = load_config(
        configs_dir() / "preprocessing" / "monai.yaml", spacing_mm=[spacing_mm] * 3
    )
    cases = find_dataset(source).cases
    with tempfile.TemporaryDirectory() as name:
        ours, theirs, twice = (Path(name) / part for part in ("medaug", "monai", "two"))
        use_cores(1)
        seconds = _seconds(lambda: preprocess(source, ours, config, workers=1))
        monai_seconds = _seconds(lambda: _monai(cases, theirs, spacing_mm))
        use_cores(2)
        two = _seconds(lambda: preprocess(source, twice, config, workers=2))
        use_cores(1)
        written = {case.name: case for case in find_dataset(ours).cases}
        likeness = np.array([_likeness(case, written[case.name], theirs) for case in cases])
    correlation, dice, monai_dice = np.nanmean(likeness, axis=0).tolist()
    return FolderRun(
        source.name,
        len(cases),
        spacing_mm,
        seconds,
        monai_seconds,
        two,
        correlation,
        dice,
        monai_dice,
    )


def _seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _monai(cases: tuple[CaseFiles, ...], out: Path, spacing_mm: float) -> None:
    from monai.transforms import (
        Compose,
        CropForegroundd,
        EnsureChannelFirstd,
        LoadImaged,
        NormalizeIntensityd,
        Orientationd,
        SaveImaged,
        Spacingd,
    )

    steps = Compose(
        [
            LoadImaged(KEYS),
            EnsureChannelFirstd(KEYS),
            Orientationd(KEYS, axcodes="RAS", labels=None),
            Spacingd(KEYS, pixdim=[spacing_mm] * 3, mode=("bilinear", "nearest")),
            CropForegroundd(KEYS, source_key="image", allow_smaller=True),
            NormalizeIntensityd("image", nonzero=True, channel_wise=True),
        ]
    )
    save = {"separate_folder": False, "resample": False, "print_log": False}
    images = SaveImaged("image", output_dir=out / "images", output_postfix="", **save)
    labels = SaveImaged("label", output_dir=out / "labels", output_postfix="", **save)
    for case in cases:
        assert case.label is not None
        files = [scan.path for scan in case.images]
        sample = steps({"image": files if len(files) > 1 else files[0], "label": case.label.path})
        for key in KEYS:
            sample[key].meta["filename_or_obj"] = f"{case.name}.nii.gz"
        labels(images(sample))


def _likeness(case: CaseFiles, ours: CaseFiles, theirs: Path) -> tuple[float, float, float]:
    """Return the correlation of both images, and the Dice of either label with the original's."""
    scan = read_image(case)
    truth = read_label(case, scan)
    name = f"{case.name}.nii.gz"
    own, other = read_image(ours), read_scan(ScanFiles(theirs / "images" / name))
    labels = [read_label(ours, own), read_scan(ScanFiles(theirs / "labels" / name))]
    inside = (scan.data > scan.data.min(axis=(1, 2, 3), keepdims=True)).all(axis=0)
    correlations = [
        np.corrcoef(ours[inside], theirs[inside])[0, 1]
        for ours, theirs in zip(_on_grid(own, scan), _on_grid(other, scan), strict=True)
    ]
    dice = [_dice(label, truth) for label in labels]
    return float(np.mean(correlations)), dice[0], dice[1]


def _on_grid(image: Volume, scan: Volume) -> AnyArray:
    back = resample_image(image, scan.data.shape[1:], scan.affine, interpolation="linear")
    return back.data


def _dice(label: Volume, truth: Volume) -> float:
    whole = Volume(label.data.astype(truth.data.dtype), label.affine)
    back = resample_label(whole, truth.data.shape[1:], truth.affine).data
    values = np.setdiff1d(np.unique(truth.data), 0)
    return float(
        np.mean(
            [
                2
                * ((back == value) & (truth.data == value)).sum()
                / ((back == value).sum() + (truth.data == value).sum())
                for value in values
            ]
        )
    )
