"""The comparison of arms at every size of the training set and by every measure."""

from __future__ import annotations

import numpy as np
import pandas as pd

from medaug.benchmark.design import BLOCK, complete_blocks
from medaug.benchmark.results import Results
from medaug.benchmark.statistics.compare import compare_arms
from medaug.benchmark.testing.measures import MEASURES

#: The measure of the shifted test: a case's Dice, averaged over corruptions and severities.
SHIFTED_DICE = "shifted_dice"


def analyse(results: Results, *, rng: np.random.Generator) -> pd.DataFrame:
    """Compare the arms of a benchmark.

    Only blocks (size, fold, seed) that every arm has finished enter.

    Parameters
    ----------
    results : Results
        All runs.
    rng : numpy.random.Generator
        The source of resamples.

    Returns
    -------
    DataFrame
        Columns ``train_cases``, ``measure`` and those of
        `medaug.benchmark.statistics.compare.compare_arms`: a row for each size, measure, arm, and
        region or the mean of the regions. Sizes without a complete block have none.
    """
    blocks = complete_blocks(results.runs, results.missing)
    tables = {measure.name: results.scores for measure in MEASURES}
    parts = []
    for size in results.sizes:
        for measure, scores in tables.items():
            cases = scores.merge(blocks[blocks["train_cases"] == size], on=BLOCK)
            if cases.empty:
                continue
            compared = compare_arms(cases, value=measure, rng=rng)
            compared.insert(0, "train_cases", size)
            compared.insert(1, "measure", measure)
            parts.append(compared)
    return pd.concat(parts, ignore_index=True)
