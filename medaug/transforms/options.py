"""What every spatial transform takes besides its own arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, Literal, TypeAlias, TypedDict

from monai.config import KeysCollection
from monai.utils import issequenceiterable

from medaug.intensity import KeepRange
from medaug.resample import Mode, PaddingMode, Sampling

Backend: TypeAlias = Literal["auto", "compiled", "torch"]
PointSpace: TypeAlias = Literal["world", "voxel"]

#: Values of labels that change places: left and right of the same structure.
LabelPairs: TypeAlias = tuple[tuple[int, int], ...]


class WarpOptions(TypedDict, total=False):
    """What every spatial transform takes besides its own arguments.

    Attributes
    ----------
    mode : str or sequence of str
        For each key: ``linear`` or ``cubic`` for images (float32 out); ``nearest`` or ``vote`` for
        labels. ``linear`` unless given, and ``nearest`` for transforms that only move whole voxels.
    padding_mode : str or sequence of str
        For each key: ``constant`` (the default), ``border``, ``reflect`` or ``symmetric``.
    padding_value : float or sequence of floats
        For each key, the value outside the field of view under ``constant``; 0 unless given.
    point_keys : str or sequence of str
        Points [..., 3], or [..., 2] for two-dimensional images, that move with the image. Points
        that leave the field of view are kept.
    point_space : {"world", "voxel"}
        Their coordinates: millimetres by the affine of the first key (the default), or voxels.
    backend : {"auto", "compiled", "torch"}
        What resamples. ``auto``, the default: ``torch`` for tensors that live on a GPU, otherwise
        the compiled kernels.
    allow_missing_keys : bool
        Skip keys that a sample does not have, instead of raising ``KeyError``.
    """

    mode: Mode | Sequence[Mode]
    padding_mode: PaddingMode | Sequence[PaddingMode]
    padding_value: float | Sequence[float]
    point_keys: KeysCollection
    point_space: PointSpace
    backend: Backend
    allow_missing_keys: bool


class IntensityOptions(TypedDict, total=False):
    """What every random intensity transform takes besides its own arguments.

    Attributes
    ----------
    per_channel : bool
        Draw for each channel instead of once for all, which is the default.
    channel_prob : float
        Probability that a channel is changed when the transform fires; 1 unless given.
    foreground : str
        Change only these voxels, and take statistics of them alone: ``nonzero`` for those that are
        not zero, or the key of a mask of the same spatial shape. All voxels unless given.
    keep_range : {"no", "clip", "rescale"}
        What becomes of the extremes of a channel: they may change (the default), what is beyond
        the old ones is cut off, or the new ones are scaled back to the old ones.
    allow_missing_keys : bool
        Skip keys that a sample does not have, instead of raising ``KeyError``.
    """

    per_channel: bool
    channel_prob: float
    foreground: str
    keep_range: KeepRange
    allow_missing_keys: bool


def samplings_of(count: int, options: WarpOptions, default_mode: Mode) -> tuple[Sampling, ...]:
    """Return how each of ``count`` keys is read.

    Raises
    ------
    ValueError
        If a name is unknown, or there are not as many entries as keys.
    TypeError
        If a padding value is no number.
    """
    modes = one_for_each("mode", options.get("mode", default_mode), count)
    padding_modes = one_for_each("padding_mode", options.get("padding_mode", "constant"), count)
    values = one_for_each("padding_value", options.get("padding_value", 0.0), count)
    if not all(isinstance(value, Real) for value in values):
        raise TypeError(f"padding_value must be a number or one for each key; got {values}")
    return tuple(
        Sampling(mode, padding_mode, float(value))
        for mode, padding_mode, value in zip(modes, padding_modes, values, strict=True)
    )


def one_for_each(name: str, value: Any, count: int) -> tuple[Any, ...]:
    """Return ``value`` as an entry for each of ``count`` keys; one that is no sequence is repeated.

    Raises
    ------
    ValueError
        If there are not as many entries as keys.
    """
    entries = tuple(value) if issequenceiterable(value) else (value,) * count
    if len(entries) != count:
        raise ValueError(f"{name} needs one entry for each of {count} keys; got {value!r}")
    return entries


def parse_pairs(pairs: Sequence[Sequence[int]]) -> LabelPairs:
    """Return ``pairs`` as pairs of ints, the smaller label first.

    Raises
    ------
    ValueError
        If an entry is no pair of whole numbers, or a label occurs twice.
    """
    if not all(issequenceiterable(pair) and len(pair) == 2 for pair in pairs):
        raise ValueError(f"swap_labels must be pairs of labels; got {pairs!r}")
    labels = [label for pair in pairs for label in pair]
    if len(set(labels)) < len(labels) or not all(_is_whole(label) for label in labels):
        raise ValueError(f"swap_labels must be whole numbers, none of them twice; got {pairs!r}")
    return tuple((int(min(pair)), int(max(pair))) for pair in pairs)


def parse_class_ratios(ratios: Mapping[Any, float] | None) -> dict[int, float] | None:
    """Return ``ratios`` with whole numbers for classes, which JSON writes as texts.

    Raises
    ------
    TypeError
        If it is no mapping, or a ratio is no number.
    ValueError
        If a class is no whole number.
    """
    if ratios is None:
        return None
    if not isinstance(ratios, Mapping) or not all(isinstance(r, Real) for r in ratios.values()):
        raise TypeError(f"class_ratios must map labels to numbers; got {ratios!r}")
    try:
        return {int(str(label)): float(ratio) for label, ratio in ratios.items()}
    except ValueError as error:
        raise ValueError(
            f"class_ratios must name labels by whole numbers; got {ratios!r}"
        ) from error


def _is_whole(value: Any) -> bool:
    return isinstance(value, Real) and value % 1 == 0
