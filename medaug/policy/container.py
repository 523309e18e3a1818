"""Transforms that run others, one after the other, as strong as they decide."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Hashable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
from monai.data import MetaTensor
from monai.transforms.utils import convert_applied_interp_mode
from monai.utils.enums import TraceKeys

from medaug.ranges import FULL, Strength
from medaug.transforms.base import RECORD, DictTransform, RandDictTransform, Record, Sample

#: An interpolation that MONAI knows, and so replaces in the note when it wants another.
_AS_NOTED = "linear"


class Choice(NamedTuple):
    """A step that a container takes.

    Attributes
    ----------
    applies : int
        Index of the inner transform that applies what is drawn.
    draws : DictTransform
        What draws it; the same transform unless several are drawn as one.
    strength : Strength
    """

    applies: int
    draws: DictTransform
    strength: Strength


class ContainerDictTransform(RandDictTransform):
    """Base of the transforms that run others.

    The record is ``{"steps": [{"index": i, "record": ...}, ...]}``: which of the inner transforms
    ran, in order, and what each of them drew. The traces that they leave are folded into that of
    the container, one a key however many steps there were: MONAI could not collate samples that
    differ in it. The inverse unfolds them and undoes the steps in reverse.

    Parameters
    ----------
    transforms : sequence of DictTransform
        They are not copied, nor is anything stored on them. Their own random states are not used.
    prob : float
        Probability that any of them runs.

    Raises
    ------
    TypeError
        If one is no dictionary transform of medaug.
    ValueError
        If there is none.
    """

    def __init__(self, transforms: Sequence[DictTransform], prob: float) -> None:
        name = type(self).__name__
        for transform in transforms:
            if not isinstance(transform, DictTransform):
                raise TypeError(
                    f"{name} takes medaug's transforms only; got {type(transform).__name__}"
                )
        if not transforms:
            raise ValueError(f"{name} needs at least one transform")
        self.transforms = tuple(transforms)
        self._allow_missing = tuple(t.allow_missing_keys for t in transforms)
        keys = tuple(dict.fromkeys(key for t in transforms for key in t.keys))
        self.noted_keys = tuple(dict.fromkeys(key for t in transforms for key in _keys_of(t)))
        super().__init__(keys, prob, all(self._allow_missing))

    @property
    def allow_missing_keys(self) -> bool:
        """Whether keys that a sample does not have are skipped.

        MONAI's ``Invertd`` switches it on for a while, and knows nothing of the inner transforms;
        so it reaches them from here, and what each of them was given comes back afterwards.
        """
        return self._allows_missing_keys

    @allow_missing_keys.setter
    def allow_missing_keys(self, allowed: bool) -> None:
        self._allows_missing_keys = allowed
        for transform, own in zip(self.transforms, self._allow_missing, strict=True):
            transform.allow_missing_keys = allowed or own

    @abstractmethod
    def choose(self, rng: np.random.Generator, strength: Strength) -> Iterator[Choice]:
        """Draw which inner transforms run, and how strong."""

    def __call__(self, data: Mapping[Hashable, Any]) -> Sample:
        """Sample a record and apply it, each step once."""
        d, record = self._run(data, self.randomize(), FULL)
        return self._noted(data, d, record)

    def sample(
        self, data: Mapping[Hashable, Any], rng: np.random.Generator, strength: Strength = FULL
    ) -> Record:
        """Return ``{"steps": [...]}``; the steps are taken, as each sees what the last has left."""
        return self._run(data, rng, strength)[1]

    def apply(self, data: Mapping[Hashable, Any], record: Record) -> Sample:
        """Take the steps of ``record``."""
        d = self.prepared(data)
        for step in record["steps"]:
            d = self.transforms[step["index"]].apply(d, step["record"])
        return self._noted(data, d, record)

    def inverse(self, data: Mapping[Hashable, Any]) -> Sample:
        """Undo the steps, the last one first."""
        d = dict(data)
        record: Record = {"steps": []}
        for key in self._present(d):
            record, note = self.untrace(d, key)
            _notes_of(d, key).extend(self._unfolded(record, note[TraceKeys.EXTRA_INFO]))
        for step in reversed(record["steps"]):
            d = self.transforms[step["index"]].inverse(d)
        return d

    def prepared(self, data: Mapping[Hashable, Any]) -> Sample:
        """Return ``data`` as the first step sees it."""
        return dict(data)

    def _run(
        self, data: Mapping[Hashable, Any], rng: np.random.Generator, strength: Strength
    ) -> tuple[Sample, Record]:
        d, steps = self.prepared(data), []
        for index, draws, at in self.choose(rng, strength):
            record = draws.sample(d, rng, at)
            d = self.transforms[index].apply(d, record)
            steps.append({"index": index, "record": record})
        return d, {"steps": steps}

    def _noted(self, data: Mapping[Hashable, Any], d: Sample, record: Record) -> Sample:
        """Return ``d`` with one note a key, of the record and of what its steps have noted."""
        encoded = json.dumps(record)
        for key in self._present(d):
            original = data[key]
            if d[key] is original:  # no step has made it new, and notes must not reach the input
                d[key] = _with_notes_of_its_own(original)
            before, notes = len(_notes_of(dict(data), key)), _notes_of(d, key)
            folded = json.dumps(self._folded(record, key, notes[before:]))
            if len(notes) > before:
                del notes[before:]
            self.trace(d, key, original, encoded, mode=_AS_NOTED, steps=folded)
        return d

    def _folded(
        self, record: Record, key: Hashable, notes: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Return each note with its step, and without the record, which the step has already."""
        steps = [n for n, step in enumerate(record["steps"]) if self._takes(step, key)]
        folded = []
        for number, note in zip(steps, notes, strict=bool(notes)):  # none where MONAI keeps none
            info = {k: v for k, v in note[TraceKeys.EXTRA_INFO].items() if k != RECORD}
            folded.append({**note, TraceKeys.EXTRA_INFO: info, "step": number})
        return folded

    def _unfolded(self, record: Record, info: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the notes of the steps, as notes of the inner transforms that this one has."""
        notes: list[dict[str, Any]] = json.loads(info["steps"])
        for note in notes:
            step = record["steps"][note.pop("step")]
            note[TraceKeys.ID] = id(self.transforms[step["index"]])
            note[TraceKeys.EXTRA_INFO][RECORD] = json.dumps(step["record"])
        if info["mode"] != _AS_NOTED:  # MONAI's Invertd wants another interpolation
            notes = convert_applied_interp_mode(notes, mode=info["mode"])
        return notes

    def _takes(self, step: Record, key: Hashable) -> bool:
        return key in _keys_of(self.transforms[step["index"]])

    def _present(self, d: Sample) -> list[Hashable]:
        """Return the keys that ``d`` has; the steps refuse a sample that lacks one they need."""
        return [key for key in self.noted_keys if key in d]


def _keys_of(transform: DictTransform) -> tuple[Hashable, ...]:
    """Return the keys that ``transform`` notes something about, those of points included."""
    return (*transform.keys, *getattr(transform, "point_keys", ()))


def _notes_of(d: Sample, key: Hashable) -> list[dict[str, Any]]:
    """Return the notes on ``key``, the very list."""
    value = d[key]
    if isinstance(value, MetaTensor):
        notes: list[dict[str, Any]] = value.applied_operations
        return notes
    kept: list[dict[str, Any]] = d.setdefault(DictTransform.trace_key(key), [])
    return kept


def _with_notes_of_its_own(value: Any) -> Any:
    if not isinstance(value, MetaTensor):
        return value
    meta, notes = deepcopy(value.meta), list(value.applied_operations)
    return MetaTensor(value.as_tensor(), meta=meta, applied_operations=notes)
