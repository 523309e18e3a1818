"""Zoom as MONAI draws it: to a whole number of voxels, then cut or padded to the old size."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Hashable, Mapping, Sequence
from numbers import Real
from typing import Any, ClassVar

import numpy as np
import torch
from monai.config import DtypeLike, KeysCollection, SequenceStr
from monai.transforms.croppad.functional import pad_nd
from monai.utils import (
    InterpolateMode,
    NumpyPadMode,
    ensure_tuple,
    ensure_tuple_rep,
    get_equivalent_dtype,
)

from medaug import buffers
from medaug.compat.monai.area import mean_of_boxes
from medaug.compat.monai.moving import RandMovingDropIn
from medaug.compat.monai.reading import chosen
from medaug.geometry import AffineStage, Warp, WarpKind, affine_scale, affine_translation
from medaug.ranges import Range, drawn_in, parse_range
from medaug.resample import Mode, PaddingMode, Sampling
from medaug.spatial import CenterCrop, Grid, ResizeToSize, SpatialEffect, Step
from medaug.transforms.options import WarpOptions
from medaug.transforms.tensors import Volume, array_of, plain_volume
from medaug.typing import AnyArray

# ``area`` is read by boxes, and linearly on the way back and inside ``Fused``.
_MODES: Mapping[str, Mode] = {
    "area": "linear",
    "nearest": "nearest",
    "nearest-exact": "nearest",
    "linear": "linear",
    "bilinear": "linear",
    "trilinear": "linear",
}
# What comes nearest on the way back and inside ``Fused``, where the voxels are read in one go.
_PADDINGS: Mapping[str, PaddingMode] = {
    "constant": "constant",
    "reflect": "reflect",
    "symmetric": "symmetric",
}


@dataclasses.dataclass(frozen=True)
class ZoomToVoxels(SpatialEffect):
    """Resize by a random factor, rounded down to whole voxels, and cut or pad to the old size.

    Parameters
    ----------
    factors : tuple of ranges
        One for all axes, one for each, or two: of all axes but the last, and of the last.
    corners : bool
        Outermost voxel centres stay on each other instead of the edges of the field of view.
    keep_size : bool
        Cut or pad about the centre to the old size.
    """

    reframes: ClassVar[bool] = True
    factors: tuple[Range, ...]
    corners: bool
    keep_size: bool

    def at_magnitude(self, magnitude: float) -> ZoomToVoxels:
        """Return the effect with factors nearer to 1."""
        nearer = tuple(drawn_in(bounds, magnitude, 1.0) for bounds in self.factors)
        return dataclasses.replace(self, factors=nearer)

    def check_fits(self, grid: Grid) -> None:
        """Refuse as many factors as no grid of this rank takes."""
        if len(self.factors) not in (1, 2, grid.rank):
            raise ValueError(
                f"min_zoom and max_zoom must have one, two or {grid.rank} entries for "
                f"{grid.rank}D images; got {len(self.factors)}"
            )

    def sample(self, rng: np.random.Generator, grid: Grid) -> Warp:
        """Draw the factors and return the pull-back."""
        drawn = [rng.uniform(low, high) for low, high in self.factors]
        factors = [drawn[0]] * (grid.rank - 1) + drawn[-1:] if len(drawn) < grid.rank else drawn
        shape = grid.shape[: grid.rank]
        size = tuple(max(1, math.floor(n * z)) for n, z in zip(shape, factors, strict=True))
        resized = _corner_to_corner(grid, size) if self.corners else _edge_to_edge(rng, grid, size)
        if not self.keep_size:
            return resized
        return resized.then(CenterCrop(shape).sample(rng, grid.through(resized)))


def _edge_to_edge(rng: np.random.Generator, grid: Grid, size: tuple[int, ...]) -> Warp:
    return ResizeToSize(size).sample(rng, grid)


def _corner_to_corner(grid: Grid, size: tuple[int, ...]) -> Warp:
    first, second, third = (*size, *grid.shape[grid.rank :])
    after, before = np.array([first, second, third]), np.array(grid.shape)
    steps = np.where((after > 1) & (before > 1), (before - 1) / np.maximum(after - 1, 1), 1.0)
    return Warp((first, second, third), (AffineStage(affine_scale(steps)),))


class RandZoomd(RandMovingDropIn):
    """Zoom to a whole number of voxels, with MONAI's arguments and meaning.

    All keys must be of one spatial shape and share the zoom; all come out as float32, as MONAI's
    do. Inside ``Fused``, and on the way back, ``area`` is read linearly, and what is padded is
    continued by the border where medaug has no such padding mode.

    Parameters
    ----------
    keys : str or sequence of str
        Arrays or tensors [C, I, J, K] or [C, I, J].
    prob : float
        Probability that a sample is changed.
    min_zoom, max_zoom : float or sequence of floats
        The factor is drawn between them: one for all axes, or one for each. Of two for three axes
        the first is that of the first two. Above 1 what is seen becomes larger.
    mode : str, or one for each key
        ``area``, ``linear``, ``bilinear`` and ``trilinear`` (which are the same), ``nearest`` and
        ``nearest-exact``. The last two read the nearest voxel, so that labels stay on their image;
        torch's ``nearest`` shifts them by half a voxel of the output. ``bicubic`` raises an error.
    padding_mode : str, or one for each key
        How to pad after a zoom below 1: any mode of MONAI's ``pad_nd``.
    align_corners : bool, optional, or one for each key
        The outermost voxel centres stay on each other. One geometry for all keys: those that say
        ``True`` or ``False`` must agree, and ``None`` joins them.
    dtype : dtype, or one for each key
        Of the computation in MONAI; taken if floating, and medaug computes in float32.
    keep_size : bool
        Cut or pad to the size of the input.
    allow_missing_keys : bool
        Skip keys that a sample does not have, instead of raising ``KeyError``.
    lazy : bool
        Taken and without effect: the voxels are read at once. MONAI's ``Compose`` then first does
        what the transforms before have put off, so the result is right.
    **kwargs
        For ``pad_nd``, as ``value`` or ``constant_values`` of the mode ``constant``.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 0.1,
        min_zoom: Sequence[float] | float = 0.9,
        max_zoom: Sequence[float] | float = 1.1,
        mode: SequenceStr = InterpolateMode.AREA,
        padding_mode: SequenceStr = NumpyPadMode.EDGE,
        align_corners: Sequence[bool | None] | bool | None = None,
        dtype: Sequence[DtypeLike | torch.dtype] | DtypeLike | torch.dtype = np.float32,
        keep_size: bool = True,
        allow_missing_keys: bool = False,
        lazy: bool = False,  # MONAI's signature
        **kwargs: Any,
    ) -> None:
        count = len(ensure_tuple(keys))
        self.monai_modes = _names(ensure_tuple_rep(mode, count))
        self.pad_modes = _names(ensure_tuple_rep(padding_mode, count))
        self.pad_arguments = kwargs
        _check_dtypes(ensure_tuple_rep(dtype, count))
        value = kwargs.get("value", kwargs.get("constant_values", 0.0))
        options: WarpOptions = {
            "mode": [chosen("mode", each, _MODES) for each in self.monai_modes],
            "padding_mode": [_PADDINGS.get(each, "border") for each in self.pad_modes],
            "padding_value": float(value) if isinstance(value, Real) else 0.0,
            "allow_missing_keys": allow_missing_keys,
        }
        corners = _corners(ensure_tuple_rep(align_corners, count), self.monai_modes)
        effect = ZoomToVoxels(_factors(min_zoom, max_zoom), corners, keep_size)
        super().__init__(keys, prob, (Step(effect),), options, gives_float32=True)

    def read(
        self, volumes: Sequence[Volume], warp: Warp, sampled: Sequence[tuple[Hashable, Sampling]]
    ) -> list[Volume]:
        """Read the voxels that lie inside, and pad the zoomed images to the rest as MONAI does."""
        shape = plain_volume(volumes[0], sampled[0][0]).shape[1:]
        if warp.kind(shape) is WarpKind.IDENTITY:
            return super().read(volumes, warp, sampled)
        start, stop = _inside(warp, shape)
        first, second, third = (int(n) for n in stop - start)
        shift = Warp((first, second, third), (AffineStage(affine_translation(start)),))
        inner = warp.then(shift)
        before, behind = start, np.array(warp.output_shape) - stop
        widths = [(0, 0), *zip(before.tolist(), behind.tolist(), strict=True)]
        zoomed = self._zoomed(volumes, inner, sampled)
        return [
            self._padded(each, widths, key) for each, (key, _) in zip(zoomed, sampled, strict=True)
        ]

    def _zoomed(
        self, volumes: Sequence[Volume], warp: Warp, sampled: Sequence[tuple[Hashable, Sampling]]
    ) -> list[Volume]:
        """Return what is seen of the zoomed volumes, by boxes or all others in one go."""
        by_boxes = [self.monai_modes[self.keys.index(key)] == "area" for key, _ in sampled]
        # Half a voxel at the edge lies beyond the outermost centres.
        others = [
            (volume, (key, dataclasses.replace(sampling, padding_mode="border")))
            for volume, (key, sampling), boxes in zip(volumes, sampled, by_boxes, strict=True)
            if not boxes
        ]
        read = iter(super().read([v for v, _ in others], warp, [s for _, s in others]))
        return [
            mean_of_boxes(array_of(volume, key), warp) if boxes else next(read)
            for volume, (key, _), boxes in zip(volumes, sampled, by_boxes, strict=True)
        ]

    def _padded(self, voxels: Volume, widths: Sequence[tuple[int, int]], key: Hashable) -> Volume:
        if not np.any(widths):
            return voxels
        mode = self.pad_modes[self.keys.index(key)]
        if mode in ("edge", "replicate") and isinstance(voxels, np.ndarray):
            return edge_padded(voxels, widths)
        whole = torch.as_tensor(voxels, dtype=torch.float32)
        padded: torch.Tensor = pad_nd(whole, list(widths), mode, **self.pad_arguments)
        return padded


