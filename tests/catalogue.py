"""The table of all transforms: it drives the contract tests, and a missing one fails."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import medaug.transforms
from medaug.transforms.options import IntensityOptions, WarpOptions


@dataclass(frozen=True)
class Row:
    """A transform, arguments that make it do something, and what may be expected of it."""

    name: str
    arguments: Mapping[str, Any]
    #: Arguments with which it fires and still changes nothing, where there are such.
    identity: Mapping[str, Any] | None = None
    #: It draws; a caching data set must not keep what it gives.
    random: bool = True
    #: It moves voxels, labels included, and does not just change intensities.
    moves_voxels: bool = False
    #: It moves whole voxels only, so that images keep their dtype; all others give float32.
    keeps_dtype: bool = False
    #: What comes out is not of the size that went in.
    resizes: bool = False

    @property
    def cls(self) -> type:
        return getattr(medaug.transforms, self.name)

    @property
    def aliases(self) -> list[str]:
        """MONAI exports ``Flipd`` as ``FlipD`` and ``FlipDict``, too."""
        return [self.name.removesuffix("d") + ending for ending in ("D", "Dict")]

    def takes(self, argument: str) -> bool:
        names = set(inspect.signature(self.cls).parameters)
        if "options" in names:
            options = WarpOptions if self.moves_voxels else IntensityOptions
            names |= options.__annotations__.keys()
        return argument in names

    def config(self, **changed: Any) -> dict[str, Any]:
        """What a configuration says to build it."""
        return {"_target_": f"medaug.transforms.{self.name}", **self.arguments, **changed}

    def build(self, **changed: Any) -> Any:
        return self.cls(**{**self.arguments, **changed})

    def build_identity(self) -> Any:
        return self.cls(**self.identity)

    def __str__(self) -> str:
        method = self.arguments.get("method")
        return self.name if method is None else f"{self.name}-{method}"


@dataclass(frozen=True)
class FusedRow(Row):
    """A run of other rows: what changes is changed in those that take it."""

    parts: Sequence[Row] = ()

    @property
    def aliases(self) -> list[str]:
        return [self.name + ending for ending in ("D", "Dict")]

    def takes(self, argument: str) -> bool:
        return any(part.takes(argument) for part in self.parts)

    def config(self, **changed: Any) -> dict[str, Any]:
        return super().config(transforms=[p.config(**self._for(p, changed)) for p in self.parts])

    def build(self, **changed: Any) -> Any:
        return self.cls([part.build(**self._for(part, changed)) for part in self.parts])

    def build_identity(self) -> Any:
        return self.cls([part.build_identity() for part in self.parts])

    @staticmethod
    def _for(part: Row, changed: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in changed.items() if part.takes(name)}


IMAGE = "image"
BOTH = ["image", "label"]
MODES = {"mode": ["linear", "vote"]}

SPATIAL = Row(
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
        **MODES,
    },
    identity={"keys": BOTH, **MODES},
    moves_voxels=True,
)
AFFINE = Row(
    "RandAffined",
    {
        "keys": BOTH,
        "rotate_degrees": 15,
        "scale": 0.1,
        "shear_degrees": 3,
        "translate_mm": 1,
        **MODES,
    },
    identity={"keys": BOTH, **MODES},
    moves_voxels=True,
)
# Control points so near that they fit what the other transforms have cut out and magnified before.
ELASTIC = Row(
    "RandElasticd",
    {"keys": BOTH, "elastic_spacing_mm": [4, 5], "elastic_std_mm": [0.4, 0.9], **MODES},
    identity={"keys": BOTH, "elastic_std_mm": 0, "elastic_spacing_mm": 8, **MODES},
    moves_voxels=True,
)
FLIP = Row(
    "RandFlipd",
    {"keys": BOTH, "flip_prob": 0.5, "swap_labels": [[1, 2]]},
    identity={"keys": BOTH, "flip_prob": 0, "swap_labels": [[1, 2]]},
    moves_voxels=True,
    keeps_dtype=True,
)

SCALE = Row(
    "RandIntensityScaled",
    {"keys": IMAGE, "factor": [0.5, 0.8], "per_channel": True},
    identity={"keys": IMAGE, "factor": 0},
)
CONTRAST = Row(
    "RandContrastd",
    {"keys": IMAGE, "factor": [0.5, 0.8], "keep_range": "clip"},
    identity={"keys": IMAGE, "factor": 0},
)
GAMMA = Row(
    "RandGammad",
    {"keys": IMAGE, "gamma": [1.2, 2], "negate_prob": 0.5, "keep_stats": True},
    identity={"keys": IMAGE, "gamma": 0},
)
NOISE = Row(
    "RandGaussianNoised", {"keys": IMAGE, "std": [0.1, 0.2]}, identity={"keys": IMAGE, "std": 0}
)

CATALOGUE: list[Row] = [
    SPATIAL,
    AFFINE,
    ELASTIC,
    Row(
        "RandZoomd",
        {"keys": BOTH, "zoom": [[0.8, 0.9], [1.1, 1.2], 0.1], **MODES},
        identity={"keys": BOTH, "zoom": 0, **MODES},
        moves_voxels=True,
    ),
    FLIP,
    Row(
        "RandRotate90d",
        {"keys": BOTH, "max_turns": 3, "axes": [0, 1]},
        moves_voxels=True,
        keeps_dtype=True,
        resizes=True,
    ),
    Row(
        "RandCropd",
        {"keys": BOTH, "spatial_size": 12, "method": "random"},
        identity={"keys": BOTH, "spatial_size": -1},
        moves_voxels=True,
        keeps_dtype=True,
        resizes=True,
    ),
    Row(
        "RandCropd",
        {
            "keys": BOTH,
            "spatial_size": 12,
            "method": "foreground",
            "class_ratios": {"1": 1, "2": 3},
        },
        identity={"keys": BOTH, "spatial_size": -1, "method": "foreground"},
        moves_voxels=True,
        keeps_dtype=True,
        resizes=True,
    ),
    FusedRow("Fused", {}, parts=(FLIP, AFFINE, ELASTIC), identity={}, moves_voxels=True),
    Row(
        "Resampled",
        {"keys": BOTH, "spacing_mm": 1.1, **MODES},
        identity={"keys": BOTH, "spatial_size": -1, **MODES},
        random=False,
        moves_voxels=True,
        resizes=True,
    ),
    # Last of the spatial ones, so that all together still give samples of one size.
    Row(
        "PadCropd",
        {"keys": BOTH, "spatial_size": 15},
        identity={"keys": BOTH, "spatial_size": -1},
        random=False,
        moves_voxels=True,
        keeps_dtype=True,
        resizes=True,
    ),
    SCALE,
    CONTRAST,
    GAMMA,
    NOISE,
    Row(
        "RandRicianNoised",
        {"keys": IMAGE, "std": [0.1, 0.2], "zero_is_low": True},
        identity={"keys": IMAGE, "std": 0},
    ),
    Row(
        "RandGaussianBlurd",
        {"keys": IMAGE, "sigma_mm": [[0.5, 1], [0.3, 0.6], 0]},
        identity={"keys": IMAGE, "sigma_voxels": 0},
    ),
    Row("RandSharpend", {"keys": IMAGE, "amount": [0.5, 1]}, identity={"keys": IMAGE, "amount": 0}),
    Row(
        "RandMediand",
        {"keys": IMAGE, "radius_voxels": [0.5, 2]},
        identity={"keys": IMAGE, "radius_voxels": 0},
    ),
    Row(
        "RandLowResolutiond",
        {"keys": IMAGE, "factor": [0.5, 0.8], "channel_prob": 0.5},
        identity={"keys": IMAGE, "factor": 1},
    ),
    Row(
        "RandThickSlicesd",
        {"keys": IMAGE, "thickness_mm": [2, 4]},
        identity={"keys": IMAGE, "thickness_mm": 0},
    ),
    Row(
        "RandBiasFieldd",
        {"keys": IMAGE, "strength": 0.5},
        identity={"keys": IMAGE, "strength": 0},
    ),
    Row(
        "RandGibbsd",
        {"keys": IMAGE, "keep": [[0.4, 0.6], [0.5, 0.9], [0.6, 0.8]], "window": "ellipsoid"},
        identity={"keys": IMAGE, "keep": 1},
    ),
    Row(
        "RandGhostingd",
        {"keys": IMAGE, "ghosts": [2, 4], "intensity": [0.1, 0.2]},
        identity={"keys": IMAGE, "intensity": 0},
    ),
    Row(
        "RandMotiond",
        {"keys": IMAGE, "degrees": 5, "translate_mm": 2, "movements": [4, 6]},
        identity={"keys": IMAGE, "degrees": 0, "translate_mm": 0},
    ),
    Row(
        "RandSpiked",
        {"keys": IMAGE, "spikes": [1, 3], "intensity": [0.2, 0.5]},
        identity={"keys": IMAGE, "intensity": 0},
    ),
    Row(
        "RandQuantumNoised",
        {"keys": IMAGE, "dose": [0.2, 0.5], "air": -3, "water": 1, "reference_noise_hu": 20},
        identity={"keys": IMAGE, "dose": 1},
    ),
    Row(
        "RandMetalStreaksd",
        {"keys": IMAGE, "amplitude": [0.5, 1]},
        identity={"keys": IMAGE, "amplitude": 0},
    ),
    Row(
        "RandBlockCompressiond",
        {"keys": IMAGE, "quality": [20, 60]},
        identity={"keys": IMAGE, "quality": 100},
    ),
    Row(
        "RandFieldStrengthd",
        {"keys": IMAGE, "from_tesla": 3, "to_tesla": [1, 7]},
        identity={"keys": IMAGE, "from_tesla": 1.5, "to_tesla": 1.5},
    ),
    Row(
        "RandIntensityShiftd",
        {"keys": IMAGE, "offset": [0.2, 0.5]},
        identity={"keys": IMAGE, "offset": 0},
    ),
    Row("RandWindowd", {"keys": IMAGE, "level": [-0.5, 0.5], "width": [2, 4], "output": [-1, 1]}),
    Row(
        "RandClipd",
        {"keys": IMAGE, "lower_percentile": [1, 10], "upper_percentile": [90, 99]},
        identity={"keys": IMAGE, "lower_percentile": 0, "upper_percentile": 100},
    ),
    Row(
        "RandHistogramShiftd",
        {"keys": IMAGE, "control_points": [4, 8]},
        identity={"keys": IMAGE, "strength": 0},
    ),
    Row(
        "RandMonotoneCurved",
        {"keys": IMAGE, "strength": [0.5, 1], "per_channel": True},
        identity={"keys": IMAGE, "strength": 0},
    ),
    Row(
        "RandNonlinearCurved",
        {"keys": IMAGE, "strength": [0.3, 0.6]},
        identity={"keys": IMAGE, "strength": 0},
    ),
    Row("Standardized", {"keys": IMAGE, "foreground": "nonzero"}, random=False),
    Row(
        "RandSaltPepperd",
        {"keys": IMAGE, "density": [0.02, 0.1]},
        identity={"keys": IMAGE, "density": 0},
    ),
    Row(
        "RandCutOutd",
        {"keys": IMAGE, "holes": [1, 3], "size_mm": [3, 8], "fill": "low"},
        identity={"keys": IMAGE, "size_mm": 0},
    ),
    Row("RandPoissonNoised", {"keys": IMAGE, "peak": [50, 500]}),
    FusedRow("FusedIntensity", {}, parts=(NOISE, SCALE, CONTRAST, GAMMA), identity={}),
]
