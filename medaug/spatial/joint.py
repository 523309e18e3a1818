"""All spatial effects of a sample as one warp."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from medaug.geometry import Warp
from medaug.spatial.effect import SpatialEffect
from medaug.spatial.flip import Flip, mirrors_left_right
from medaug.spatial.grid import Grid


@dataclass(frozen=True)
class Step:
    """An effect in a series, and when it takes part.

    Parameters
    ----------
    effect : SpatialEffect
    prob : float
        Probability that it takes part when the series fires.
    always : bool
        It takes part whether or not the series fires, as a crop to a fixed size must.
    """

    effect: SpatialEffect
    prob: float = 1.0
    always: bool = False

    def at_magnitude(self, magnitude: float) -> Step:
        """Return the step with its effect drawn in."""
        return replace(self, effect=self.effect.at_magnitude(magnitude))


class Move(NamedTuple):
    """What was drawn for a sample.

    Attributes
    ----------
    warp : Warp
        From output voxels to input voxels.
    mirrored : bool
        Flips have made left right: sided labels must change places.
    """

    warp: Warp
    mirrored: bool


def sample_move(
    steps: Sequence[Step], rng: np.random.Generator, grid: Grid, *, fires: bool = True
) -> Move:
    """Draw a series of effects, each on what the one before has left.

    Millimetres are those of the sample for all of them: what is magnified by one is not measured
    with a finer ruler by the next.

    Parameters
    ----------
    steps : sequence of Step
        In the order in which they happen to the image.
    rng : numpy.random.Generator
    grid : Grid
        Of the sample.
    fires : bool
        Whether more than the steps that always happen takes part.
    """
    warp, mirrored = Warp(grid.shape), False
    for step in steps:
        if not (step.always or (fires and rng.random() < step.prob)):
            continue
        drawn = step.effect.sample(rng, grid)
        if isinstance(step.effect, Flip):
            mirrored ^= mirrors_left_right(drawn, grid)
        warp = warp.then(drawn)
        grid = grid.through(drawn) if step.effect.reframes else grid.showing(drawn)
    return Move(warp, mirrored)
