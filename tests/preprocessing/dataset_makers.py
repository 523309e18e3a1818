"""Small folders of real NIfTI files in the nnU-Net layout, for the tests of the survey."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from medaug.io.volume import write_volume

SHAPE = (12, 14, 10)
LABELS = {"background": 0, "organ": 1, "lesion": 2}


def ramp(scale: float = 1.0, shape: tuple[int, ...] = SHAPE) -> Any:
    """Voxels 0, 1, 2, ... times `scale`, of which no two are equal."""
    return (np.arange(np.prod(shape)).reshape(shape) * scale).astype(np.float32)


def cube(*values: int, shape: tuple[int, ...] = SHAPE) -> Any:
    """A label with 8 voxels of each value, the rest background."""
    label = np.zeros(shape, np.uint8)
    for n, value in enumerate(values):
        label[2:4, 2 + 2 * n : 4 + 2 * n, 2:4] = value
    return label


def write_case(
    root: Path, name: str, channels: Sequence[Any], label: Any | None, affine: Any = None
) -> None:
    """Write the files of a case of the training set."""
    affine = np.eye(4) if affine is None else affine
    for folder in ("imagesTr", "labelsTr"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for n, values in enumerate(channels):
        write_volume(root / "imagesTr" / f"{name}_{n:04d}.nii.gz", values, affine)
    if label is not None:
        write_volume(root / "labelsTr" / f"{name}.nii.gz", label, affine)


def write_listing(
    root: Path, channels: Sequence[str] = ("T1",), labels: Mapping[str, int] = LABELS
) -> None:
    """Write ``dataset.json``."""
    listing = {
        "name": "made",
        "channel_names": {str(n): name for n, name in enumerate(channels)},
        "labels": dict(labels),
        "file_ending": ".nii.gz",
    }
    (root / "dataset.json").write_text(json.dumps(listing))


def write_dataset(root: Path, n_cases: int = 3) -> None:
    """Write a data set in order, whose images differ."""
    root.mkdir(exist_ok=True)
    write_listing(root)
    for n in range(n_cases):
        write_case(root, f"case_{n}", [ramp(1 + n / 10)], cube(1, 2))
