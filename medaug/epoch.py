"""An epoch that workers which are already running see change."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, SupportsIndex

import torch


class SharedEpoch:
    """A counter of epochs in shared memory.

    Forked workers have this very memory, spawned ones unpickle it, and ``copy.deepcopy`` returns
    the counter itself, so that a copied transform follows the epoch of its original. Pickled in any
    other way it becomes a counter of its own.

    Parameters
    ----------
    value : int
        At least 0.
    """

    def __init__(self, value: SupportsIndex = 0) -> None:
        self._value = torch.tensor(parse_non_negative("epoch", value), dtype=torch.int64)
        self._share()

    def __int__(self) -> int:
        return int(self._value)

    def set(self, value: SupportsIndex) -> None:
        """Begin another epoch, for everybody who shares this one.

        Raises
        ------
        TypeError
            If it is not an integer.
        ValueError
            If it is negative.
        """
        self._value.fill_(parse_non_negative("epoch", value))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({int(self)})"

    def __copy__(self) -> SharedEpoch:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> SharedEpoch:
        return self

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._share()

    def _share(self) -> None:
        self._value.share_memory_()  # type: ignore[no-untyped-call]  # torch says no type


def find_epochs(root: Any) -> tuple[SharedEpoch, ...]:
    """Return the epochs that ``root`` and all within it hold, each once.

    Attributes, lists, tuples, sets and the values of mappings are looked into.
    """
    found: dict[int, SharedEpoch] = {}
    seen: dict[int, Any] = {}  # keeps what it has seen: the number of a dead object is used again
    waiting = [root]
    while waiting:
        item = waiting.pop()
        if id(item) in seen or isinstance(item, (str, bytes, type, ModuleType, torch.Tensor)):
            continue
        seen[id(item)] = item
        if isinstance(item, SharedEpoch):
            found[id(item)] = item
        elif isinstance(item, Mapping):
            waiting += item.values()
        elif isinstance(item, (list, tuple, set, frozenset)):
            waiting += item
        else:
            waiting += _attributes(item)
    return tuple(found.values())


def parse_non_negative(name: str, value: SupportsIndex) -> int:
    """Return ``value`` as an int.

    Raises
    ------
    TypeError
        If it is not an integer.
    ValueError
        If it is negative.
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer; got {value!r}") from None
    if number < 0:
        raise ValueError(f"{name} must not be negative; got {value!r}")
    return number


def _attributes(item: Any) -> Iterable[Any]:
    return list(getattr(item, "__dict__", {}).values())
