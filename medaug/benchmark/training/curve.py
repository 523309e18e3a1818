"""How a training went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: Points of a learning curve: the loss is averaged over as many equal stretches of the training.
CURVE_POINTS = 100


@dataclass(frozen=True)
class LearningCurve:
    """How a training went.

    Attributes
    ----------
    losses : list of (step, loss)
        Training loss, averaged over the steps since the point before.
    monitor : list of (step, dice)
        Mean Dice of the monitored cases.
    steps : int
        Optimiser steps done.
    seconds : float
        Wall time of the training, over interruptions; without monitoring and checkpoints.
    """

    losses: list[tuple[int, float]]
    monitor: list[tuple[int, float]]
    steps: int
    seconds: float


def binned(losses: Sequence[float]) -> list[tuple[int, float]]:
    """Average the losses over at most CURVE_POINTS equal stretches, each named by its last step."""
    stretches = np.array_split(np.asarray(losses), min(CURVE_POINTS, len(losses)))
    ends = np.cumsum([len(stretch) for stretch in stretches])
    return [(int(end), float(stretch.mean())) for end, stretch in zip(ends, stretches, strict=True)]
