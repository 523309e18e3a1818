"""The operations that policies choose from, in one table, each with its arguments at full strength.

A row names an effect, the transform that makes it and the arguments at magnitude 10 of 10, which is
about where the result would still pass for a scan, if a bad one. Lower magnitudes draw the ranges
in towards no change, in proportion. Intensities are z-scores, but for what suits CT alone: that
takes Hounsfield units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from medaug import transforms as t
from medaug.transforms.base import DictTransform
from medaug.transforms.warping import WarpDictTransform

#: Images of whichever kind after a z-score, those of MR likewise, or those of CT in HU.
Modality: TypeAlias = Literal["any", "mr", "ct"]
#: What kind of change it is.
Family: TypeAlias = Literal["spatial", "contrast", "noise", "resolution", "artefact"]

_ALL: tuple[Modality, ...] = ("any", "mr", "ct")
_NO_CT: tuple[Modality, ...] = ("any", "mr")  # in HU a value means a tissue
_MR: tuple[Modality, ...] = ("mr",)
_CT: tuple[Modality, ...] = ("ct",)


@dataclass(frozen=True)
class Operation:
    """A row of the table.

    Attributes
    ----------
    family : str
    suits : tuple of str
        The modalities in which it makes sense.
    transform : type of DictTransform
    arguments : mapping
        Those at full strength, all but the keys.
    """

    family: Family
    suits: tuple[Modality, ...]
    transform: type[DictTransform]
    arguments: Mapping[str, Any]

    @property
    def moves_voxels(self) -> bool:
        """Whether it needs the labels, too."""
        return issubclass(self.transform, WarpDictTransform)

    def build(self, keys: Sequence[Any], **options: Any) -> DictTransform:
        """Return the transform at full strength; ``options`` go before the arguments of the row."""
        return self.transform(**{"keys": keys, **self.arguments, **options})


# One row a line, as in a table.
# fmt: off
OPERATIONS: Mapping[str, Operation] = {
    "rotate": Operation("spatial", _ALL, t.RandAffined, {"rotate_degrees": 30}),
    "scale": Operation("spatial", _ALL, t.RandAffined, {"scale": (0.7, 1.4)}),
    "shear": Operation("spatial", _ALL, t.RandAffined, {"shear_degrees": 10}),
    "translate": Operation("spatial", _ALL, t.RandAffined, {"translate_mm": 10}),
    "elastic": Operation(
        "spatial", _ALL, t.RandElasticd, {"elastic_spacing_mm": (16, 32), "elastic_std_mm": (0, 3)}
    ),
    # Magnitude is its probability. Only along the first axis: left and right in most scans.
    "flip": Operation("spatial", _ALL, t.RandFlipd, {"flip_prob": (0.5, 0, 0)}),

    "intensity_scale": Operation("contrast", _NO_CT, t.RandIntensityScaled, {"factor": 0.5}),
    "intensity_shift": Operation("contrast", _NO_CT, t.RandIntensityShiftd, {"offset": 0.5}),
    "hu_shift": Operation(
        "contrast", _CT, t.RandIntensityShiftd, {"offset": 30, "unit": "absolute"}
    ),
    "contrast": Operation("contrast", _NO_CT, t.RandContrastd, {"factor": 0.5}),
    "gamma": Operation(
        "contrast", _NO_CT, t.RandGammad,
        {"gamma": (0.5, 2), "negate_prob": 0.5, "keep_stats": True},
    ),
    "monotone_curve": Operation("contrast", _NO_CT, t.RandMonotoneCurved, {"strength": (0, 0.6)}),
    "nonlinear_curve": Operation("contrast", _NO_CT, t.RandNonlinearCurved, {"strength": (0, 0.1)}),
    "histogram_shift": Operation("contrast", _NO_CT, t.RandHistogramShiftd, {"strength": (0, 0.5)}),
    "clip": Operation(
        "contrast", _NO_CT, t.RandClipd,
        {"lower_percentile": (0, 2), "upper_percentile": (96, 100)},
    ),
    "field_strength": Operation("contrast", _MR, t.RandFieldStrengthd, {"to_tesla": (0.5, 7)}),

    "gaussian_noise": Operation("noise", _NO_CT, t.RandGaussianNoised, {"std": (0, 0.2)}),
    "rician_noise": Operation(
        "noise", _MR, t.RandRicianNoised, {"std": (0, 0.2), "zero_is_low": True}
    ),
    "poisson_noise": Operation("noise", _NO_CT, t.RandPoissonNoised, {"peak": (200, 1e6)}),
    "quantum_noise": Operation("noise", _CT, t.RandQuantumNoised, {"dose": (0.1, 1)}),
    "salt_pepper": Operation("noise", _NO_CT, t.RandSaltPepperd, {"density": (0, 0.005)}),

    "blur": Operation(
        "resolution", _ALL, t.RandGaussianBlurd, {"sigma_mm": (0, 1.5), "isotropic": True}
    ),
    "sharpen": Operation("resolution", _ALL, t.RandSharpend, {"amount": (0, 1)}),
    "median": Operation("resolution", _ALL, t.RandMediand, {"radius_voxels": (0, 1)}),
    "low_resolution": Operation("resolution", _ALL, t.RandLowResolutiond, {"factor": (0.25, 1)}),
    "thick_slices": Operation("resolution", _ALL, t.RandThickSlicesd, {"thickness_mm": (0, 6)}),

    "bias_field": Operation("artefact", _MR, t.RandBiasFieldd, {"strength": (0, 1)}),
    "gibbs": Operation("artefact", _MR, t.RandGibbsd, {"keep": (0.4, 1)}),
    "ghosting": Operation("artefact", _MR, t.RandGhostingd, {"intensity": (0, 0.2)}),
    "motion": Operation("artefact", _MR, t.RandMotiond, {"degrees": 5, "translate_mm": 4}),
    "spikes": Operation("artefact", _MR, t.RandSpiked, {"intensity": (0, 0.15)}),
    "metal_streaks": Operation("artefact", _CT, t.RandMetalStreaksd, {"amplitude_hu": (0, 300)}),
    "block_compression": Operation(
        "artefact", _ALL, t.RandBlockCompressiond, {"quality": (15, 100)}
    ),
    "cut_out": Operation("artefact", _ALL, t.RandCutOutd, {"holes": (1, 4), "size_mm": (5, 20)}),
}
# fmt: on

#: Random transforms that have no row, and why.
NOT_OPERATIONS: Mapping[str, str] = {
    "RandSpatiald": "its parts have rows of their own",
    "RandZoomd": "the same as scale",
    "RandRotate90d": "there is no less of a quarter turn",
    "RandCropd": "chooses what is seen and changes nothing",
    "RandWindowd": "sets the scale of intensities, so that all images pass it or none does",
    "Fused": "has no effect but that of its parts",
    "FusedIntensity": "has no effect but that of its parts",
}


def operation_names(modality: Modality = "any") -> tuple[str, ...]:
    """Return the operations that make sense for ``modality``.

    Raises
    ------
    ValueError
        If there is no such modality.
    """
    if modality not in get_args(Modality):
        raise ValueError(f"modality must be one of {get_args(Modality)}; got {modality!r}")
    return tuple(name for name, row in OPERATIONS.items() if modality in row.suits)
