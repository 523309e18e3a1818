"""A warp as the flat arrays that kernels read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from medaug.geometry import (
    LATTICE_MARGIN,
    AffineStage,
    Lattice,
    LatticeStage,
    Shape,
    Stage,
    Warp,
    lattice_taps,
    lattice_with_margin,
)
from medaug.kernels.rows import AFFINE, LATTICE, LATTICE_INVERSE
from medaug.typing import AnyArray, FloatArray, Matrix


class Head(NamedTuple):
    """The stages that act on grid rows, ``matrix @ (x + u(x))``; ``u`` as splines along each axis.

    Without a lattice its arrays are of size zero.
    """

    matrix: Matrix  # [4, 4]
    control: FloatArray  # [L + 6, M + 6, N + 6, 4], the linear part of ``matrix`` applied
    first_i: AnyArray  # int64 [I]: the first of the four control points around each output voxel
    first_j: AnyArray  # int64 [J]
    first_k: AnyArray  # int64 [K]
    weights_i: FloatArray  # [4, I]
    weights_j: FloatArray  # [4, J]
    weights_k: FloatArray  # [4, K]
    runs: AnyArray  # int64: where ``first_k`` changes along a row, both ends included


class Tail(NamedTuple):
    """S further stages; entries that a kind of stage does not use are zero."""

    kinds: AnyArray  # int64 [S]
    matrices: FloatArray  # [S, 3, 4], of the affine stages
    controls: FloatArray  # flat: all lattices as [L + 6, M + 6, N + 6, 4], one after the other
    firsts: AnyArray  # int64 [S], where each begins
    shapes: AnyArray  # int64 [S, 3], L, M, N
    origins: FloatArray  # [S, 3]
    inverse_spacings: FloatArray  # [S, 3]


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
        none, nowhere = np.zeros((4, 0), np.float32), np.zeros(0, np.int64)
        control = np.zeros((0, 0, 0, 4), np.float32)
        return Head(matrix, control, nowhere, nowhere, nowhere, none, none, none, nowhere)
    turned = np.tensordot(matrix[:3, :3], lattice.control, 1).astype(np.float32)
    control = lattice_with_margin(Lattice(turned, lattice.origin, lattice.spacing))
    (first_i, weights_i), (first_j, weights_j), (first_k, weights_k) = (
        lattice_taps(lattice, axis, size) for axis, size in enumerate(shape)
    )
    return Head(
        matrix,
        control,
        first_i + LATTICE_MARGIN,
        first_j + LATTICE_MARGIN,
        first_k + LATTICE_MARGIN,
        weights_i,
        weights_j,
        weights_k,
        runs=np.flatnonzero(np.diff(first_k, prepend=first_k[0] - 1, append=first_k[-1] + 1)),
    )


def _tail(stages: Sequence[Stage]) -> Tail:
    count = len(stages)
    kinds, firsts = np.zeros(count, np.int64), np.zeros(count, np.int64)
    matrices, shapes = np.zeros((count, 3, 4), np.float32), np.zeros((count, 3), np.int64)
    origins, inverse_spacings = (np.zeros((count, 3), np.float32) for _ in range(2))
    controls = [np.zeros(0, np.float32)]
    for s, stage in enumerate(stages):
        if isinstance(stage, AffineStage):
            kinds[s] = AFFINE
            matrices[s] = stage.matrix[:3]
            continue
        kinds[s] = LATTICE_INVERSE if stage.inverted else LATTICE
        firsts[s] = sum(len(control) for control in controls)
        shapes[s] = stage.lattice.control.shape[1:]
        origins[s] = stage.lattice.origin
        inverse_spacings[s] = 1.0 / stage.lattice.spacing
        controls.append(lattice_with_margin(stage.lattice).ravel())
    return Tail(
        kinds, matrices, np.concatenate(controls), firsts, shapes, origins, inverse_spacings
    )
