"""The names of interpolation and padding, and what goes with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

Mode: TypeAlias = Literal["linear", "cubic", "nearest", "vote"]
PaddingMode: TypeAlias = Literal["constant", "border", "reflect", "symmetric"]


@dataclass(frozen=True)
class Sampling:
    """How the voxels of one array are read.

    Parameters
    ----------
    mode : {"linear", "cubic", "nearest", "vote"}
        ``linear`` and ``cubic`` for images, float32 out: ``cubic`` is the cubic B-spline through
        the voxels, which blurs less, overshoots a little at edges, and spreads a voxel that is not
        finite along its rows. ``nearest`` and ``vote`` for labels, dtype kept: ``vote`` elects the
        label with the largest sum of linear corner weights.
    padding_mode : {"constant", "border", "reflect", "symmetric"}
        What lies outside the field of view: ``padding_value``, the nearest voxel of the border,
        the mirror image about the centres of the border voxels, or that about their outer faces.
    padding_value : float
        In the units of the array.
    """

    mode: Mode = "linear"
    padding_mode: PaddingMode = "constant"
    padding_value: float = 0.0

    def __post_init__(self) -> None:
        check_choice("mode", self.mode, get_args(Mode))
        check_choice("padding_mode", self.padding_mode, get_args(PaddingMode))

    @property
    def interpolates(self) -> bool:
        """Whether values of its own come out, as float32; other modes pick voxels of any dtype."""
        return self.mode in ("linear", "cubic")


def check_shapes(shapes: Sequence[Sequence[int]]) -> None:
    """Raise ``ValueError`` unless arrays of ``shapes`` can be resampled together."""
    if any(len(shape) != 4 or 0 in shape for shape in shapes):
        raise ValueError(f"arrays must be [channel, i, j, k] with voxels; got shapes {shapes}")
    if len({tuple(shape[1:]) for shape in shapes}) > 1:
        raise ValueError(f"arrays must have the same spatial shape; got shapes {shapes}")


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Raise ``ValueError`` unless ``value`` is one of ``choices``."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}; got {value!r}")
