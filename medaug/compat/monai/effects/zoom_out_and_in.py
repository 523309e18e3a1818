"""Fewer voxels and back, each way by an interpolation of choice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import torch

from medaug.intensity import Channel, ImageFacts, Parameters
from medaug.intensity.coarse import AxisBetween, axis_between, nearest_voxels
from medaug.kernels.expand import expand_volume, pick_volume
from medaug.ranges import Range, drawn_in
from medaug.resample import check_choice
from medaug.typing import AnyArray, FloatArray

#: The names are those of ``torch.nn.functional.interpolate``. The linear ones all mean linear along
#: every axis that the image has.
InterpolationMode: TypeAlias = Literal[
    "nearest", "nearest-exact", "linear", "bilinear", "trilinear", "bicubic", "area"
]
_LINEAR = ("linear", "bilinear", "trilinear")


@dataclass(frozen=True)
class ZoomOutAndIn:
    """Resize to a share of the voxels along each axis, and back.

    Parameters
    ----------
    zoom : range
        That share, above 0.
    down, up : InterpolationMode
        How the smaller image is read off the larger one, and the other way.
    align_corners : bool
        The outermost centres of both grids coincide instead of their edges; for the linear modes
        and ``bicubic``.
    """

    zoom: Range
    down: InterpolationMode = "nearest"
    up: InterpolationMode = "trilinear"
    align_corners: bool = False

    def __post_init__(self) -> None:
        check_choice("downsample_mode", self.down, get_args(InterpolationMode))
        check_choice("upsample_mode", self.up, get_args(InterpolationMode))
        if self.zoom[0] <= 0:
            raise ValueError(f"zoom_range must stay above 0; got {self.zoom}")

    def at_magnitude(self, magnitude: float) -> ZoomOutAndIn:
        """Return the effect with shares nearer to 1."""
        return replace(self, zoom=drawn_in(self.zoom, magnitude, 1.0))

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``zoom``."""
        return {"zoom": float(rng.uniform(*self.zoom))}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Take a channel to the other grid and back."""
        shape, rank = channel.facts.shape, channel.facts.rank
        zoomed = [max(1, round(n * parameters["zoom"])) for n in shape[:rank]]

        def write(voxels: FloatArray, out: FloatArray) -> None:
            between = np.empty([*zoomed, *[1] * (3 - rank)], np.float32)
            self._resize(voxels, self.down, rank, between)
            self._resize(between, self.up, rank, out)

        channel.rewrite(write)

    def _resize(
        self, source: FloatArray, mode: InterpolationMode, rank: int, out: FloatArray
    ) -> None:
        """Fill ``out`` from ``source``, both [I, J, K]."""
        sizes = list(zip(out.shape, source.shape, strict=True))
        if mode in _LINEAR:
            axes = [self._linear_axis(new, old) for new, old in sizes]
            expand_volume(source, *(a.below for a in axes), *(a.part for a in axes), out)
        elif mode == "nearest":
            pick_volume(source, *(_first_voxels(old, new) for new, old in sizes), out)
        elif mode == "nearest-exact":
            pick_volume(source, *(nearest_voxels(old, new) for new, old in sizes), out)
        else:
            self._resize_by_torch(source, mode, rank, out)

    def _linear_axis(self, new: int, old: int) -> AxisBetween:
        if not self.align_corners:
            return axis_between(new, old)
        positions = np.arange(new) * ((old - 1) / max(new - 1, 1))
        return AxisBetween.at(np.asarray(positions, np.float64), old)

    def _resize_by_torch(
        self, source: FloatArray, mode: InterpolationMode, rank: int, out: FloatArray
    ) -> None:
        shape = out.shape[:rank]
        image = torch.from_numpy(source.reshape(1, 1, *source.shape[:rank]))
        corners = self.align_corners if mode == "bicubic" else None
        resized = torch.nn.functional.interpolate(image, shape, mode=mode, align_corners=corners)
        out[...] = resized.numpy().reshape(out.shape)


def _first_voxels(old: int, new: int) -> AnyArray:
    """Return, for each of ``new`` voxels, the one of ``old`` in which it begins, in float32."""
    begin = np.arange(new, dtype=np.float32) * (np.float32(old) / np.float32(new))
    return np.asarray(np.minimum(np.floor(begin), old - 1), np.int64)
