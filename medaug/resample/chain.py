"""A warp as the flat arrays that kernels read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from medaug.geometry import AffineStage, Lattice, LatticeStage, Stage, Warp
from medaug.kernels.rows import AFFINE, LATTICE, LATTICE_INVERSE
from medaug.typing import AnyArray, FloatArray, Matrix


class Head(NamedTuple):
    """The stages that act on grid rows: ``matrix @ (x + u(x))``."""

    matrix: Matrix  # [4, 4]
    control: FloatArray  # [3, L, M, N], of size zero without a lattice
    origin: Matrix  # [3]
    inverse_spacing: Matrix  # [3]


class Chain(NamedTuple):
    """The head and S further stages; entries that a kind of stage does not use are zero."""

    head: Head
    kinds: AnyArray  # int64 [S]
    matrices: FloatArray  # [S, 3, 4], of the affine stages
    controls: FloatArray  # all control displacements, one lattice after the other
    shapes: AnyArray  # int64 [S, 3], of the lattices
    origins: Matrix  # [S, 3]
    inverse_spacings: Matrix  # [S, 3]


def chain_of(warp: Warp) -> Chain:
    """Return the stages of ``warp`` as arrays."""
    rest = list(warp.stages)
    lattice, matrix = None, np.eye(4)
    if rest and isinstance(rest[0], LatticeStage) and not rest[0].inverted:
        lattice = rest[0].lattice
        del rest[0]
    if rest and isinstance(rest[0], AffineStage):
        matrix = rest[0].matrix
        del rest[0]
    return Chain(_head(lattice, matrix), *_tail(rest))


def _head(lattice: Lattice | None, matrix: Matrix) -> Head:
    if lattice is None:
        return Head(matrix, np.zeros((3, 0, 0, 0), np.float32), np.zeros(3), np.zeros(3))
    return Head(matrix, lattice.control, lattice.origin, 1.0 / lattice.spacing)


def _tail(
    stages: Sequence[Stage],
) -> tuple[AnyArray, FloatArray, FloatArray, AnyArray, Matrix, Matrix]:
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
    return kinds, matrices, np.concatenate(controls), shapes, origins, inverse_spacings
