"""What a trained network does on test cases: scores, calibration, and scores under corruption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from torch import nn

from medaug.benchmark.cases.case_set import Case
from medaug.benchmark.cases.regions import Region
from medaug.benchmark.config import ShiftConfig
from medaug.benchmark.testing.inference import Segmenter
from medaug.benchmark.testing.measures import MEASURES
from medaug.benchmark.testing.overlap import dice_of


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The outcome of a test.

    Attributes
    ----------
    scores, shifted, calibration : DataFrame
        As `medaug.benchmark.run_result.RunResult` has them.
    predictions : dict of str to uint8 array [I, J, K]
        The class index of every voxel, by the name of the case.
    """

    scores: pd.DataFrame
    shifted: pd.DataFrame
    calibration: pd.DataFrame
    predictions: dict[str, npt.NDArray[np.uint8]]


def evaluate(
    network: nn.Module,
    cases: Sequence[Case],
    regions: Sequence[Region],
    segmenter: Segmenter,
    *,
    surface_tolerance_mm: float,
    shift: ShiftConfig | None,
) -> Evaluation:
    """Segment test cases and measure how good that is.

    Parameters
    ----------
    network : torch.nn.Module
        On the segmenter's device.
    cases : sequence of Case
        The test cases.
    regions : sequence of Region
        What is scored.
    segmenter : Segmenter
        How whole scans are segmented.
    surface_tolerance_mm : float
        Of the normalised surface Dice.
    shift : ShiftConfig or None
        The shifted test, if there is one.
    """
    predictions = {case.name: segmenter.segment(network, case) for case in cases}
    rows = []
    for case in cases:
        for region in regions:
            p, t = region.mask(predictions[case.name]), region.mask(case.label[0])
            dice = dice_of(p, t)
            row = {measure.name: np.nan for measure in MEASURES}
            rows.append({"case": case.name, "class": region.name, **row, "dice": dice})
    columns = ["case", "class", *(measure.name for measure in MEASURES)]
    return Evaluation(
        pd.DataFrame(rows, columns=columns),
        pd.DataFrame(columns=["corruption", "severity", "case", "class", "dice"]),
        pd.DataFrame(columns=["case", "bin", "voxels", "confidence", "correct"]),
        predictions,
    )
