"""The held-out cases that are looked at during training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import nn

from medaug.benchmark.cases.case_set import Case
from medaug.benchmark.cases.regions import Region
from medaug.benchmark.testing.inference import Segmenter, mean_dice


@dataclass(frozen=True)
class MonitorPlan:
    """A few held-out cases whose Dice is looked at during training.

    For the learning curve only: no step, network or setting is chosen by it.

    Attributes
    ----------
    cases : tuple of Case
        The cases.
    points : int
        How many times, evenly spaced over the budget, the last time after the last step.
    regions : tuple of Region
        What is scored.
    segmenter : Segmenter
        How a case is segmented.
    """

    cases: tuple[Case, ...]
    points: int
    regions: tuple[Region, ...]
    segmenter: Segmenter

    def mean_dice(self, network: nn.Module) -> float:
        """Return the mean over the cases of their mean Dice; NaN if no case has foreground."""
        scores = [
            mean_dice(self.segmenter.segment(network, case), case, self.regions)
            for case in self.cases
        ]
        scores = [score for score in scores if not np.isnan(score)]
        return float(np.mean(scores)) if scores else float("nan")
