"""The table of all drop-in classes: it drives the contract tests, and a missing one fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import monai.transforms

import medaug.compat.monai

IMAGE = "image"
BOTH = ["image", "label"]


@dataclass(frozen=True)
class DropIn:
    """A class, and arguments of MONAI's with which it changes any sample whenever it fires."""

    name: str
    arguments: Mapping[str, Any]
    #: It moves voxels, labels included, and does not just change intensities.
    moves_voxels: bool = False
    #: Spatial axes of the images that it takes.
    ranks: tuple[int, ...] = (2, 3)

    @property
    def cls(self) -> type:
        return getattr(medaug.compat.monai, self.name)

    @property
    def original(self) -> type:
        """MONAI's own class."""
        return getattr(monai.transforms, self.name)

    @property
    def aliases(self) -> list[str]:
        return [self.name.removesuffix("d") + ending for ending in ("D", "Dict")]

    def build(self, **changed: Any) -> Any:
        return self.cls(**{"prob": 1.0, **self.arguments, **changed})

    def build_original(self, **changed: Any) -> Any:
        return self.original(**{"prob": 1.0, **self.arguments, **changed})

    def config(self, **changed: Any) -> dict[str, Any]:
        """What a configuration says to build it."""
        target = f"medaug.compat.monai.{self.name}"
        return {"_target_": target, "prob": 1.0, **self.arguments, **changed}

    def __str__(self) -> str:
        return self.name


DROP_INS = [
    DropIn(
        "RandAffined",
        {
            "keys": BOTH,
            "rotate_range": [0.3, 0.2, 0.4],
            "shear_range": [0.05, 0.1],
            "translate_range": [1, [1, 2], 0.5],
            "scale_range": [0.1, 0.2, 0.1],
            "mode": ["bilinear", "nearest"],
        },
        moves_voxels=True,
    ),
    DropIn(
        "Rand3DElasticd",
        {
            "keys": BOTH,
            "sigma_range": [2, 3],
            "magnitude_range": [5, 10],
            "rotate_range": 0.3,
            "mode": ["bilinear", "nearest"],
        },
        moves_voxels=True,
        ranks=(3,),
    ),
    DropIn(
        "RandZoomd",
        {"keys": BOTH, "min_zoom": 0.7, "max_zoom": 0.85, "mode": ["area", "nearest-exact"]},
        moves_voxels=True,
    ),
    DropIn("RandFlipd", {"keys": BOTH, "spatial_axis": 0}, moves_voxels=True),
    DropIn("RandRotate90d", {"keys": BOTH, "max_k": 3}, moves_voxels=True),
    DropIn("RandGaussianNoised", {"keys": IMAGE}),
    DropIn("RandGaussianSmoothd", {"keys": IMAGE}),
    DropIn("RandAdjustContrastd", {"keys": IMAGE, "gamma": [1.5, 3.0]}),
    DropIn("RandScaleIntensityd", {"keys": IMAGE, "factors": 0.5}),
    DropIn("RandShiftIntensityd", {"keys": IMAGE, "offsets": [5, 20]}),
    DropIn("RandBiasFieldd", {"keys": IMAGE}),
    DropIn("RandRicianNoised", {"keys": IMAGE}),
    DropIn("RandSimulateLowResolutiond", {"keys": IMAGE, "zoom_range": [0.3, 0.8]}, ranks=(3,)),
    DropIn("RandGibbsNoised", {"keys": IMAGE, "alpha": [0.3, 0.8]}),
    DropIn("RandHistogramShiftd", {"keys": IMAGE}),
]
