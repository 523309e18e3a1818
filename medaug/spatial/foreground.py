"""Where the voxels of a label are, seen through the warps drawn so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medaug.geometry import Warp
from medaug.typing import AnyArray, Matrix

#: Voxels that are looked up at once, and how often, before a class counts as cut off.
_CANDIDATES = 256
_ROUNDS = 8


@dataclass(frozen=True, eq=False)
class Foreground:
    """A label array and the warp through which a grid shows it.

    Parameters
    ----------
    label : array [I, J, K]
        As loaded: it is not resampled to look for a voxel.
    warp : Warp
        From the grid at hand to the voxels of ``label``.
    swaps : sequence of pairs of ints
        Values that have changed places since ``label`` was loaded, in this order.
    """

    label: AnyArray
    warp: Warp
    swaps: tuple[tuple[int, int], ...] = ()

    def through(self, warp: Warp) -> Foreground:
        """Return what is seen from the grid on which ``warp`` is evaluated."""
        return Foreground(self.label, self.warp.then(warp), self.swaps)

    def swapped(self, pairs: Sequence[tuple[int, int]]) -> Foreground:
        """Return what is seen when the values of each pair have changed places."""
        return Foreground(self.label, self.warp, (*self.swaps, *pairs))

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
        start, label = self._in_view()
        background = self._as_loaded(0)
        voxels = np.flatnonzero(
            label != background if value is None else label == self._as_loaded(value)
        )
        if not len(voxels):
            return None
        undone = self.warp.inverse(self.label.shape)
        last = np.array(self.warp.output_shape) - 0.5
        for _ in range(_ROUNDS):
            chosen = np.unravel_index(rng.choice(voxels, _CANDIDATES), label.shape)
            here = undone.map_points(np.stack(chosen, axis=-1) + start)
            shown = np.flatnonzero(np.all((here >= -0.5) & (here < last), axis=1))
            if len(shown):
                return np.asarray(here[shown[0]])
        return None

    def _in_view(self) -> tuple[AnyArray, AnyArray]:
        """Return the box of ``label`` that the grid may show, and where it starts.

        After a crop that is little of a scan, so that few voxels are looked up in vain.
        """
        lower, upper = self.warp.bounding_box(margin_voxels=0.5)
        start = np.maximum(np.floor(lower), 0).astype(np.int64)
        stop = np.maximum(np.ceil(upper) + 1, 0).astype(np.int64)
        return start, self.label[tuple(map(slice, start, stop))]

    def _as_loaded(self, value: int) -> int:
        """Return the value that ``value`` had when the label was loaded."""
        for left, right in reversed(self.swaps):
            value = {left: right, right: left}.get(value, value)
        return value
