"""The part of a benchmark's results that a comparison rests on."""

from __future__ import annotations

from typing import Any

import pandas as pd

from medaug.benchmark.analysis import compared_blocks
from medaug.benchmark.design import BLOCK
from medaug.benchmark.results import Results
from medaug.benchmark.statistics.compare import MEAN_OF_CLASSES


def in_comparison(results: Results, table: pd.DataFrame, size: str) -> pd.DataFrame:
    """Return the rows of a table of `results` whose runs enter the comparison at a size.

    These are the runs of the folds and seeds that every arm has finished.
    """
    blocks = compared_blocks(results)
    return table.merge(blocks[blocks["train_cases"] == size], on=BLOCK)


def mean_rows(
    comparison: pd.DataFrame, size: str, measure: str = "dice", name: str = MEAN_OF_CLASSES
) -> list[dict[str, Any]]:
    """Return the rows of a comparison at a size, one an arm; the first is the reference's.

    Parameters
    ----------
    comparison : DataFrame
        From `medaug.benchmark.analysis.analyse`.
    size : str
        Of the training set.
    measure : str
        What is compared.
    name : str
        A class, or the mean over the classes.
    """
    chosen = (
        (comparison["train_cases"] == size)
        & (comparison["measure"] == measure)
        & (comparison["class"] == name)
    )
    return [
        {str(key): value for key, value in row.items()}
        for row in comparison[chosen].to_dict("records")
    ]
