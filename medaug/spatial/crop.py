"""Cutting out a part of the grid, or padding it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from medaug.geometry import AffineStage, Shape, Warp, affine_translation
from medaug.spatial.effect import SpatialEffect
from medaug.spatial.grid import Grid
from medaug.spatial.size import SizeLike, shape_of
from medaug.typing import AnyArray


@dataclass(frozen=True)
class CenterCrop(SpatialEffect):
    """Cut out the centre, and pad where the grid is smaller.

    Of ``n`` voxels the ``m`` from ``n // 2 - m // 2`` on are cut out, or ``(m - n) // 2`` are put
    in front, as MONAI's ``ResizeWithPadOrCrop`` does.

    Parameters
    ----------
    size : int or sequence of ints, optional
        Voxels along each axis; ``None`` or -1 keeps them.
    """

    reframes: ClassVar[bool] = True
    size: SizeLike | None

    def sample(self, rng: np.random.Generator, grid: Grid) -> Warp:
        """Return the pull-back."""
        shape = shape_of(self.size, grid)
        return _cut(_centred(grid, shape), shape)


@dataclass(frozen=True)
class RandomCrop(SpatialEffect):
    """Cut out a part anywhere inside; an axis that is too short is padded about its centre.

    Parameters
    ----------
    size : int or sequence of ints, optional
        Voxels along each axis; ``None`` or -1 keeps them.
    """

    reframes: ClassVar[bool] = True
    size: SizeLike | None

    def sample(self, rng: np.random.Generator, grid: Grid) -> Warp:
        """Draw the place and return the pull-back."""
        shape = shape_of(self.size, grid)
        room = np.array(grid.shape) - shape
        start = rng.integers(0, np.maximum(room, 0), endpoint=True)
        return _cut(np.where(room > 0, start, _centred(grid, shape)), shape)


@dataclass(frozen=True)
class ForegroundCrop(SpatialEffect):
    """Cut out a part about a random voxel of a class, moved as little as keeps it inside.

    A class is drawn by its ratio among those that the grid shows, then one of its voxels. Where
    there is none, the part lies anywhere.

    Parameters
    ----------
    size : int or sequence of ints, optional
        Voxels along each axis; ``None`` or -1 keeps them.
    class_ratios : mapping of int to float, optional
        How often each class is looked for, relative to the others. ``None``: every voxel that is
        not zero has the same chance.
    """

    reframes: ClassVar[bool] = True
    size: SizeLike | None
    class_ratios: Mapping[int, float] | None = None

    def __post_init__(self) -> None:
        ratios = self.class_ratios
        if ratios is None:
            return
        if not all(0 <= ratio < math.inf for ratio in ratios.values()) or not any(ratios.values()):
            raise ValueError(
                "class_ratios must be finite and not negative, and one must be positive; "
                f"got {dict(ratios)}"
            )

    def sample(self, rng: np.random.Generator, grid: Grid) -> Warp:
        """Draw the class and its voxel and return the pull-back."""
        shape = shape_of(self.size, grid)
        middle = self._draw_voxel(rng, grid)
        if middle is None:
            return RandomCrop(self.size).sample(rng, grid)
        room = np.array(grid.shape) - shape
        start = np.clip(np.round(middle).astype(int) - np.array(shape) // 2, 0, np.maximum(room, 0))
        return _cut(np.where(room > 0, start, _centred(grid, shape)), shape)

    def _draw_voxel(self, rng: np.random.Generator, grid: Grid) -> AnyArray | None:
        if grid.foreground is None:
            raise ValueError("a crop about the foreground needs a label")
        if self.class_ratios is None:
            return grid.foreground.draw_voxel(rng, None)
        ratios = {value: ratio for value, ratio in self.class_ratios.items() if ratio > 0}
        while ratios:
            shares = np.array(list(ratios.values())) / sum(ratios.values())
            value = list(ratios)[rng.choice(len(ratios), p=shares)]
            voxel = grid.foreground.draw_voxel(rng, value)
            if voxel is not None:
                return voxel
            del ratios[value]
        return None


def _centred(grid: Grid, shape: Shape) -> AnyArray:
    before, after = np.array(grid.shape), np.array(shape)
    padded, cut = -((after - before) // 2), before // 2 - after // 2
    return np.asarray(np.where(after > before, padded, cut))


def _cut(start: AnyArray, shape: Shape) -> Warp:
    return Warp(shape, (AffineStage(affine_translation(start)),))