def edge_padded(array: AnyArray, widths: Sequence[tuple[int, int]]) -> AnyArray:
    """Return what ``numpy.pad`` does for ``edge``, float32, in memory that is used again.

    Parameters
    ----------
    array : array [C, I, J, K]
    widths : sequence of 4 pairs of ints
        Voxels before and behind along each axis, none along the channels.
    """
    sizes = [before + n + behind for (before, behind), n in zip(widths, array.shape, strict=True)]
    out = buffers.empty(tuple(sizes), np.float32)
    known = [slice(before, before + n) for (before, _), n in zip(widths, array.shape, strict=True)]
    out[tuple(known)] = array
    for axis in range(1, out.ndim):
        first, behind = known[axis].start, known[axis].stop
        known[axis] = slice(None)
        planes = np.moveaxis(out[tuple(known)], axis, 0)  # all along the axis, what is known beside
        planes[:first] = planes[first]
        planes[behind:] = planes[behind - 1]
    return out


def _inside(warp: Warp, shape: Sequence[int]) -> tuple[AnyArray, AnyArray]:
    """Return the first output voxel whose centre lies in the field of view, and behind the last.

    Along each axis, int64 [3]; ``warp`` scales and shifts.
    """
    matrix = warp.affine_part()
    step, shift = np.diag(matrix)[:3], matrix[:3, 3]
    start = np.ceil((-0.5 - shift) / step)
    stop = np.floor((np.array(shape) - 0.5 - shift) / step) + 1
    size = np.array(warp.output_shape)
    return np.clip(start, 0, size).astype(np.int64), np.clip(stop, 0, size).astype(np.int64)


