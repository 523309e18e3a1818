"""Several intensity transforms in as few passes as possible."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from medaug.ranges import FULL, Strength
from medaug.transforms.base import RandDictTransform, Record
from medaug.transforms.changing import IntensityDictTransform


class FusedIntensity(RandDictTransform, IntensityDictTransform):
    """Run a series of medaug's intensity transforms channel by channel.

    It is a transform for MONAI's ``Compose``, and the same as its parts one after the other, but
    neighbouring pointwise changes run as one pass, statistics are taken in passes that happen
    anyway, and a channel stays in the cache until it is done.

    Parameters
    ----------
    transforms : sequence of intensity transforms
        In the order in which they happen; each fires with its own probability. All must have the
        same keys.

    Raises
    ------
    TypeError
        If one is no intensity transform of medaug.
    ValueError
        If there is none, or their keys differ.
    """

    def __init__(self, transforms: Sequence[IntensityDictTransform]) -> None:
        for transform in transforms:
            if not isinstance(transform, IntensityDictTransform):
                raise TypeError(
                    "FusedIntensity takes medaug's intensity transforms only; "
                    f"got {type(transform).__name__}"
                )
        if not transforms:
            raise ValueError("FusedIntensity needs at least one transform")
        first = transforms[0]
        for transform in transforms[1:]:
            if transform.keys != first.keys:
                raise ValueError(
                    "the transforms of FusedIntensity disagree about keys: "
                    f"{first.keys!r} and {transform.keys!r}"
                )
        missing = all(transform.allow_missing_keys for transform in transforms)
        RandDictTransform.__init__(self, first.keys, 1.0, missing)
        changes = [change for transform in transforms for change in transform.changes]
        IntensityDictTransform.__init__(self, first.keys, changes, missing)
        self.transforms = tuple(transforms)

    def sample(
        self, data: Mapping[Hashable, Any], rng: np.random.Generator, strength: Strength = FULL
    ) -> Record:
        """Return what the parts draw, each in its own way, as one record."""
        drawn = [part.sample(data, rng, strength)["parameters"] for part in self.transforms]
        keys = list(self.key_iterator(dict(data)))
        return {"parameters": {key: [one for each in drawn for one in each[key]] for key in keys}}


FusedIntensityD = FusedIntensityDict = FusedIntensity
