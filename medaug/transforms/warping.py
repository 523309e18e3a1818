"""The base of the transforms that move voxels: one warp a sample, one resample for all keys."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, get_args

import numpy as np
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform
from monai.utils import ensure_tuple
from monai.utils.enums import TraceKeys

from medaug.geometry import Warp
from medaug.ranges import FULL, Strength
from medaug.resample import Mode, Sampling, check_choice
from medaug.spatial import Foreground, Grid, LabelArray, Step, index_of, sample_move
from medaug.transforms.base import DictTransform, RandDictTransform, Record, Sample
from medaug.transforms.options import (
    Backend,
    LabelPairs,
    PointSpace,
    WarpOptions,
    parse_pairs,
    samplings_of,
)
from medaug.transforms.points import check_points, mapped_points
from medaug.transforms.tensors import (
    Volume,
    affine_of,
    array_of,
    move_affine,
    plain_volume,
    volume_like,
    without_metadata,
)
from medaug.transforms.voxels import (
    check_holds,
    check_sampled,
    check_whole,
    resample_volumes,
    swap_labels_in,
)

#: Names under which MONAI knows a mode: its Invertd replaces only those that it knows.
_MONAI_MODES = {"cubic": "bicubic"}
_OWN_MODES = {theirs: ours for ours, theirs in _MONAI_MODES.items()}


class Drawn(NamedTuple):
    """What was drawn for a sample.

    Attributes
    ----------
    warp : Warp
        From output voxels to input voxels.
    swaps : tuple of pairs of ints
        Label values that change places, in this order.
    """

    warp: Warp
    swaps: LabelPairs


class WarpDictTransform(DictTransform):
    """Base of the spatial transforms: what a subclass adds is its steps and their ranges.

    Parameters
    ----------
    keys : str or sequence of str
        Arrays [C, I, J, K] or [C, I, J]; all of one spatial shape. They share the warp.
    steps : sequence of Step
        In the order in which they happen to the image.
    options : WarpOptions
    default_mode : str
        The mode where ``options`` names none.
    swap_labels : sequence of pairs of ints
        Values that change places in ``label_key`` where flips have made left right.
    label_key : str
        The key that holds the labels.
    needs_foreground : bool
        The steps look at the labels.

    Raises
    ------
    ValueError
        When built: an unknown mode, a range upside down, a size of zero. When called: keys of
        different shape, a wrong rank, an unusable affine, a label that is not whole numbers.
    KeyError
        When called: a key is missing.
    """

    def __init__(
        self,
        keys: KeysCollection,
        steps: Sequence[Step],
        options: WarpOptions,
        *,
        default_mode: Mode = "linear",
        swap_labels: Sequence[Sequence[int]] = (),
        label_key: str = "label",
        needs_foreground: bool = False,
    ) -> None:
        unknown = options.keys() - WarpOptions.__annotations__.keys()
        if unknown:
            raise TypeError(f"{type(self).__name__} takes no argument {', '.join(sorted(unknown))}")
        MapTransform.__init__(self, keys, options.get("allow_missing_keys", False))
        self.steps = tuple(steps)
        self.options = options
        self.default_mode = default_mode
        self.samplings = samplings_of(len(self.keys), options, default_mode)
        self.point_keys = ensure_tuple(options.get("point_keys", ()))
        self.point_space = options.get("point_space", "world")
        self.backend = options.get("backend", "auto")
        self.swap_labels = parse_pairs(swap_labels)
        self.label_key = label_key
        self.needs_foreground = needs_foreground
        check_choice("point_space", self.point_space, get_args(PointSpace))
        check_choice("backend", self.backend, get_args(Backend))
        if (self.swap_labels or needs_foreground) and label_key not in self.keys:
            raise ValueError(f"label_key {label_key!r} is none of the keys {list(self.keys)}")
        modes = dict(zip(self.keys, [sampling.mode for sampling in self.samplings], strict=True))
        if self.swap_labels and modes[label_key] not in ("nearest", "vote"):
            raise ValueError(
                f"swap_labels need mode 'nearest' or 'vote' for {label_key!r}; "
                f"got {modes[label_key]!r}"
            )

    def draw(self, rng: np.random.Generator, grid: Grid, strength: Strength = FULL) -> Drawn:
        """Draw the warp for a sample on ``grid``."""
        steps = self.steps
        if strength.magnitude != 1:
            steps = tuple(step.at_magnitude(strength.magnitude) for step in steps)
        move = sample_move(steps, rng, grid, fires=self.fires(rng, strength))
        return Drawn(move.warp, self.swap_labels if move.mirrored else ())

    def fires(self, rng: np.random.Generator, strength: Strength) -> bool:  # noqa: ARG002  # the random ones draw
        """Tell whether this sample is changed at all."""
        return True

    def sample(
        self, data: Mapping[Hashable, Any], rng: np.random.Generator, strength: Strength = FULL
    ) -> Record:
        """Return what was drawn: ``warp`` (see :meth:`Warp.to_dict`) and ``swap_labels``.

        And ``affine``, voxel to world before the warp, without which points could not go back.
        """
        grid = self._grid_of(data)
        drawn = self.draw(rng, grid, strength)
        return {
            "warp": drawn.warp.to_dict(),
            "swap_labels": [list(pair) for pair in drawn.swaps],
            "affine": grid.affine.tolist(),
        }

    def apply(self, data: Mapping[Hashable, Any], record: Record) -> Sample:
        """Resample every key by the warp of ``record``, and move the points."""
        d, encoded = dict(data), json.dumps(record)
        warp, swaps = Warp.from_dict(record["warp"]), record["swap_labels"]
        pulled = warp.affine_part()
        present = list(self.key_iterator(d, self.samplings))
        originals = [d[key] for key, _ in present]
        sampled = [(key, self._before_swaps(key, sampling, swaps)) for key, sampling in present]
        results = self.read(originals, warp, sampled)
        for (key, sampling), original, voxels in zip(present, originals, results, strict=True):
            if key == self.label_key:
                voxels = swap_labels_in(voxels, swaps)  # noqa: PLW2901  # the next stage
            d[key] = volume_like(voxels, original)
            self.trace(d, key, original, encoded, affine=pulled, **_noted(sampling))
        for key in self._present_point_keys(d):
            original, rank = d[key], originals[0].ndim - 1
            undone = warp.inverse(plain_volume(originals[0], present[0][0]).shape[1:])
            affine = np.array(record["affine"], np.float64)
            world = (affine, affine @ pulled) if self.point_space == "world" else None
            d[key] = mapped_points(original, key, rank, undone.map_points, world)
            self.trace(d, key, original, encoded, rank=rank)
        return d

    def read(
        self, volumes: Sequence[Volume], warp: Warp, sampled: Sequence[tuple[Hashable, Sampling]]
    ) -> list[Volume]:
        """Return what ``warp`` makes of the volumes of all keys, [C, I, J, K] each."""
        return resample_volumes(volumes, warp, sampled, self.backend)

    def inverse(self, data: Mapping[Hashable, Any]) -> Sample:
        """Take every key back to the grid it came from, points and swapped labels included.

        What had left the field of view is gone; it comes back as ``padding_value``.
        """
        d = dict(data)
        for key in self.key_iterator(d):
            record, note = self.untrace(d, key)
            warped, warp = d[key], Warp.from_dict(record["warp"])
            swaps = record["swap_labels"][::-1]
            size = [int(n) for n in note[TraceKeys.ORIG_SIZE]]
            undone = warp.inverse(size + [1] * (3 - len(size)))
            # MONAI's Invertd writes the interpolation that it wants into the note.
            info = note[TraceKeys.EXTRA_INFO]
            mode = _OWN_MODES.get(info["mode"], info["mode"])
            sampling = Sampling(mode, info["padding_mode"], float(info["padding_value"]))
            sampling = self._before_swaps(key, sampling, swaps)
            (voxels,) = resample_volumes([warped], undone, [(key, sampling)], self.backend)
            if key == self.label_key:
                voxels = swap_labels_in(voxels, swaps)
            d[key] = volume_like(voxels, warped)
            if isinstance(d[key], MetaTensor):
                move_affine(d[key], undone.affine_part())
        for key in self._present_point_keys(d):
            record, note = self.untrace(d, key)
            warp, affine = Warp.from_dict(record["warp"]), np.array(record["affine"], np.float64)
            world = (affine @ warp.affine_part(), affine) if self.point_space == "world" else None
            rank = int(note[TraceKeys.EXTRA_INFO]["rank"])
            d[key] = mapped_points(d[key], key, rank, warp.map_points, world)
        return d

    def _before_swaps(
        self, key: Hashable, sampling: Sampling, swaps: Sequence[Sequence[int]]
    ) -> Sampling:
        """Return ``sampling`` with a padding value that the swaps turn into the one asked for."""
        if key != self.label_key or not swaps:
            return sampling
        value = sampling.padding_value
        for left, right in reversed(swaps):
            value = right if value == left else left if value == right else value
        return dataclasses.replace(sampling, padding_value=value)

    def check_grid(self, grid: Grid) -> None:
        """Refuse ``grid`` if the steps cannot act on it."""
        for step in self.steps:
            step.effect.check_fits(grid)

    def _present_point_keys(self, data: Sample) -> Iterator[Hashable]:
        for key in self.point_keys:
            if key in data:
                yield key
            elif not self.allow_missing_keys:
                raise KeyError(f"{key!r} of point_keys is missing")

    def _grid_of(self, data: Mapping[Hashable, Any]) -> Grid:
        """Return the grid that all keys share."""
        d = dict(data)
        shapes, affines = {}, {}
        for key, sampling in self.key_iterator(d, self.samplings):
            voxels = plain_volume(d[key], key)
            check_sampled(voxels, key, sampling)
            if key == self.label_key and (self.swap_labels or self.needs_foreground):
                check_whole(voxels, key)
                swapped = [label for pair in self.swap_labels for label in pair]
                check_holds(voxels, key, "swap_labels", swapped)
            shapes[key] = tuple(without_metadata(d[key]).shape[1:])
            affines[key] = affine_of(d[key], key)
        if len(set(shapes.values())) > 1:
            raise ValueError(f"all keys must have the same spatial shape; got {shapes}")
        if not shapes:
            raise KeyError(f"the sample has none of the keys {list(self.keys)}")
        key, shape = next(iter(shapes.items()))
        for point_key in self._present_point_keys(d):
            check_points(d[point_key], point_key, len(shape))
        first, second, third = (*shape, 1)[:3]
        foreground = self._foreground_of(d[self.label_key]) if self.needs_foreground else None
        grid = Grid((first, second, third), affines[key], len(shape), foreground)
        self.check_grid(grid)
        return grid

    def _foreground_of(self, label: Volume) -> Foreground:
        voxels = array_of(label, self.label_key)
        if len(voxels) > 1:
            raise ValueError(
                f"{self.label_key!r} must have one channel of labels for a crop about the "
                f"foreground; got shape {list(label.shape)}"
            )
        known = index_of(voxels[0]) or LabelArray(voxels[0])
        return Foreground(known, Warp(known.shape))


class RandWarpDictTransform(RandDictTransform, WarpDictTransform):
    """Base of the random spatial transforms.

    Parameters
    ----------
    keys, steps, options, **others
        See :class:`WarpDictTransform`.
    prob : float
        Probability that a sample is changed at all; only the steps that always happen, such as the
        crop to a fixed size, happen otherwise.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float,
        steps: Sequence[Step],
        options: WarpOptions,
        **others: Any,
    ) -> None:
        RandDictTransform.__init__(self, keys, prob, options.get("allow_missing_keys", False))
        WarpDictTransform.__init__(self, keys, steps, options, **others)

    def fires(self, rng: np.random.Generator, strength: Strength) -> bool:
        """Draw whether this sample is changed at all."""
        return bool(rng.random() < self.prob * strength.prob)


def _noted(sampling: Sampling) -> dict[str, Any]:
    """Return what a note says of how voxels were read, in MONAI's terms."""
    mode = _MONAI_MODES.get(sampling.mode, sampling.mode)
    return {**vars(sampling), "mode": mode}