def _factors(low: Any, high: Any) -> tuple[Range, ...]:
    lows, highs = ensure_tuple(low), ensure_tuple(high)
    if len(lows) != len(highs):
        raise ValueError(
            f"min_zoom and max_zoom must have as many entries; got {low!r} and {high!r}"
        )
    if min(*lows, *highs) <= 0:
        raise ValueError(f"min_zoom and max_zoom must be above 0; got {low!r} and {high!r}")
    pairs = zip(lows, highs, strict=True)
    return tuple(parse_range("min_zoom and max_zoom", sorted(pair)) for pair in pairs)


def _corners(given: Sequence[bool | None], modes: Sequence[str]) -> bool:
    """Return whether corners are aligned, which all keys that say so must agree about."""
    said = {each for each in given if each is not None}
    if len(said) > 1:
        raise ValueError(f"align_corners must be the same for all keys or None; got {given}")
    for each, mode in zip(given, modes, strict=True):
        if each is not None and not mode.endswith("linear"):
            raise ValueError(f"align_corners must be None for mode {mode!r}; got {each}")
    return True in said


def _check_dtypes(dtypes: Sequence[Any]) -> None:
    for each in dtypes:
        if each is not None and not get_equivalent_dtype(each, torch.Tensor).is_floating_point:
            raise ValueError(f"dtype must be a floating one or None: zooming averages; got {each}")


def _names(members: Sequence[Any]) -> tuple[str, ...]:
    """Return the names of what may be members of enumerations."""
    return tuple(str(getattr(member, "value", member)) for member in members)


RandZoomD = RandZoomDict = RandZoomd
