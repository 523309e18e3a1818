"""The base of the transforms that change intensities: each key has parameters of its own."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, get_args

import numpy as np
from monai.config import KeysCollection
from monai.transforms import MapTransform

from medaug.geometry import affine_spacing
from medaug.intensity import (
    NONZERO,
    Change,
    Drawn,
    ImageFacts,
    IntensityEffect,
    KeepRange,
    apply_changes,
)
from medaug.ranges import FULL, Strength, parse_probability
from medaug.resample import check_choice
from medaug.transforms.base import DictTransform, RandDictTransform, Record, Sample
from medaug.transforms.options import IntensityOptions
from medaug.transforms.tensors import (
    Volume,
    affine_of,
    array_of,
    plain_volume,
    volume_like,
    without_metadata,
)
from medaug.typing import AnyArray


class IntensityDictTransform(DictTransform):
    """Base of the intensity transforms: what a subclass adds is its effect and its ranges.

    Images come out as float32, whether or not the transform fires; float16 stays float16.

    Parameters
    ----------
    keys : str or sequence of str
        Images [C, I, J, K] or [C, I, J].
    changes : sequence of Change
        In the order in which they happen.
    allow_missing_keys : bool
        Skip keys that a sample does not have, instead of raising ``KeyError``.
    """

    def __init__(
        self, keys: KeysCollection, changes: Sequence[Change], allow_missing_keys: bool = False
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        self.changes = tuple(changes)

    def sample(
        self, data: Mapping[Hashable, Any], rng: np.random.Generator, strength: Strength = FULL
    ) -> Record:
        """Return ``{"parameters": {key: [...]}}``: for each change, what its channels get."""
        changes = [change.at(strength) for change in self.changes]
        parameters = {}
        for key in self.key_iterator(dict(data)):
            channels, facts = len(data[key]), facts_of(data[key], key)
            parameters[key] = [change.draw(rng, facts, channels) for change in changes]
        return {"parameters": parameters}

    def apply(self, data: Mapping[Hashable, Any], record: Record) -> Sample:
        """Change every key by its parameters in ``record``."""
        d, encoded = dict(data), json.dumps(record)
        for key in self.key_iterator(d):
            original, drawn = d[key], record["parameters"][key]
            d[key] = self._changed(original, key, drawn, self._masks(data, key, drawn))
            self.trace(d, key, original, encoded)
        return d

    def _changed(
        self, original: Volume, key: Hashable, drawn: Sequence[Drawn], masks: dict[str, AnyArray]
    ) -> Volume:
        """Return an image after the changes; its metadata is a copy."""
        given = array_of(original, key)
        values = given.astype(np.float32, copy=False)
        values = apply_changes(self.changes, values, drawn, facts_of(original, key), masks)
        if given.dtype == np.float16:
            values = values.astype(np.float16)
        return volume_like(values, original)

    def inverse(self, data: Mapping[Hashable, Any]) -> Sample:
        """Forget that the transform took place.

        MONAI inverts in order to bring a prediction back to the grid of its scan; a change of
        intensities has not moved anything, so there is nothing to bring back.
        """
        d = dict(data)
        for key in self.key_iterator(d):
            d[key] = volume_like(plain_volume(d[key], key), d[key])
            self.untrace(d, key)
        return d

    def _masks(
        self, data: Mapping[Hashable, Any], key: Hashable, drawn: Sequence[Any]
    ) -> dict[str, AnyArray]:
        """Return the masks that the changes which take part name."""
        pairs = zip(self.changes, drawn, strict=True)
        names = {change.foreground for change, each in pairs if each}
        masks = {}
        for name in sorted(names - {"", NONZERO}):
            if name not in data:
                raise KeyError(f"the foreground {name!r} of {key!r} is missing")
            mask, shape = array_of(data[name], name), data[key].shape
            if len(mask) not in (1, len(data[key])) or data[name].shape[1:] != shape[1:]:
                raise ValueError(
                    f"the foreground {name!r} must have one channel, or as many as {key!r}, and "
                    f"its spatial shape; got {list(data[name].shape)} and {list(shape)}"
                )
            masks[name] = mask
        return masks


class RandIntensityDictTransform(RandDictTransform, IntensityDictTransform):
    """Base of the random intensity transforms of a single effect.

    Parameters
    ----------
    keys : str or sequence of str
        Images [C, I, J, K] or [C, I, J].
    prob : float
        Probability that an image is changed at all.
    effect : IntensityEffect
    options : IntensityOptions
    """

    def __init__(
        self, keys: KeysCollection, prob: float, effect: IntensityEffect, options: IntensityOptions
    ) -> None:
        RandDictTransform.__init__(self, keys, prob, options.get("allow_missing_keys", False))
        unknown = options.keys() - IntensityOptions.__annotations__.keys()
        if unknown:
            raise TypeError(f"{type(self).__name__} takes no argument {', '.join(sorted(unknown))}")
        keep_range = options.get("keep_range", "no")
        check_choice("keep_range", keep_range, get_args(KeepRange))
        foreground = options.get("foreground", "")
        if not isinstance(foreground, str):
            raise TypeError(f"foreground must be {NONZERO!r} or a key; got {foreground!r}")
        change = Change(
            effect,
            self.prob,
            bool(options.get("per_channel", False)),
            parse_probability("channel_prob", options.get("channel_prob", 1.0)),
            foreground,
            keep_range,
        )
        IntensityDictTransform.__init__(self, keys, (change,), self.allow_missing_keys)


def facts_of(image: Volume, key: Hashable) -> ImageFacts:
    """Return what effects may know of an image."""
    _, first, second, third = plain_volume(image, key).shape
    a, b, c = affine_spacing(affine_of(image, key)).tolist()
    rank = without_metadata(image).ndim - 1
    return ImageFacts((int(first), int(second), int(third)), (a, b, c), rank)
