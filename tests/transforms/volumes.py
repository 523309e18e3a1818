"""Volumes that say of themselves where they come from, real ones, and how much two masks share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged

from medaug.typing import AnyArray, Matrix

KEYS = ["image", "label"]


def coordinates(shape=(20, 24, 28)) -> AnyArray:
    """An image whose voxels hold their own coordinates, float32 [rank, *shape]."""
    return np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij")).astype(np.float32)


def with_affine(image: AnyArray, affine: Matrix) -> MetaTensor:
    return MetaTensor(image, affine=torch.from_numpy(np.asarray(affine, np.float64)))


def oblique_affine() -> Matrix:
    """Axes permuted and turned, spacing 0.8, 1.2 and 2 mm, first world axis to the left."""
    turn, _ = np.linalg.qr([[0.1, -0.9, 0.2], [0.2, 0.1, 0.95], [0.9, 0.2, -0.1]])
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = turn * [0.8, 1.2, 2.0], [12.0, -30.0, 5.0]
    return affine


def hippocampus_paths(folder: Path, count: int = 1) -> list[dict[str, str]]:
    images = sorted((folder / "imagesTr").glob("hippocampus_*.nii.gz"))[:count]
    return [{"image": str(path), "label": str(folder / "labelsTr" / path.name)} for path in images]


def load(paths: dict[str, str]) -> dict:
    return Compose([LoadImaged(KEYS), EnsureChannelFirstd(KEYS)])(paths)


def dice(one: AnyArray, other: AnyArray, label: int) -> float:
    a, b = np.asarray(one) == label, np.asarray(other) == label
    return 2 * float((a & b).sum()) / float(a.sum() + b.sum())
