"""Gibbs ringing: k-space that ends too early."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from scipy import fft

from medaug.intensity.channel import Channel
from medaug.intensity.effect import Parameters
from medaug.intensity.facts import ImageFacts
from medaug.intensity.kspace import along, rewrite_finite
from medaug.ranges import AxisRanges, axes_drawn_in
from medaug.resample import check_choice
from medaug.typing import AnyArray, FloatArray

#: Which part of k-space is kept: a box, or the ellipsoid through the corners of that box.
GibbsWindow: TypeAlias = Literal["box", "ellipsoid"]


@dataclass(frozen=True)
class Gibbs:
    r"""Cut the outer part of k-space off, which rings beside edges.

    Beside a straight edge that a cut along one axis meets, the image becomes
    ``1/2 + Si(pi keep x) / pi`` at ``x`` voxels from it, where ``Si`` is the sine integral: 9 % of
    the step beyond its ends at the first crests, whatever ``keep`` is, as Gibbs found (1899,
    Nature 59); for MR see Czervionke et al. 1988, American Journal of Neuroradiology 9(5).

    The spectrum is that of the image with its mirror images beside it (a cosine transform), so
    that the border of a crop is no edge, which it would be for a periodic one. The mean stays.

    Parameters
    ----------
    keep : three ranges
        Share of the spatial frequencies along each axis that is kept, from 0 to 1.
    isotropic : bool
        One share, drawn from the first range, for all axes.
    window : {"box", "ellipsoid"}
        ``box`` cuts each axis by itself, as zero filling does; ``ellipsoid`` passes through the
        corners of that box, so that 1 keeps everything.
    """

    keep: AxisRanges
    isotropic: bool = True
    window: GibbsWindow = "box"

    def __post_init__(self) -> None:
        check_choice("window", self.window, get_args(GibbsWindow))
        if any(low < 0 or high > 1 for low, high in self.keep):
            raise ValueError(f"keep must lie between 0 and 1; got {self.keep}")

    def at_magnitude(self, magnitude: float) -> Gibbs:
        """Return the effect with shares nearer to 1."""
        return replace(self, keep=axes_drawn_in(self.keep, magnitude, 1.0))

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``keep``, a list of three."""
        if self.isotropic:
            return {"keep": [float(rng.uniform(*self.keep[0]))] * 3}
        return {"keep": [float(rng.uniform(*bounds)) for bounds in self.keep]}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Cut the k-space of a channel."""
        keep: list[float] = parameters["keep"]
        axes = [axis for axis in channel.facts.wide_axes if keep[axis] < 1]
        if not axes:
            return
        if self.window == "ellipsoid":
            axes = list(channel.facts.wide_axes)  # those that are kept in full shape it, too
            rewrite_finite(channel, lambda voxels: _cut_to_ellipsoid(voxels, axes, keep))
        else:
            rewrite_finite(channel, lambda voxels: _cut_to_box(voxels, axes, keep))


def _cut_to_box(voxels: FloatArray, axes: list[int], keep: list[float]) -> AnyArray:
    for axis in axes:
        n = voxels.shape[axis]
        lines = np.moveaxis(fft.dct(voxels, axis=axis), axis, 0)
        lines[max(1, round(keep[axis] * n)) :] = 0
        voxels = fft.idct(np.moveaxis(lines, 0, axis), axis=axis, overwrite_x=True)
    return voxels


def _cut_to_ellipsoid(voxels: FloatArray, axes: list[int], keep: list[float]) -> AnyArray:
    squares = np.zeros((1, 1, 1), np.float32)
    for axis in axes:
        n = voxels.shape[axis]
        squares = squares + along(axis, (np.arange(n) / max(keep[axis] * n, 1.0)) ** 2)
    spectrum = fft.dctn(voxels, axes=axes)
    spectrum *= squares <= len(axes)
    return np.asarray(fft.idctn(spectrum, axes=axes, overwrite_x=True))
