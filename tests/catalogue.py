"""The table of all transforms: it drives the contract tests, and a missing one fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Row:
    """A transform, arguments that make it do something, and what may be expected of it."""

    name: str
    arguments: Mapping[str, Any]
    #: Keyword arguments that make a transform that fires change nothing.
    identity: Mapping[str, Any] = field(default_factory=dict)
    moves_voxels: bool = False

    @property
    def target(self) -> str:
        return f"medaug.transforms.{self.name}"


IMAGE = "image"
BOTH = ["image", "label"]

CATALOGUE = [
    Row(
        "RandSpatiald",
        {
            "keys": BOTH,
            "rotate_degrees": 20,
            "scale": 0.2,
            "shear_degrees": 5,
            "translate_mm": 2,
            "elastic_spacing_mm": 8,
            "elastic_std_mm": 0.6,
            "flip_prob": 0.5,
            "mode": ["linear", "vote"],
        },
        identity={"keys": BOTH, "mode": ["linear", "vote"]},
        moves_voxels=True,
    ),
    Row(
        "RandIntensityScaled",
        {"keys": IMAGE, "factor": [0.5, 0.8], "per_channel": True},
        identity={"keys": IMAGE, "factor": 0},
    ),
    Row(
        "RandGammad",
        {"keys": IMAGE, "gamma": [1.2, 2], "keep_stats": True},
    ),
    Row("RandNoised", {"keys": IMAGE, "std": [0.1, 0.2]}, identity={"keys": IMAGE, "std": 0}),
]
