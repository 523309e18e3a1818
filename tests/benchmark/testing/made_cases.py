"""Cases and networks that are known to the last voxel."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from medaug.benchmark.cases.case_set import Case
from medaug.benchmark.runtime import resolve_runtime
from medaug.benchmark.testing.inference import Segmenter

SPACING_MM = (1.0, 1.5, 2.0)


def box(shape: tuple[int, ...], start: tuple[int, ...], size: tuple[int, ...]) -> np.ndarray:
    """Return a mask of one box of voxels."""
    mask = np.zeros(shape, bool)
    mask[tuple(slice(first, first + n) for first, n in zip(start, size, strict=True))] = True
    return mask


def make_case(name: str = "a", label: np.ndarray | None = None, channels: int = 2) -> Case:
    """Return a case of noise in which class 1 is brighter than the rest and class 2 darker."""
    if label is None:
        label = np.zeros((24, 20, 18), np.uint8)
        label[5:15, 4:14, 4:12] = 1
        label[8:12, 7:11, 6:9] = 2
    noise = np.random.default_rng(len(name)).normal(0, 0.1, (channels, *label.shape))
    image = np.float32(noise + np.array([0.0, 2.0, -2.0])[label])
    image = (image - image.mean((1, 2, 3), keepdims=True)) / image.std((1, 2, 3), keepdims=True)
    return Case(name, image, label[np.newaxis].astype(np.uint8), SPACING_MM, name)


class ByBrightness(nn.Module):
    """Sees class 1 in what is bright and class 2 in what is dark, by the first channel."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        first = image[:, :1]
        return torch.cat([torch.ones_like(first), first, -first], dim=1) * 2


def make_segmenter(overlap: float = 0.0) -> Segmenter:
    return Segmenter((16, 16, 16), overlap, resolve_runtime("cpu", "32-true"))
