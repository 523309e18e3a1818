"""Joint affine, elastic and crop of a volume and its label, against the peers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch

from medaug.transforms import RandSpatiald

KEYS = ["image", "label"]
ROTATE_DEGREES, SCALE, ELASTIC_MM, SPACING_MM = 30.0, (0.7, 1.4), 2.0, 32.0


@dataclass(frozen=True)
class Workload:
    """A random volume and a label of blocks, and the patch to make of them.

    Attributes
    ----------
    shape, patch : tuple of 3 ints
    channels : int
    """

    shape: tuple[int, int, int] = (155, 240, 240)
    patch: tuple[int, int, int] = (128, 128, 128)
    channels: int = 4

    @property
    def title(self) -> str:
        """The workload in a few words."""
        volume = " x ".join(map(str, (self.channels, *self.shape)))
        return f"{volume} float32 + uint8 label -> {' x '.join(map(str, self.patch))}"

    def sample(self) -> dict[str, torch.Tensor]:
        """Return the volume [C, I, J, K] and the label [1, I, J, K]."""
        rng = np.random.default_rng(0)
        image = rng.random((self.channels, *self.shape), np.float32)
        coarse = rng.integers(0, 4, [-(-n // 8) for n in self.shape]).astype(np.uint8)
        label = coarse.repeat(8, 0).repeat(8, 1).repeat(8, 2)[tuple(map(slice, self.shape))]
        return {"image": torch.from_numpy(image), "label": torch.from_numpy(label[None].copy())}


QUICK = Workload(shape=(24, 28, 26), patch=(16, 16, 16), channels=2)


@dataclass(frozen=True)
class Goal:
    """How many times medaug's time a peer should take, at least."""

    peer: str
    ratio: float


#: Affine and elastic with the label nearest.
GOALS = (
    Goal("batchgeneratorsv2 SpatialTransform, affine + elastic", 10.0),
    Goal("MONAI Rand3DElasticd", 25.0),
)


def contestants(workload: Workload) -> Mapping[str, Callable[[], Any]]:
    """Return ready calls by name, medaug's first; peers that are not installed are left out."""
    sample = workload.sample()
    calls = {"medaug RandSpatiald, affine + elastic": _medaug(workload, sample)}
    if find_spec("batchgeneratorsv2"):
        calls[GOALS[0].peer] = _batchgenerators(workload, sample)
    calls[GOALS[1].peer] = _monai_elastic(workload, sample)
    return calls


def _medaug(workload: Workload, sample: dict[str, torch.Tensor]) -> Callable[[], Any]:
    transform = RandSpatiald(
        KEYS,
        spatial_size=workload.patch,
        rotate_degrees=ROTATE_DEGREES,
        scale=SCALE,
        elastic_spacing_mm=SPACING_MM,
        elastic_std_mm=ELASTIC_MM,
        mode=("linear", "nearest"),
    ).set_random_state(seed=0)
    return lambda: transform(sample)


def _batchgenerators(workload: Workload, sample: dict[str, torch.Tensor]) -> Callable[[], Any]:
    from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform

    transform = SpatialTransform(
        workload.patch,
        patch_center_dist_from_border=0,
        random_crop=False,
        p_elastic_deform=1,
        elastic_deform_scale=(SPACING_MM / workload.patch[0],) * 2,
        elastic_deform_magnitude=(ELASTIC_MM, ELASTIC_MM),
        p_rotation=1,
        rotation=(-np.deg2rad(ROTATE_DEGREES), np.deg2rad(ROTATE_DEGREES)),
        p_scaling=1,
        scaling=SCALE,
        mode_seg="nearest",
    )
    label = sample["label"].to(torch.int16)  # what nnU-Net hands it
    return lambda: transform(image=sample["image"], segmentation=label)


def _monai_elastic(workload: Workload, sample: dict[str, torch.Tensor]) -> Callable[[], Any]:
    from monai.transforms import Rand3DElasticd

    transform = Rand3DElasticd(
        KEYS,
        sigma_range=(8, 8),
        magnitude_range=(200, 200),
        prob=1.0,
        spatial_size=workload.patch,
        rotate_range=(np.deg2rad(ROTATE_DEGREES),) * 3,
        scale_range=(0.3,) * 3,
        mode=("bilinear", "nearest"),
        padding_mode="zeros",
    ).set_random_state(seed=0)
    return lambda: transform(sample)
