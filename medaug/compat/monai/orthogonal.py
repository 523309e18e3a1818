"""Flips and quarter turns as MONAI draws them, exact to the voxel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from monai.config import KeysCollection
from monai.utils import ensure_tuple

from medaug.compat.monai.moving import RandMovingDropIn
from medaug.geometry import AffineStage, Warp, affine_flip
from medaug.spatial import Grid, Rotate90, SpatialEffect, Step


@dataclass(frozen=True)
class FlipAxes(SpatialEffect):
    """Mirror fixed array axes.

    Parameters
    ----------
    axes : tuple of ints, optional
        Spatial axes; a negative one counts from the last. ``None``: all.
    """

    axes: tuple[int, ...] | None

    def check_fits(self, grid: Grid) -> None:
        """Refuse axes that a grid does not have."""
        array_axes("spatial_axis", self.axes or (), grid)

    def sample(self, rng: np.random.Generator, grid: Grid) -> Warp:
        """Return the pull-back."""
        axes = range(grid.rank) if self.axes is None else self.axes
        flipped = array_axes("spatial_axis", tuple(axes), grid)
        matrix = affine_flip([axis in flipped for axis in range(3)], grid.shape)
        return Warp(grid.shape, (AffineStage(matrix),))


@dataclass(frozen=True)
class QuarterTurns(SpatialEffect):
    """Turn by quarters in the plane of two array axes.

    Parameters
    ----------
    max_turns : int
        The number of turns is drawn from 1 to ``max_turns``.
    axes : tuple of 2 ints
        Spatial axes; a negative one counts from the last.
    """

    reframes: ClassVar[bool] = True
    max_turns: int
    axes: tuple[int, ...]

    def check_fits(self, grid: Grid) -> None:
        """Refuse axes that a grid does not have."""
        self._on(grid)

    def sample(self, rng: np.random.Generator, grid: Grid) -> Warp:
        """Draw the number of turns and return the pull-back."""
        return self._on(grid).sample(rng, grid)

    def _on(self, grid: Grid) -> Rotate90:
        return Rotate90(self.max_turns, array_axes("spatial_axes", self.axes, grid))


def array_axes(name: str, axes: Sequence[int], grid: Grid) -> tuple[int, ...]:
    """Return spatial axes that may count from the last as those of ``grid``.

    Raises
    ------
    ValueError
        If the grid does not have them.
    """
    if not all(-grid.rank <= axis < grid.rank for axis in axes):
        raise ValueError(f"{name} {tuple(axes)} are not all axes of a {grid.rank}D image")
    return tuple(int(axis) % grid.rank for axis in axes)


class RandFlipd(RandMovingDropIn):
    """Mirror along fixed array axes, with MONAI's arguments and meaning.

    All keys must be of one spatial shape. Images and labels keep their dtype.

    Parameters
    ----------
    keys : str or sequence of str
        Arrays or tensors [C, I, J, K] or [C, I, J].
    prob : float
        Probability that a sample is mirrored.
    spatial_axis : int or sequence of ints, optional
        Spatial axes to mirror; a negative one counts from the last. ``None``: all.
    allow_missing_keys : bool
        Skip keys that a sample does not have, instead of raising ``KeyError``.
    lazy : bool
        Taken and without effect: a flip is done at once. MONAI's ``Compose`` then first does what
        the transforms before have put off, so the result is right.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 0.1,
        spatial_axis: Sequence[int] | int | None = None,
        allow_missing_keys: bool = False,
        lazy: bool = False,  # MONAI's signature
    ) -> None:
        axes = None if spatial_axis is None else ensure_tuple(spatial_axis)
        super().__init__(
            keys,
            prob,
            (Step(FlipAxes(axes)),),
            {"allow_missing_keys": allow_missing_keys},
            default_mode="nearest",
            gives_float32=False,
        )


class RandRotate90d(RandMovingDropIn):
    """Turn by one or more quarters in a plane, with MONAI's arguments and meaning.

    All keys must be of one spatial shape. Images and labels keep their dtype.

    Parameters
    ----------
    keys, allow_missing_keys, lazy
        See :class:`RandFlipd`.
    prob : float
        Probability that a sample is turned.
    max_k : int
        The number of quarter turns is drawn from 1 to ``max_k``.
    spatial_axes : pair of ints
        The plane; a turn brings what is seen along the first axis to the second. A negative axis
        counts from the last.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 0.1,
        max_k: int = 3,
        spatial_axes: tuple[int, int] = (0, 1),
        allow_missing_keys: bool = False,
        lazy: bool = False,  # MONAI's signature
    ) -> None:
        super().__init__(
            keys,
            prob,
            (Step(QuarterTurns(max_k, tuple(spatial_axes))),),
            {"allow_missing_keys": allow_missing_keys},
            default_mode="nearest",
            gives_float32=False,
        )


RandFlipD = RandFlipDict = RandFlipd
RandRotate90D = RandRotate90Dict = RandRotate90d
