"""A warp as the flat arrays that kernels read."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from medaug.geometry import AffineStage, LatticeStage, Stage, Warp
from medaug.kernels.rows import AFFINE, LATTICE, LATTICE_INVERSE
from medaug.typing import AnyArray, FloatArray, Matrix


class Chain(NamedTuple):
    """One row an entry; entries that a kind of stage does not use are zero."""

    kinds: AnyArray  # int64 [S]
    matrices: FloatArray  # [S, 3, 4], of the affine stages
    controls: FloatArray  # all control displacements, one lattice after the other
    shapes: AnyArray  # int64 [S, 3], of the lattices
    origins: Matrix  # [S, 3]
    inverse_spacings: Matrix  # [S, 3]


def chain_of(warp: Warp) -> Chain:
    """Return the stages of ``warp``, at least one, as arrays."""
    stages: tuple[Stage, ...] = warp.stages or (AffineStage(np.eye(4)),)
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
    return Chain(kinds, matrices, np.concatenate(controls), shapes, origins, inverse_spacings)
