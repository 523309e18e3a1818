"""A warp as the flat arrays that kernels read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from medaug.geometry import (
    AffineStage,
    Lattice,
    LatticeStage,
    Shape,
    Stage,
    Warp,
    lattice_basis,
)
from medaug.kernels.rows import AFFINE, LATTICE, LATTICE_INVERSE
from medaug.typing import AnyArray, FloatArray, Matrix


class Head(NamedTuple):
    """The stages that act on grid rows, ``matrix @ (x + u(x))``; ``u`` as splines along each axis.

    Without a lattice its arrays are of size zero.
    """

    matrix: Matrix  # [4, 4]
    control: FloatArray  # [3, L, M, N], the linear part of ``matrix`` applied
    basis_i: FloatArray  # [L, I]: weight of each control point at each output voxel
    basis_j: FloatArray  # [M, J]
    basis_k: FloatArray  # [N, K]
    reach: AnyArray  # int64 [N, 2]: where ``basis_k`` is not zero, from and up to


class Tail(NamedTuple):
    """S further stages; entries that a kind of stage does not use are zero."""

    kinds: AnyArray  # int64 [S]
    matrices: FloatArray  # [S, 3, 4], of the affine stages
    controls: FloatArray  # all control displacements, one lattice after the other
    shapes: AnyArray  # int64 [S, 3], of the lattices
    origins: Matrix  # [S, 3]
    inverse_spacings: Matrix  # [S, 3]


def chain_of(warp: Warp) -> tuple[Head, Tail]:
    """Return the stages of ``warp`` as arrays."""
    rest = list(warp.stages)
    lattice, matrix = None, np.eye(4)
    if rest and isinstance(rest[0], LatticeStage) and not rest[0].inverted:
        lattice = rest[0].lattice
        del rest[0]
    if rest and isinstance(rest[0], AffineStage):
        matrix = rest[0].matrix
        del rest[0]
    return _head(lattice, matrix, warp.output_shape), _tail(rest)


def _head(lattice: Lattice | None, matrix: Matrix, shape: Shape) -> Head:
    if lattice is None:
        none = np.zeros((0, 0), np.float32)
        control = np.zeros((3, 0, 0, 0), np.float32)
        return Head(matrix, control, none, none, none, np.zeros((0, 2), np.int64))
    control = np.tensordot(matrix[:3, :3], lattice.control, 1).astype(np.float32)
    basis_i, basis_j, basis_k = (lattice_basis(lattice, a, n) for a, n in enumerate(shape))
    touched = basis_k != 0
    reach = np.stack([touched.argmax(1), shape[2] - touched[:, ::-1].argmax(1)], axis=1)
    reach[~touched.any(1)] = 0
    return Head(matrix, control, basis_i, basis_j, basis_k, reach)


def _tail(stages: Sequence[Stage]) -> Tail:
    count = len(stages)
    kinds, shapes = np.zeros(count, np.int64), np.zeros((count, 3), np.int64)
    matrices = np.zeros((count, 3, 4), np.float32)
    origins, inverse_spacings = np.zeros((count, 3)), np.zeros((count, 3))
    controls = [np.zeros(0, np.float32)]
    for s, stage in enumerate(stages):
        if isinstance(stage, LatticeStage):
            kinds[s] = LATTICE_INVERSE if stage.inverted else LATTICE
            shapes[s] = stage.lattice.control.shape[1:]
            origins[s] = stage.lattice.origin
            inverse_spacings[s] = 1.0 / stage.lattice.spacing
            controls.append(stage.lattice.control.ravel())
        else:
            kinds[s] = AFFINE
            matrices[s] = stage.matrix[:3]
    return Tail(kinds, matrices, np.concatenate(controls), shapes, origins, inverse_spacings)
