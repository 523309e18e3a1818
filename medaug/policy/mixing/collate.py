"""Mixing as a collate function, within a batch."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, SupportsIndex, TypeAlias

import numpy as np
from monai.config import KeysCollection
from monai.data import list_data_collate

from medaug.epoch import SharedEpoch, parse_non_negative
from medaug.policy.mixing.case import Case, Mix
from medaug.policy.mixing.transform import check_mix
from medaug.policy.mixing.volumes import Keys
from medaug.ranges import parse_probability
from medaug.rng import generator
from medaug.transforms.base import Record, Sample

Batch: TypeAlias = Sequence[Mapping[Hashable, Any]]

#: Of each array about so many voxels tell one sample from another.
_TELLING_VOXELS = 65536


class MixCollate:
    """Mix the samples of a batch with each other, then collate them.

    The samples form a random ring, and each has its neighbour, as it was before any mixing, as a
    donor. What is drawn depends on the seed, the epoch and the voxels of the batch, and on nothing
    else: not on the number of workers, on their kind or on global states.

    Parameters
    ----------
    keys : str or sequence of str
        Images [C, I, J, K] or [C, I, J].
    label_keys : str or sequence of str
        Labels of the same spatial shape; an empty sequence if there are none.
    mix : Mix
        :class:`MixUp`, :class:`CutMix`, :class:`CarveMix`, or another with their methods.
    prob : float
        Probability, for each sample, that it is mixed at all.
    seed : int
        At least 0.
    collate_fn : callable
        Makes the batch of a list of samples; MONAI's ``list_data_collate`` unless given.
    foreground_key : str
        Key of a mask of the foreground. Unless given, the foreground is what is not zero in any
        image; only :class:`CarveMix` asks.

    Raises
    ------
    ValueError
        If the seed is negative, ``prob`` not in [0, 1] or a key both image and label; when called,
        if samples cannot be mixed.
    TypeError
        If ``mix`` is none.

    Notes
    -----
    Nothing is written into the traces of the samples: a decollated sample inverts as if it had not
    been mixed. :meth:`sample` says what is drawn for a batch.

    Examples
    --------
    >>> mix = MixUp(labels="onehot", n_classes=4)
    >>> collate = MixCollate("image", "label", mix, prob=0.5, seed=0)
    >>> loader = DataLoader(dataset, batch_size=4, collate_fn=collate)
    """

    def __init__(
        self,
        keys: KeysCollection,
        label_keys: KeysCollection,
        mix: Mix,
        prob: float = 1.0,
        *,
        seed: SupportsIndex = 0,
        collate_fn: Callable[[list[Any]], Any] = list_data_collate,
        foreground_key: str = "",
    ) -> None:
        self.keys = Keys.parse(keys, label_keys, foreground_key)
        check_mix(mix)
        self.mix, self.prob = mix, parse_probability("prob", prob)
        self.seed, self.collate_fn = parse_non_negative("seed", seed), collate_fn
        self._epoch = SharedEpoch()

    def set_epoch(self, epoch: SupportsIndex) -> None:
        """Begin another epoch, also in workers that are already running.

        Only batches that are the same in every epoch need it.
        """
        self._epoch.set(epoch)

    def __call__(self, batch: Sequence[Any]) -> Any:
        """Return the collated batch; items that are lists, as of crops, count as their samples."""
        samples: list[Any] = []
        for item in batch:
            samples.extend(item if isinstance(item, list) else [item])
        return self.collate_fn(list(self.apply(samples, self.sample(samples))))

    def sample(self, batch: Batch) -> list[Record]:
        """Return for each sample ``donor``, an index or none, and the ``parameters`` of the mix."""
        cases = [self.keys.case_of(sample) for sample in batch]
        rng = generator(self.seed, int(self._epoch), *map(_checksum, cases))
        ring = rng.permutation(len(cases))
        donors = dict(zip(ring.tolist(), np.roll(ring, -1).tolist(), strict=True))
        records: list[Record] = []
        for index, case in enumerate(cases):
            fires, donor = rng.random() < self.prob, donors[index]
            if not fires or donor == index:
                records.append({"donor": None, "parameters": {}})
            else:
                parameters = self.mix.sample(rng, case, cases[donor])
                records.append({"donor": donor, "parameters": parameters})
        return records

    def apply(self, batch: Batch, records: Sequence[Record]) -> list[Sample]:
        """Return the mixed samples; those of ``batch`` stay as they are."""
        cases = [self.keys.case_of(sample) for sample in batch]
        mixed = []
        for data, case, record in zip(batch, cases, records, strict=True):
            if record["donor"] is None:
                result = self.mix.prepare(case)
            else:
                result = self.mix.apply(case, cases[record["donor"]], record["parameters"])
            mixed.append(self.keys.put(result, data))
        return mixed


def _checksum(case: Case) -> int:
    """Return a number that tells one case from another."""
    checksum = 0
    for array in (*case.images.values(), *case.labels.values()):
        step = 1 + array.size // _TELLING_VOXELS
        checksum = zlib.crc32(np.ascontiguousarray(array.ravel()[::step]).tobytes(), checksum)
    return checksum
