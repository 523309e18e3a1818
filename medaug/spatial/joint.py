"""All spatial effects of a sample as one warp."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from medaug.geometry import AffineStage, Stage, Warp, affine_translation
from medaug.spatial.grid import Grid


class SpatialEffect(Protocol):
    """What every effect offers: random stages of a pull-back, in voxels of the input grid."""

    def sample(self, rng: np.random.Generator, grid: Grid) -> list[Stage]:
        """Draw the parameters and return the stages, first the one that acts first."""
        ...


@dataclass(frozen=True)
class MaybeEffect:
    """An effect and the probability that it takes part."""

    effect: SpatialEffect
    prob: float


def sample_warp(effects: Sequence[MaybeEffect], rng: np.random.Generator, grid: Grid) -> Warp:
    """Draw the effects that take part and chain them behind the centre crop of ``grid``.

    Parameters
    ----------
    effects : sequence of MaybeEffect
        The first one is the last that is done to the image.
    rng : numpy.random.Generator
    grid : Grid

    Returns
    -------
    Warp
        From output voxels to input voxels; a plain crop if no effect takes part.
    """
    stages: list[Stage] = [AffineStage(affine_translation(grid.offset))]
    for each in effects:
        if rng.random() < each.prob:
            stages.extend(each.effect.sample(rng, grid))
    return Warp(grid.output_shape, tuple(stages))
