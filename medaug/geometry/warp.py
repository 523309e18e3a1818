"""A warp: where each output voxel comes from.

A :class:`Warp` is a pull-back. It maps an output voxel coordinate to the input voxel coordinate
whose value belongs there, through an ordered chain of stages. The first stage acts first on the
output coordinate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

import numpy as np

from medaug.geometry.affine import affine_apply, affine_is_grid_map, affine_is_identity
from medaug.geometry.lattice import (
    Lattice,
    lattice_displacement,
    lattice_inverse_points,
    lattice_through_grid_map,
)
from medaug.typing import AnyArray, Matrix

Shape: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class AffineStage:
    """The stage ``x -> matrix @ x``; ``matrix`` is 4x4, float64, finite and regular."""

    matrix: Matrix

    def map_points(self, points: AnyArray) -> Matrix:
        """Map ``points`` [N, 3]."""
        return affine_apply(self.matrix, points)

    def map_box(self, lower: Matrix, upper: Matrix) -> tuple[Matrix, Matrix]:
        """Return the corners of the smallest box around the image of a box."""
        centre = affine_apply(self.matrix, (lower + upper) / 2)
        reach = np.abs(self.matrix[:3, :3]) @ ((upper - lower) / 2)
        return centre - reach, centre + reach

    def inverse(self) -> AffineStage:
        """Return the stage that undoes this one."""
        return AffineStage(np.asarray(np.linalg.inv(self.matrix), np.float64))

    def to_dict(self) -> dict[str, Any]:
        """Return the stage as plain numbers."""
        return {"affine": self.matrix.tolist()}


@dataclass(frozen=True, eq=False)
class LatticeStage:
    """The stage ``x -> x + u(x)`` of a lattice or, when ``inverted``, the map that undoes it."""

    lattice: Lattice
    inverted: bool = False

    def map_points(self, points: AnyArray) -> Matrix:
        """Map ``points`` [N, 3]."""
        if self.inverted:
            return lattice_inverse_points(self.lattice, points)
        return np.asarray(points + lattice_displacement(self.lattice, points))

    def map_box(self, lower: Matrix, upper: Matrix) -> tuple[Matrix, Matrix]:
        """Return the corners of a box around the image of a box.

        A displacement is a mean of control displacements, so it lies between their extremes.
        """
        least, most = (f(self.lattice.control, axis=(1, 2, 3)) for f in (np.min, np.max))
        if self.inverted:
            return lower - most, upper - least
        return lower + least, upper + most

    def inverse(self) -> LatticeStage:
        """Return the stage that undoes this one."""
        return LatticeStage(self.lattice, not self.inverted)

    def to_dict(self) -> dict[str, Any]:
        """Return the stage as plain numbers and one text."""
        return {"lattice": self.lattice.to_dict(), "inverted": self.inverted}


Stage: TypeAlias = AffineStage | LatticeStage


class WarpKind(Enum):
    """What a warp needs from the resampler, cheapest first."""

    IDENTITY = "identity"
    GRID = "crop, pad, flip and axis swaps only"
    AFFINE = "affine"
    LATTICE_AFFINE = "one lattice, then an affine map"
    CHAIN = "any chain"


@dataclass(frozen=True, eq=False)
class Warp:
    """A pull-back from the voxels of an output grid to input voxel coordinates.

    Parameters
    ----------
    output_shape : tuple of 3 ints
        Shape of the grid on which the warp is evaluated.
    stages : sequence of stages
        Applied to the output coordinate in this order. Neighbours whose merger is exact are
        merged: matrix with matrix, and shifts, flips and swaps through a lattice.
    """

    output_shape: Shape
    stages: tuple[Stage, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "stages", _merged(self.stages))

    def kind(self, input_shape: Sequence[int]) -> WarpKind:
        """Classify the warp as read from an input of ``input_shape``."""
        match self.stages:
            case ():
                same = tuple(input_shape) == self.output_shape
                return WarpKind.IDENTITY if same else WarpKind.GRID
            case (AffineStage(matrix),):
                return WarpKind.GRID if affine_is_grid_map(matrix) else WarpKind.AFFINE
            case (LatticeStage(inverted=False),) | (LatticeStage(inverted=False), AffineStage()):
                return WarpKind.LATTICE_AFFINE
            case _:
                return WarpKind.CHAIN

    def map_points(self, points: AnyArray) -> Matrix:
        """Map output voxel coordinates [N, 3] to input voxel coordinates, in float64."""
        mapped = np.asarray(points, np.float64)
        for stage in self.stages:
            mapped = stage.map_points(mapped)
        return mapped

    def bounding_box(self, margin_voxels: float = 0.0) -> tuple[Matrix, Matrix]:
        """Return the corners of a box that holds the input coordinates of all output voxels.

        Exact for an affine warp; a lattice counts with its largest control displacements.

        Parameters
        ----------
        margin_voxels : float
            How far beyond the centres of the outermost output voxels to look; 0.5 is their edge.

        Returns
        -------
        lower, upper : float64 arrays [3]
            In input voxels, up to rounding.
        """
        last = np.maximum(np.array(self.output_shape) - 1.0, 0.0)
        lower, upper = np.zeros(3) - margin_voxels, last + margin_voxels
        for stage in self.stages:
            lower, upper = stage.map_box(lower, upper)
        return lower, upper

    def affine_part(self) -> Matrix:
        """Return the product of the affine stages; lattices count as the identity."""
        matrix = np.eye(4)
        for stage in self.stages:
            if isinstance(stage, AffineStage):
                matrix = stage.matrix @ matrix
        return matrix

    def then(self, following: Warp) -> Warp:
        """Return the warp of resampling by ``self`` and resampling the result by ``following``."""
        return Warp(following.output_shape, following.stages + self.stages)

    def inverse(self, input_shape: Sequence[int]) -> Warp:
        """Return the warp that takes the output back to the grid of the input."""
        first, second, third = (int(n) for n in input_shape)
        undone = tuple(stage.inverse() for stage in reversed(self.stages))
        return Warp((first, second, third), undone)

    def to_dict(self) -> dict[str, Any]:
        """Return the warp as lists, numbers and texts that JSON keeps exactly."""
        return {
            "output_shape": list(self.output_shape),
            "stages": [stage.to_dict() for stage in self.stages],
        }

    @staticmethod
    def from_dict(record: Mapping[str, Any]) -> Warp:
        """Return the warp that :meth:`to_dict` described."""
        first, second, third = record["output_shape"]
        return Warp((first, second, third), tuple(map(_stage_from_dict, record["stages"])))


def _stage_from_dict(record: Mapping[str, Any]) -> Stage:
    if "affine" in record:
        return AffineStage(np.array(record["affine"], dtype=np.float64))
    return LatticeStage(Lattice.from_dict(record["lattice"]), bool(record["inverted"]))


def _merged(stages: Iterable[Stage]) -> tuple[Stage, ...]:
    """Merge what is exact to merge, moving grid maps behind the lattices that follow them."""
    done: list[Stage] = []
    for stage in stages:
        _append(done, stage)
    return tuple(s for s in done if not _is_identity(s))


def _append(done: list[Stage], stage: Stage) -> None:
    before = done[-1] if done else None
    if isinstance(before, AffineStage) and isinstance(stage, AffineStage):
        done[-1] = AffineStage(stage.matrix @ before.matrix)
    elif (
        isinstance(before, AffineStage)
        and isinstance(stage, LatticeStage)
        and affine_is_grid_map(before.matrix)
    ):
        done.pop()
        moved = lattice_through_grid_map(stage.lattice, before.matrix)
        _append(done, LatticeStage(moved, stage.inverted))
        _append(done, before)
    else:
        done.append(stage)


def _is_identity(stage: Stage) -> bool:
    return isinstance(stage, AffineStage) and affine_is_identity(stage.matrix)
