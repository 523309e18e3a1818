"""RandAugment: a few operations a sample, all at one magnitude."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, SupportsIndex, TypeAlias, cast, get_args

import numpy as np
import torch
from monai.config import KeysCollection
from monai.utils import ensure_tuple

from medaug.epoch import parse_non_negative
from medaug.nearest import did_you_mean
from medaug.policy.container import Choice, ContainerDictTransform
from medaug.policy.operations import OPERATIONS, Modality, Operation, operation_names
from medaug.ranges import Strength
from medaug.transforms import Fused
from medaug.transforms.base import DictTransform, Sample
from medaug.transforms.options import IntensityOptions, WarpOptions
from medaug.transforms.tensors import Volume, plain_volume, volume_like
from medaug.transforms.warping import WarpDictTransform

#: A modality, or a list of names of operations and of transforms.
Space: TypeAlias = str | Sequence[str | DictTransform]

#: The largest magnitude, at which ranges are those of the table.
MAX_MAGNITUDE = 10.0


class RandAugmentd(ContainerDictTransform):
    """Apply a few operations, drawn anew for every sample, all at one magnitude.

    ``operations`` times one of the space is drawn, each time any of them with the same chance, as
    in RandAugment (Cubuk et al. 2020, CVPR Workshops): two numbers are all there is to tune. Unlike
    there, an operation draws from its range at the magnitude, instead of taking its end. What moves
    voxels goes first, folded into one warp that touches them once; the rest follows in the order in
    which it was drawn. Images come out as float32.

    Parameters
    ----------
    keys : str or sequence of str
        Images [C, I, J, K] or [C, I, J].
    label_keys : str or sequence of str
        Labels, which only move; an empty sequence if there are none.
    prob : float
        Probability that a sample is changed at all.
    operations : int
        How many a sample gets; one may come up twice.
    magnitude : float
        From 0, which changes nothing, to 10, the arguments of
        :data:`medaug.policy.operations.OPERATIONS`.
    space : str or sequence of str or transforms
        What there is to draw: ``any``, ``mr`` or ``ct`` for the operations that suit such images;
        or a list of names in the table and of medaug's transforms, whose arguments are then those
        at magnitude 10. ``any`` unless given.
    swap_labels : sequence of pairs of ints
        Label values that change places in the first of ``label_keys`` where left becomes right.
    warp_options : mapping
        For the operations that move voxels: see :class:`medaug.transforms.options.WarpOptions`.
        ``mode`` is ``linear`` for images and ``vote`` for labels unless given.
    intensity_options : mapping
        For the others: see :class:`medaug.transforms.options.IntensityOptions`.
    allow_missing_keys : bool
        Skip keys that a sample does not have, instead of raising ``KeyError``.

    Raises
    ------
    ValueError
        If a number is out of its range, an operation is unknown, the space is empty, or its spatial
        transforms disagree about keys or options.
    TypeError
        If an entry of the space is neither a name nor a transform of medaug, or a key of the
        options is unknown.
    """

    def __init__(
        self,
        keys: KeysCollection,
        label_keys: KeysCollection,
        prob: float = 1.0,
        *,
        operations: SupportsIndex = 2,
        magnitude: float = 5.0,
        space: Space | None = None,
        swap_labels: Sequence[Sequence[int]] = (),
        warp_options: WarpOptions | None = None,
        intensity_options: IntensityOptions | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        if not 0 <= magnitude <= MAX_MAGNITUDE:
            raise ValueError(
                f"magnitude must lie between 0 and {MAX_MAGNITUDE:g}; got {magnitude!r}"
            )
        self.image_keys, self.label_keys = ensure_tuple(keys), ensure_tuple(label_keys)
        self.operations = parse_non_negative("operations", operations)
        self.magnitude = float(magnitude)
        missing = {"allow_missing_keys": allow_missing_keys}
        n_images, n_labels = len(self.image_keys), len(self.label_keys)
        moving = {"mode": ("linear",) * n_images + ("vote",) * n_labels, **missing}
        build = _Builder(
            self.image_keys,
            self.label_keys,
            {**moving, **(warp_options or {})},
            {**missing, **(intensity_options or {})},
            swap_labels,
        )
        self.space = tuple(build(entry) for entry in _entries("any" if space is None else space))
        moves = [t for t in self.space if isinstance(t, WarpDictTransform)]
        others = [t for t in self.space if not isinstance(t, WarpDictTransform)]
        super().__init__([Fused(moves), *others] if moves else others, prob)
        arrays = (*self.image_keys, *self.label_keys)
        self.keys = tuple(dict.fromkeys((*arrays, *(key for t in self.space for key in t.keys))))
        self.noted_keys = tuple(dict.fromkeys((*self.keys, *self.noted_keys)))
        self.allow_missing_keys = allow_missing_keys

    def choose(self, rng: np.random.Generator, strength: Strength) -> Iterator[Choice]:
        """Draw the operations; those that move voxels are one step, the first."""
        if not rng.random() < self.prob * strength.prob:
            return
        at = Strength(self.magnitude / MAX_MAGNITUDE * strength.magnitude)
        drawn = [self.space[i] for i in rng.integers(len(self.space), size=self.operations)]
        moves = [t for t in drawn if isinstance(t, WarpDictTransform)]
        if moves:
            yield Choice(0, Fused(moves), at)
        for transform in drawn:
            if not isinstance(transform, WarpDictTransform):
                index = next(i for i, own in enumerate(self.transforms) if own is transform)
                yield Choice(index, transform, at)

    def prepared(self, data: Mapping[Hashable, Any]) -> Sample:
        """Return ``data`` with images as float32, whatever is drawn: samples are to collate."""
        d = dict(data)
        for key in self.key_iterator(d):
            voxels = plain_volume(d[key], key)
            if key in self.image_keys and voxels.dtype not in (np.float32, torch.float32):
                d[key] = volume_like(_as_float(voxels), d[key])
        return d


class _Builder:
    """Makes the transform of an entry of a space."""

    def __init__(
        self,
        image_keys: Sequence[Hashable],
        label_keys: Sequence[Hashable],
        warp_options: Mapping[str, Any],
        intensity_options: Mapping[str, Any],
        swap_labels: Sequence[Sequence[int]],
    ) -> None:
        self.image_keys, self.keys = image_keys, (*image_keys, *label_keys)
        self.warp_options, self.intensity_options = warp_options, intensity_options
        self.swaps: dict[str, Any] = {}
        if swap_labels:
            if not label_keys:
                raise ValueError("swap_labels need label_keys")
            self.swaps = {"swap_labels": swap_labels, "label_key": label_keys[0]}

    def __call__(self, entry: str | DictTransform) -> DictTransform:
        if not isinstance(entry, str):
            return entry
        row = _row(entry)
        if not row.moves_voxels:
            return row.build(self.image_keys, **self.intensity_options)
        swaps = self.swaps if "flip_prob" in row.arguments else {}
        return row.build(self.keys, **self.warp_options, **swaps)


def _entries(space: Space) -> Sequence[str | DictTransform]:
    if isinstance(space, str) and space in get_args(Modality):
        return operation_names(cast(Modality, space))
    return (space,) if isinstance(space, str) else space


def _row(name: str) -> Operation:
    if name not in OPERATIONS:
        hint = did_you_mean(name, OPERATIONS)
        raise ValueError(f"unknown operation {name!r}{hint}: name {', '.join(OPERATIONS)}")
    return OPERATIONS[name]


def _as_float(voxels: Volume) -> Volume:
    if isinstance(voxels, torch.Tensor):
        return voxels.to(torch.float32)
    return voxels.astype(np.float32)


RandAugmentD = RandAugmentDict = RandAugmentd
