"""Where the voxels of each class are, written down once so that a label need not be searched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from weakref import WeakValueDictionary

import numpy as np

from medaug.geometry import Shape
from medaug.spatial.foreground import Voxels
from medaug.typing import AnyArray


@dataclass(frozen=True, eq=False)
class LabelIndex:
    """The places of voxels of each class of a label.

    Parameters
    ----------
    shape : tuple of 3 ints
        Of the label.
    positions : mapping of int to int array [N]
        For each value in the label, flat places in C order: all of them, or a random part.
    counts : mapping of int to int
        How many voxels of each value the label has.
    """

    shape: Shape
    positions: Mapping[int, AnyArray]
    counts: Mapping[int, int]

    def among(self, value: int | None, background: int, start: AnyArray, stop: AnyArray) -> Voxels:
        """Return the voxels of a class in a box; see :class:`medaug.spatial.LabelVoxels`."""
        wanted = [v for v in self.positions if (v != background if value is None else v == value)]
        places = [self._in_box(self.positions[v], start, stop) for v in wanted]
        # A place stands for as many voxels as its class has more than places were written down.
        each = [self.counts[v] / len(self.positions[v]) for v in wanted]
        weights = np.repeat(each, [len(place) for place in places])
        found = np.concatenate([np.zeros(0, np.int64), *places])
        everywhere = np.zeros(3, np.int64)
        return Voxels(found, everywhere, self.shape, weights if len(set(each)) > 1 else None)

    def _in_box(self, places: AnyArray, start: AnyArray, stop: AnyArray) -> AnyArray:
        if not start.any() and np.array_equal(stop, self.shape):
            return places
        voxels = np.stack(np.unravel_index(places, self.shape))
        inside = ((voxels >= start[:, None]) & (voxels < stop[:, None])).all(axis=0)
        return np.asarray(places[inside])


class IndexedLabel(np.ndarray):
    """A label array [I, J, K] whose index `index_of` knows as long as its memory is in use."""

    label_index: LabelIndex


#: By the address of their memory. A tensor that shares the memory of an array keeps it alive.
_indexed: WeakValueDictionary[int, IndexedLabel] = WeakValueDictionary()


def with_index(label: AnyArray, index: LabelIndex) -> IndexedLabel:
    """Return a view of a contiguous label array that `index_of` knows.

    So the index follows the very voxels that it is about, through whatever carries them, and is
    forgotten with them: a copy has none, changed or not.
    """
    view = label.view(IndexedLabel)
    view.label_index = index
    _indexed[_address(view)] = view
    return view


def index_of(label: AnyArray) -> LabelIndex | None:
    """Return the index of the label array [I, J, K] that lies in this memory, if there is one."""
    known = _indexed.get(_address(label))
    same = known is not None and (label.shape, label.strides) == (known.shape, known.strides)
    return known.label_index if known is not None and same else None


def _address(array: AnyArray) -> int:
    return int(array.__array_interface__["data"][0])
