"""Where the voxels of a label are, seen through the warps drawn so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from medaug.geometry import Shape, Warp
from medaug.typing import AnyArray, Matrix

#: Voxels that are looked up at once, and how often, before a class counts as cut off.
_CANDIDATES = 256
_ROUNDS = 8


class LabelVoxels(Protocol):
    """Where to find random voxels of a class."""

    @property
    def shape(self) -> Shape:
        """Of the label."""

    def among(self, value: int | None, background: int, start: AnyArray, stop: AnyArray) -> Voxels:
        """Return the voxels of a class in a box.

        Parameters
        ----------
        value : int or None
            The class; ``None`` stands for all that is not ``background``.
        background : int
        start, stop : int64 arrays [3]
            The first voxel of the box, and the one behind its last.
        """


@dataclass(frozen=True, eq=False)
class Voxels:
    """Voxels to choose from.

    Parameters
    ----------
    positions : int array [N]
        In a box of the label, flat in C order.
    start : int array [3]
        Where the box begins.
    shape : tuple of 3 ints
        Of the box.
    weights : float array [N], optional
        How often each is chosen, relative to the others. ``None``: all have the same chance.
    """

    positions: AnyArray
    start: AnyArray
    shape: Shape
    weights: Matrix | None = None

    def draw(self, rng: np.random.Generator, count: int) -> AnyArray:
        """Return random ones, int array [count, 3], in voxel coordinates of the label."""
        shares = None if self.weights is None else self.weights / self.weights.sum()
        chosen = rng.choice(self.positions, count, p=shares)
        return np.stack(np.unravel_index(chosen, self.shape), axis=-1) + self.start


@dataclass(frozen=True, eq=False)
class LabelArray:
    """A label in memory, all of whose voxels in the box are looked at.

    Parameters
    ----------
    label : array [I, J, K]
    """

    label: AnyArray

    @property
    def shape(self) -> Shape:
        """Of the label."""
        first, second, third = self.label.shape
        return first, second, third

    def among(self, value: int | None, background: int, start: AnyArray, stop: AnyArray) -> Voxels:
        """Return the voxels of a class in a box."""
        box = self.label[tuple(map(slice, start, stop))]
        found = np.flatnonzero(box != background if value is None else box == value)
        return Voxels(found, start, box.shape)


@dataclass(frozen=True, eq=False)
class Foreground:
    """The voxels of a label, and the warp through which a grid shows them.

    Parameters
    ----------
    voxels : LabelVoxels
        As loaded: the label is not resampled to look for a voxel.
    warp : Warp
        From the grid at hand to the voxels of the label.
    swaps : sequence of pairs of ints
        Values that have changed places since the label was loaded, in this order.
    """

    voxels: LabelVoxels
    warp: Warp
    swaps: tuple[tuple[int, int], ...] = ()

    def through(self, warp: Warp) -> Foreground:
        """Return what is seen from the grid on which ``warp`` is evaluated."""
        return Foreground(self.voxels, self.warp.then(warp), self.swaps)

    def swapped(self, pairs: Sequence[tuple[int, int]]) -> Foreground:
        """Return what is seen when the values of each pair have changed places."""
        return Foreground(self.voxels, self.warp, (*self.swaps, *pairs))

    def draw_voxel(self, rng: np.random.Generator, value: int | None) -> Matrix | None:
        """Return the place of a random voxel of a class in the grid at hand, float64 [3].

        Every voxel of the class that the grid shows has the same chance.

        Parameters
        ----------
        rng : numpy.random.Generator
        value : int or None
            The class; ``None`` stands for all that is not zero.

        Returns
        -------
        float64 array [3] or None
            ``None`` if the grid shows no such voxel.
        """
        loaded = None if value is None else self._as_loaded(value)
        voxels = self.voxels.among(loaded, self._as_loaded(0), *self._in_view())
        if not len(voxels.positions):
            return None
        undone = self.warp.inverse(self.voxels.shape)
        last = np.array(self.warp.output_shape) - 0.5
        for _ in range(_ROUNDS):
            here = undone.map_points(voxels.draw(rng, _CANDIDATES))
            shown = np.flatnonzero(np.all((here >= -0.5) & (here < last), axis=1))
            if len(shown):
                return np.asarray(here[shown[0]])
        return None

    def _in_view(self) -> tuple[AnyArray, AnyArray]:
        """Return the box of the label that the grid may show: its first voxel, and behind its last.

        After a crop that is little of a scan, so that few voxels are looked up in vain.
        """
        lower, upper = self.warp.bounding_box(margin_voxels=0.5)
        start = np.clip(np.floor(lower), 0, self.voxels.shape).astype(np.int64)
        stop = np.clip(np.ceil(upper) + 1, start, self.voxels.shape).astype(np.int64)
        return start, stop

    def _as_loaded(self, value: int) -> int:
        """Return the value that ``value`` had when the label was loaded."""
        for left, right in reversed(self.swaps):
            value = {left: right, right: left}.get(value, value)
        return value
