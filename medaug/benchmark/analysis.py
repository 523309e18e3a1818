"""The comparison of arms at every size of the training set and by every measure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from medaug.benchmark.design import BLOCK, complete_blocks
from medaug.benchmark.results import RUN_COLUMNS, Results
from medaug.benchmark.statistics.compare import COLUMNS, MEAN_OF_CLASSES, N_RESAMPLES, compare_arms
from medaug.benchmark.statistics.resamples import Resamples
from medaug.benchmark.streams import Stream
from medaug.benchmark.testing.calibration import expected_calibration_error
from medaug.benchmark.testing.measures import MEASURES
from medaug.rng import generator

#: The measure of the shifted test: a case's Dice, averaged over corruptions and severities.
SHIFTED_DICE = "shifted_dice"

#: A case's expected calibration error: over all classes, so it has rows of the mean only.
CALIBRATION_ERROR = "ece"


@dataclass(frozen=True, eq=False)
class _Measured:
    """One measure: a table as `compare_arms` takes it, and what is good.

    Attributes
    ----------
    cases : DataFrame
        With columns of the run, ``case``, ``patient``, ``class`` and that of the measure.
    name : str
        The column of the measure.
    higher_is_better : bool or None
        None where the best value is 0.
    """

    cases: pd.DataFrame
    name: str
    higher_is_better: bool | None


def analyse(
    results: Results, *, rng: np.random.Generator | None = None, n_resamples: int = N_RESAMPLES
) -> pd.DataFrame:
    """Compare the arms of a benchmark.

    Only blocks (size, fold, seed) that every arm has finished enter.

    Parameters
    ----------
    results : Results
        All runs.
    rng : numpy.random.Generator, optional
        The source of resamples, which all sizes and measures share. By default the stream of the
        benchmark's own split: whoever compares its results gets the same intervals.
    n_resamples : int, default: 9999
        The number of bootstrap resamples.

    Returns
    -------
    DataFrame
        Columns ``train_cases``, ``measure`` and those of
        `medaug.benchmark.statistics.compare.compare_arms`: a row for each size, measure, arm, and
        region or the mean of the regions. The measures are `MEASURES`, `SHIFTED_DICE` if there was
        a shifted test, and `CALIBRATION_ERROR` if calibration was measured. Sizes without a
        complete block, or without a run of the reference, have none:
        `medaug.benchmark.left_out.left_out` tells why.
    """
    if rng is None:
        split_seed = results.provenance["configuration"]["split_seed"]
        rng = generator(Stream.BOOTSTRAP, split_seed, 0, 0)
    resamples = Resamples(rng, n_resamples)
    blocks = compared_blocks(results)
    parts = []
    for size in results.sizes:
        for measured in _measures(results):
            cases = measured.cases.merge(blocks[blocks["train_cases"] == size], on=BLOCK)
            if cases.empty:
                continue
            compared = compare_arms(
                cases,
                value=measured.name,
                higher_is_better=measured.higher_is_better,
                resamples=resamples,
            )
            if measured.name == CALIBRATION_ERROR:
                compared = compared[compared["class"] == MEAN_OF_CLASSES]
            compared.insert(0, "train_cases", size)
            compared.insert(1, "measure", measured.name)
            parts.append(compared)
    if not parts:
        return pd.DataFrame(columns=["train_cases", "measure", *COLUMNS])
    return pd.concat(parts, ignore_index=True)


def compared_blocks(results: Results) -> pd.DataFrame:
    """Return the blocks that :func:`analyse` compares.

    They are the complete ones at the sizes at which the reference has runs: without it, another arm
    would take its place.

    Returns
    -------
    DataFrame
        Columns ``train_cases``, ``fold``, ``seed``.
    """
    blocks = complete_blocks(results.runs, results.missing)
    reference = results.runs[results.runs["arm"] == results.arms[0]]
    return blocks[blocks["train_cases"].isin(reference["train_cases"])]


def _measures(results: Results) -> list[_Measured]:
    measures = [
        _Measured(results.scores, measure.name, measure.higher_is_better) for measure in MEASURES
    ]
    if not results.shifted.empty:
        measures.append(_Measured(_shifted_dice(results), SHIFTED_DICE, higher_is_better=True))
    if not results.calibration.empty:
        errors = _calibration_errors(results)
        measures.append(_Measured(errors, CALIBRATION_ERROR, higher_is_better=False))
    return measures


def _shifted_dice(results: Results) -> pd.DataFrame:
    """Return the mean Dice of each case over the corruptions at which every arm has a value."""
    shifted = results.shifted
    test = [*BLOCK, "corruption", "severity", "case", "class"]
    tests = shifted.groupby(test)["dice"]
    paired = tests.transform("count") == tests.transform("size")
    means = (
        shifted.assign(**{SHIFTED_DICE: shifted["dice"].where(paired)})
        .groupby([*RUN_COLUMNS, "case", "patient", "class"], sort=False)[SHIFTED_DICE]
        .mean()
    )
    return means.reset_index()


def _calibration_errors(results: Results) -> pd.DataFrame:
    """Return the expected calibration error of each case, which is of all classes together."""
    errors = expected_calibration_error(results.calibration, by=[*RUN_COLUMNS, "case"])
    table = errors.rename(CALIBRATION_ERROR).reset_index()
    patient_of = dict(zip(results.scores["case"], results.scores["patient"], strict=True))
    table["patient"], table["class"] = table["case"].map(patient_of), MEAN_OF_CLASSES
    return table
