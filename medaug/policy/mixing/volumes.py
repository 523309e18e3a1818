"""Between the samples of a pipeline and the cases that are mixed."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monai.config import KeysCollection
from monai.utils import ensure_tuple

from medaug.policy.mixing.case import Case
from medaug.transforms.base import Sample
from medaug.transforms.tensors import affine_of, array_of, volume_like
from medaug.typing import AnyArray


@dataclass(frozen=True)
class Keys:
    """Which entries of a sample are mixed.

    Parameters
    ----------
    images, labels : tuple of keys
    foreground : key
        Of a mask of the foreground, which is not mixed itself; empty if there is none.
    """

    images: tuple[Hashable, ...]
    labels: tuple[Hashable, ...]
    foreground: str = ""

    @classmethod
    def parse(cls, images: KeysCollection, labels: KeysCollection, foreground: str) -> Keys:
        """Return the keys that a user has written.

        Raises
        ------
        ValueError
            If a key is an image and a label.
        TypeError
            If ``foreground`` is no text.
        """
        keys = cls(ensure_tuple(images), ensure_tuple(labels), foreground)
        both = set(keys.images) & set(keys.labels)
        if both:
            raise ValueError(f"keys and label_keys share {sorted(map(str, both))}")
        if not isinstance(foreground, str):
            raise TypeError(f"foreground_key must be a text; got {foreground!r}")
        return keys

    def case_of(self, data: Mapping[Hashable, Any], allow_missing: bool = False) -> Case:
        """Return the arrays of a sample, without a copy for those on the CPU.

        Raises
        ------
        KeyError
            If a key is missing, unless ``allow_missing``.
        TypeError, ValueError
            If an entry is no volume, or they are not on one grid.
        """
        images = _arrays(data, self.images, allow_missing)
        labels = _arrays(data, self.labels, allow_missing)
        mask = None
        if self.foreground:
            (mask,) = _arrays(data, (self.foreground,), False).values()
            mask = (mask != 0).any(axis=0)
        first = next(iter(images), None)
        if first is None:
            raise KeyError(f"none of the keys {list(self.images)} is there")
        return Case(images, labels, affine_of(data[first], first), mask)

    def put(self, case: Case, data: Mapping[Hashable, Any]) -> Sample:
        """Return ``data`` with the arrays of ``case``, of the kind and with the metadata it had."""
        arrays = {**case.images, **case.labels}
        return {**data, **{key: volume_like(array, data[key]) for key, array in arrays.items()}}


def _arrays(
    data: Mapping[Hashable, Any], keys: Sequence[Hashable], allow_missing: bool
) -> dict[Hashable, AnyArray]:
    missing = [key for key in keys if key not in data]
    if missing and not allow_missing:
        raise KeyError(f"{missing} missing; there are {list(data)}")
    return {key: array_of(data[key], key) for key in keys if key in data}
