"""nnU-Net's own transforms and medaug's, for the same settings, and samples for them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import yaml
from batchgeneratorsv2.transforms.spatial.mirroring import MirrorTransform
from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
from batchgeneratorsv2.transforms.utils.random import RandomTransform
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

from medaug.integrations.nnunet.trainer import nnUNetTrainerMedaug
from medaug.policy import policy_path

TURN, LEAN = math.pi, math.pi / 6


@dataclass(frozen=True)
class Setting:
    """What nnU-Net asks its trainer for, and the sample that its loader cuts out for that."""

    patch: tuple[int, ...] = (20, 24, 18)
    crop: tuple[int, ...] = (32, 34, 30)
    rotation: tuple[float, float] = (-LEAN, LEAN)
    scales: list[list[float]] | None = field(
        default_factory=lambda: [[1.0] * 3, [0.5] * 3, [0.25] * 3]
    )
    mirror_axes: tuple[int, ...] | None = (0, 1, 2)
    dummy_2d: bool = False
    others: dict[str, Any] = field(default_factory=dict)
    labels: tuple[int, ...] = (0, 1, 2, 3)

    def transforms(self, trainer: type = nnUNetTrainerMedaug) -> Any:
        """Return the training transforms of a trainer."""
        return trainer.get_training_transforms(
            self.patch,
            self.rotation,
            self.scales,
            self.mirror_axes,
            self.dummy_2d,
            **self.others,
        )

    def sample(self, seed: int = 0) -> dict[str, torch.Tensor]:
        """Return an image of two channels and blocks of labels; beyond the case they are -1."""
        rng = np.random.default_rng(seed)
        image = rng.standard_normal((2, *self.crop)).astype(np.float32)
        channels = 2 if self.others.get("is_cascaded") else 1
        blocks = rng.choice(self.labels, [channels, *(-(-n // 4) for n in self.crop)])
        label = blocks.astype(np.int16)
        for axis in range(1, label.ndim):
            label = label.repeat(4, axis)
        label = label[(slice(None), *map(slice, self.crop))].copy()
        label[..., : self.crop[-1] // 3] = -1
        return {"image": torch.from_numpy(image), "segmentation": torch.from_numpy(label)}


PLANE = {"patch": (40, 32), "crop": (58, 50), "rotation": (-TURN, TURN)}
CASCADE = {"is_cascaded": True, "foreground_labels": [1, 2, 3]}
SETTINGS = {
    "3d": Setting(),
    "3d without deep supervision": Setting(scales=None),
    "3d of odd sizes": Setting(crop=(33, 35, 31)),
    "dummy 2d": Setting(
        patch=(6, 32, 28),
        crop=(6, 50, 46),
        rotation=(-TURN, TURN),
        scales=[[1, 1, 1], [1, 0.5, 0.5]],
        dummy_2d=True,
    ),
    "2d": Setting(**PLANE, scales=[[1, 1], [0.5, 0.5]], mirror_axes=(0, 1)),
    "no mirrors": Setting(mirror_axes=None),
    "some mirrors": Setting(mirror_axes=(0, 2)),
    "normalised in a mask": Setting(others={"use_mask_for_norm": [False, True]}),
    "cascade": Setting(others=CASCADE),
    "2d cascade": Setting(**PLANE, scales=None, mirror_axes=(0, 1), others=CASCADE),
    "regions": Setting(others={"regions": [(1, 2, 3), (2, 3), 3]}),
    "ignore label": Setting(labels=(0, 1, 2, 3, 4), others={"ignore_label": 4}),
    "regions with an ignore label": Setting(
        labels=(0, 1, 2, 3, 4), others={"regions": [(1, 2, 3), (2, 3), 3], "ignore_label": 4}
    ),
    "regions of a cascade in a mask": Setting(
        others=CASCADE | {"regions": [(1, 2, 3), 3], "use_mask_for_norm": [True, True]}
    ),
}


def quiet_policy(**spatial: Any) -> str:
    """Return the text of the policy with all probabilities 0 but for what ``spatial`` says."""
    entries = yaml.safe_load(policy_path("nnunet").read_text(encoding="utf-8"))
    entries[0] |= {"rotate_prob": 0, "scale_prob": 0, "flip_prob": 0} | spatial
    for part in entries[1]["transforms"]:
        part["prob"] = 0
    return yaml.safe_dump(entries)


def without_augmentation(pipeline: Any) -> Any:
    """Set all probabilities of nnU-Net's transforms to 0."""
    for step in pipeline.transforms:
        if isinstance(step, RandomTransform):
            step.apply_probability = 0.0
        elif isinstance(step, SpatialTransform):
            step.p_rotation = step.p_scaling = 0.0
        elif isinstance(step, MirrorTransform):
            step.allowed_axes = ()
    return pipeline


def both(setting: Setting) -> list[Any]:
    """Return nnU-Net's transforms and medaug's."""
    return [setting.transforms(trainer) for trainer in (nnUNetTrainer, nnUNetTrainerMedaug)]


def targets(out: dict[str, Any]) -> list[torch.Tensor]:
    """Return the segmentations of all resolutions."""
    given = out["segmentation"]
    return given if isinstance(given, list) else [given]
