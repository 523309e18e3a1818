"""Mixing as a transform, with a source of donors."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Hashable, Mapping
from typing import Any, Protocol, TypeAlias

import numpy as np
from monai.config import KeysCollection
from monai.transforms import Randomizable

from medaug.epoch import parse_non_negative
from medaug.policy.mixing.case import Case, Mix
from medaug.policy.mixing.volumes import Keys
from medaug.ranges import FULL, Strength
from medaug.rng import SEED_BOUND
from medaug.transforms.base import RandDictTransform, Record, Sample


class DonorSequence(Protocol):
    """Samples by index, as a list or a data set."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


Donors: TypeAlias = DonorSequence | Callable[[int], Any]


class RandMixd(RandDictTransform):
    """Mix a sample with one drawn from a source of donors.

    Parameters
    ----------
    keys : str or sequence of str
        Images [C, I, J, K] or [C, I, J].
    label_keys : str or sequence of str
        Labels of the same spatial shape; an empty sequence if there are none.
    donors : sequence, data set or callable
        Samples with the same keys, by index; all with the same chance. A sample must be the same
        each time that it is asked for, or what was recorded cannot be made again. They belong to
        the training cases: donors from elsewhere leak.
    mix : Mix
        :class:`MixUp`, :class:`CutMix`, :class:`CarveMix`, or another with their methods.
    prob : float
        Probability that a sample is mixed at all.
    donor_transform : callable, optional
        Makes the sample of what ``donors`` give, for instance loads it. If it is one of MONAI's
        ``Randomizable``, a copy of it runs with a recorded seed.
    n_donors : int, optional
        How many there are; needed for a callable only.
    foreground_key : str
        Key of a mask of the foreground in samples and donors. Unless given, the foreground is what
        is not zero in any image; only :class:`CarveMix` asks.
    allow_missing_keys : bool
        Skip keys that a sample does not have, instead of raising ``KeyError``.

    Raises
    ------
    ValueError
        If there is no donor, a key is both image and label, or, when called, sample and donor
        cannot be mixed: their shapes differ, unless the mix places one in the other, or their
        channels or grids do.
    TypeError
        If ``donors`` has neither length nor ``n_donors``, or ``mix`` is none.

    Notes
    -----
    The record is ``{"donor": index, "donor_seed": seed, "parameters": {...}}``; ``donor`` is
    ``None`` where nothing is mixed. Copies by ``copy.deepcopy`` share the donors. The inverse only
    forgets: nothing has moved, and what was mixed cannot be taken apart.
    """

    def __init__(
        self,
        keys: KeysCollection,
        label_keys: KeysCollection,
        donors: Donors,
        mix: Mix,
        prob: float = 1.0,
        *,
        donor_transform: Callable[[Any], Any] | None = None,
        n_donors: int | None = None,
        foreground_key: str = "",
        allow_missing_keys: bool = False,
    ) -> None:
        self.mixed_keys = Keys.parse(keys, label_keys, foreground_key)
        every = (*self.mixed_keys.images, *self.mixed_keys.labels)
        super().__init__(every, prob, allow_missing_keys)
        check_mix(mix)
        self.donors, self.mix, self.donor_transform = donors, mix, donor_transform
        self.n_donors = _count(donors, n_donors)

    def __call__(self, data: Mapping[Hashable, Any]) -> Sample:
        """Sample a record and apply it; the donor is made once."""
        record, donor = self._draw(data, self.randomize(), FULL)
        return self._mixed(data, record, donor)

    def sample(
        self, data: Mapping[Hashable, Any], rng: np.random.Generator, strength: Strength = FULL
    ) -> Record:
        """Return ``donor``, ``donor_seed`` and the ``parameters`` of the mix."""
        return self._draw(data, rng, strength)[0]

    def apply(self, data: Mapping[Hashable, Any], record: Record) -> Sample:
        """Mix ``data`` as ``record`` says."""
        donor = None
        if record["donor"] is not None:
            donor = self._donor(record["donor"], record["donor_seed"])
        return self._mixed(data, record, donor)

    def inverse(self, data: Mapping[Hashable, Any]) -> Sample:
        """Forget that the transform took place; labels stay mixed."""
        d = dict(data)
        case = self.mixed_keys.case_of(d, self.allow_missing_keys)
        d = self.mixed_keys.put(case, d)
        for key in self.key_iterator(d):
            self.untrace(d, key)
        return d

    def _draw(
        self, data: Mapping[Hashable, Any], rng: np.random.Generator, strength: Strength
    ) -> tuple[Record, Case | None]:
        if not rng.random() < self.prob * strength.prob:
            return {"donor": None, "donor_seed": 0, "parameters": {}}, None
        index, seed = int(rng.integers(self.n_donors)), int(rng.integers(SEED_BOUND))
        donor = self._donor(index, seed)
        mix = self.mix.at_magnitude(strength.magnitude)
        case = self.mixed_keys.case_of(data, self.allow_missing_keys)
        return {
            "donor": index,
            "donor_seed": seed,
            "parameters": mix.sample(rng, case, donor),
        }, donor

    def _donor(self, index: int, seed: int) -> Case:
        donors, transform = self.donors, self.donor_transform
        sample = donors(index) if callable(donors) else donors[index]
        if isinstance(transform, Randomizable):
            transform = copy.deepcopy(transform).set_random_state(seed=seed)
        if transform is not None:
            sample = transform(sample)
        return self.mixed_keys.case_of(sample, self.allow_missing_keys)

    def _mixed(self, data: Mapping[Hashable, Any], record: Record, donor: Case | None) -> Sample:
        case = self.mixed_keys.case_of(data, self.allow_missing_keys)
        if donor is None:
            case = self.mix.prepare(case)
        else:
            case = self.mix.apply(case, donor, record["parameters"])
        d, encoded = self.mixed_keys.put(case, data), json.dumps(record)
        for key in self.key_iterator(d):
            self.trace(d, key, data[key], encoded)
        return d

    def __deepcopy__(self, memo: dict[int, Any]) -> RandMixd:
        """Return a copy with a random state of its own, and the same donors."""
        memo[id(self.donors)] = self.donors
        twin = memo[id(self)] = copy.copy(self)
        twin.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return twin


def check_mix(mix: Mix) -> None:
    """Raise ``TypeError`` unless ``mix`` has the methods of one."""
    methods = ("prepare", "sample", "apply", "at_magnitude")
    if isinstance(mix, type) or not all(callable(getattr(mix, name, None)) for name in methods):
        raise TypeError(f"mix must be MixUp(...), CutMix(...), CarveMix(...) or alike; got {mix!r}")


def _count(donors: Donors, n_donors: int | None) -> int:
    if n_donors is None:
        if not hasattr(donors, "__len__"):
            raise TypeError("donors without a length need n_donors")
        n_donors = len(donors)
    count = parse_non_negative("n_donors", n_donors)
    if not count:
        raise ValueError("there is no donor")
    return count


RandMixD = RandMixDict = RandMixd
