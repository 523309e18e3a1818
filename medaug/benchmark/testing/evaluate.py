"""What a trained network does on test cases: scores, calibration, and scores under corruption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from torch import nn

from medaug.benchmark.cases.case_set import Case
from medaug.benchmark.cases.regions import Region
from medaug.benchmark.config import ShiftConfig
from medaug.benchmark.testing.calibration import calibration_of
from medaug.benchmark.testing.inference import Segmenter
from medaug.benchmark.testing.scores import score
from medaug.benchmark.testing.shifted import shifted_dice


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The outcome of a test.

    Attributes
    ----------
    scores, shifted, calibration : DataFrame
        As `medaug.benchmark.runs.result.RunResult` has them.
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

    The probabilities of one case at a time are held in memory.

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
    predictions: dict[str, npt.NDArray[np.uint8]] = {}
    scores: list[dict[str, Any]] = []
    calibration: list[pd.DataFrame] = []
    for case in cases:
        prediction = segmenter.predict(network, case)
        predictions[case.name] = prediction.classes
        calibration.append(calibration_of(prediction, case))
        for region in regions:
            measured = score(
                region.mask(prediction.classes),
                region.mask(case.label[0]),
                spacing_mm=case.spacing_mm,
                surface_tolerance_mm=surface_tolerance_mm,
            )
            scores.append({"case": case.name, "class": region.name, **measured})
    shifted = shifted_dice(network, cases, regions, segmenter, shift) if shift else ()
    return Evaluation(
        pd.DataFrame(scores),
        pd.DataFrame(shifted, columns=["corruption", "severity", "case", "class", "dice"]),
        pd.concat(calibration, ignore_index=True),
        predictions,
    )
