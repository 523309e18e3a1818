"""Quarter turns, exact to the voxel."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import ClassVar

import numpy as np

from medaug.geometry import AffineStage, Warp, affine_flip
from medaug.spatial.effect import SpatialEffect
from medaug.spatial.grid import Grid


@dataclass(frozen=True)
class Rotate90(SpatialEffect):
    """Turn by 90 degrees, once or a few times, in the plane of two array axes.

    A turn brings what is seen along the first of ``axes`` to the second, as ``numpy.rot90`` does.

    Parameters
    ----------
    max_turns : int
        The number of turns is drawn from 1 to ``max_turns``.
    axes : sequence of 2 ints
        Array axes of the plane.
    """

    reframes: ClassVar[bool] = True
    max_turns: int
    axes: tuple[int, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.max_turns, Integral) or self.max_turns < 1:
            raise ValueError(
                f"max_turns must be a whole number of at least 1; got {self.max_turns}"
            )
        if len(self.axes) != 2 or len({*self.axes} & {0, 1, 2}) != 2:
            raise ValueError(f"axes must be two different ones of 0, 1, 2; got {self.axes}")

    def sample(self, rng: np.random.Generator, grid: Grid) -> Warp:
        """Draw the number of turns and return the pull-back."""
        if max(self.axes) >= grid.rank:
            raise ValueError(f"axes {self.axes} are not all axes of a {grid.rank}D image")
        turns = int(rng.integers(1, self.max_turns, endpoint=True))
        warp = Warp(grid.shape)
        for _ in range(turns % 4):
            warp = warp.then(self._quarter(warp.output_shape))
        return warp

    def _quarter(self, shape: tuple[int, int, int]) -> Warp:
        """Return one turn of an array of ``shape``: the axes swapped, then the first mirrored."""
        first, second = self.axes
        order = [0, 1, 2]
        order[first], order[second] = second, first
        turned = (shape[order[0]], shape[order[1]], shape[order[2]])
        swap = np.eye(4)[[*order, 3]]
        mirror = affine_flip([axis == first for axis in range(3)], turned)
        return Warp(turned, (AffineStage(swap @ mirror),))
