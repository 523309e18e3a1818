"""Where the voxels of a coarse grid and those of the fine one lie between each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from medaug.kernels.expand import expand_volume
from medaug.typing import AnyArray, FloatArray, Matrix


class AxisBetween(NamedTuple):
    """For each fine voxel along an axis: the coarse one below, and the weight of the one above."""

    below: AnyArray  # int64 [n]
    part: FloatArray  # [n]

    @classmethod
    def at(cls, positions: Matrix, coarse: int) -> AxisBetween:
        """Return the axis whose voxels are at ``positions``, from 0 to ``coarse - 1``."""
        below = np.minimum(np.floor(positions), max(coarse - 2, 0))
        return cls(below.astype(np.int64), (positions - below).astype(np.float32))


def axis_between(fine: int, coarse: int) -> AxisBetween:
    """Return how ``fine`` voxels lie between ``coarse`` ones that share their edges.

    Beyond the outermost centres the outermost voxels go on.
    """
    positions = np.clip((np.arange(fine) + 0.5) * coarse / fine - 0.5, 0, coarse - 1)
    return AxisBetween.at(positions, coarse)


def nearest_voxels(fine: int, coarse: int) -> AnyArray:
    """Return, for each of ``coarse`` voxels, the one of ``fine`` that its centre lies in."""
    return np.floor((np.arange(coarse) + 0.5) * fine / coarse).astype(np.int64)


def expand(coarse: FloatArray, out: FloatArray) -> None:
    """Interpolate ``coarse`` linearly into ``out``, both [I, J, K], edge to edge."""
    axes: Sequence[AxisBetween] = [
        axis_between(fine, n) for fine, n in zip(out.shape, coarse.shape, strict=True)
    ]
    expand_volume(coarse, *(axis.below for axis in axes), *(axis.part for axis in axes), out)
