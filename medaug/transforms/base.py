"""MONAI's protocol for dictionary transforms, written once.

A transform says how it samples a record and how it applies one. Both are pure: what was sampled
lives in the record, a small dictionary that JSON keeps exactly, never on the transform. The record
is kept with the sample, so ``transform.apply(sample, record)`` makes an augmented sample again.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Hashable, Mapping
from typing import Any, TypeAlias

import numpy as np
from monai.config import KeysCollection
from monai.data import MetaTensor, get_track_meta
from monai.transforms import InvertibleTransform, MapTransform, RandomizableTransform
from monai.utils.enums import TraceKeys

from medaug.ranges import FULL, Strength, parse_probability
from medaug.rng import SEED_BOUND, generator
from medaug.transforms.tensors import Volume, move_affine, without_metadata
from medaug.typing import Matrix

Record: TypeAlias = dict[str, Any]
Sample: TypeAlias = dict[Hashable, Any]

#: Under which a note about a key keeps the record.
RECORD = "record"


class DictTransform(MapTransform, InvertibleTransform):
    """Base of all dictionary transforms.

    Parameters
    ----------
    keys : str or sequence of str
        Keys of the arrays [C, I, J, K] or [C, I, J] to transform.
    allow_missing_keys : bool
        Skip keys that a sample does not have, instead of raising ``KeyError``.
    """

    def __call__(self, data: Mapping[Hashable, Any]) -> Sample:
        """Sample a record and apply it."""
        return self.apply(data, self.sample(data, self.randomize()))

    def randomize(self, data: Any = None) -> np.random.Generator:  # noqa: ARG002  # MONAI's signature
        """Return a generator; a transform that is not random draws nothing from it."""
        return generator(0)

    @abstractmethod
    def sample(
        self, data: Mapping[Hashable, Any], rng: np.random.Generator, strength: Strength = FULL
    ) -> Record:
        """Return the parameters for ``data``, as JSON keeps them exactly.

        Containers ask for less than full strength; what is not random takes no notice.
        """

    @abstractmethod
    def apply(self, data: Mapping[Hashable, Any], record: Record) -> Sample:
        """Return ``data`` transformed as ``record`` says; ``data`` itself stays as it is."""

    def trace(
        self,
        data: Sample,
        key: Hashable,
        original: Volume,
        encoded: str,
        *,
        affine: Matrix | None = None,
        **extra_info: Any,
    ) -> None:
        """Note in ``data`` what was done to ``key``, in the way MONAI's inverse expects.

        The record travels ``encoded`` as a JSON string, because MONAI collates what it traces and
        a string collates whatever it says.
        """
        volume = data[key]  # new lists: those of the input must not grow
        if affine is not None and isinstance(volume, MetaTensor):
            move_affine(volume, affine)
        if not (self.tracing and get_track_meta()):
            return
        note = {
            **self.get_transform_info(),
            TraceKeys.ORIG_SIZE: tuple(without_metadata(original).shape[1:]),
            TraceKeys.LAZY: False,
            TraceKeys.EXTRA_INFO: {RECORD: encoded, **extra_info},
        }
        if isinstance(volume, MetaTensor):
            volume.applied_operations = [*volume.applied_operations, note]
        else:
            names = self.trace_key(key)
            data[names] = [*data.get(names, ()), note]

    def untrace(self, data: Sample, key: Hashable) -> tuple[Record, dict[str, Any]]:
        """Take back the latest note about ``key``; return its record and the whole note."""
        names, volume = self.trace_key(key), data[key]
        if names in data:
            data[names] = list(data[names])
        if isinstance(volume, MetaTensor):  # the list of the input must not shrink, either
            notes = list(volume.applied_operations)
            data[key] = MetaTensor(volume.as_tensor(), meta=volume.meta, applied_operations=notes)
        note = self.pop_transform(data, key)
        return json.loads(note[TraceKeys.EXTRA_INFO][RECORD]), note


class RandDictTransform(RandomizableTransform, DictTransform):
    """Base of all random dictionary transforms.

    Parameters
    ----------
    keys, allow_missing_keys
        See :class:`DictTransform`.
    prob : float
        Probability that a sample is changed at all.
    """

    def __init__(self, keys: KeysCollection, prob: float, allow_missing_keys: bool) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        RandomizableTransform.__init__(self, parse_probability("prob", prob))

    def randomize(self, data: Any = None) -> np.random.Generator:  # noqa: ARG002  # MONAI's signature
        """Draw one integer from ``R`` and return the generator that it seeds."""
        return generator(int(self.R.randint(SEED_BOUND, dtype=np.uint32)))
