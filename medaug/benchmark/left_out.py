"""What the comparison of a benchmark does without, and why."""

from __future__ import annotations

import pandas as pd

from medaug.benchmark.analysis import compared_blocks
from medaug.benchmark.design import BLOCK
from medaug.benchmark.results import Results
from medaug.benchmark.testing.measures import MEASURES

_COLUMNS = ["train_cases", "kind", "what", "n_cases", "reason"]
_Row = tuple[str, str, str, int, str]


def left_out(results: Results) -> pd.DataFrame:
    """Return what `medaug.benchmark.analysis.analyse` does without, and why.

    Parameters
    ----------
    results : Results
        All runs.

    Returns
    -------
    DataFrame
        Columns ``train_cases``, ``kind``, ``what``, ``n_cases`` (how many test cases it concerns)
        and ``reason``. The kinds are

        - ``size``: a whole size of the training set
        - ``arm``: an arm without any run at a size
        - ``block``: a fold and seed that some arm has not finished
        - ``values``: cases that have no value of a measure and class in every arm
    """
    blocks = compared_blocks(results)
    rows: list[_Row] = []
    for size in results.sizes:
        of_size = blocks[blocks["train_cases"] == size]
        if of_size.empty:
            rows.append(_size(results, size))
            continue
        rows += [*_arms(results, size), *_blocks(results, of_size, size)]
        rows += _values(results, of_size, size)
    return pd.DataFrame(rows, columns=_COLUMNS)


def _size(results: Results, size: str) -> _Row:
    arms = set(_at(size, results.runs)["arm"])
    reference = results.arms[0]
    reason = f"no run of the reference '{reference}' was finished"
    if reference in arms:
        reason = "no fold and seed was finished by every arm"
    return (size, "size", f"{size} training cases", _n_cases(_at(size, results.scores)), reason)


def _arms(results: Results, size: str) -> list[_Row]:
    missing = _without_runs(results, size)
    n_cases = _n_cases(_at(size, results.scores))
    return [
        (size, "arm", str(arm), n_cases, "; ".join(runs["reason"].unique()))
        for arm, runs in missing.groupby("arm", sort=False)
    ]


def _blocks(results: Results, compared: pd.DataFrame, size: str) -> list[_Row]:
    missing = _at(size, results.missing).drop(index=_without_runs(results, size).index)
    scores = _at(size, results.scores)
    kept = set(compared[["fold", "seed"]].itertuples(index=False, name=None))
    rows: list[_Row] = []
    for (fold, seed), runs in _at(size, results.runs).groupby(["fold", "seed"]):
        if (fold, seed) in kept:
            continue
        lacking = missing[(missing["fold"] == fold) & (missing["seed"] == seed)]
        reasons = zip(lacking["arm"], lacking["reason"], strict=True)
        tested = scores[(scores["fold"] == fold) & (scores["seed"] == seed)]
        what = f"fold {fold}, seed {seed}, finished by {', '.join(runs['arm'])}"
        reason = "; ".join(f"{arm}: {why}" for arm, why in reasons)
        rows.append((size, "block", what, _n_cases(tested), reason))
    return rows


def _values(results: Results, compared: pd.DataFrame, size: str) -> list[_Row]:
    scores = results.scores.merge(compared, on=BLOCK)
    names = [measure.name for measure in MEASURES]
    arms_with_value = scores.groupby(["fold", "seed", "class", "case"])[names].count()
    # In its best run, a case has a value in so many arms.
    best = arms_with_value.groupby(["class", "case"]).max().reset_index()
    tidy = best.melt(["class", "case"], var_name="measure", value_name="arms")
    lacking = tidy[tidy["arms"] < scores["arm"].nunique()].copy()
    lacking["reason"] = "some arm has no value"
    lacking.loc[lacking["arms"] == 0, "reason"] = "no arm has a value"
    rows: list[_Row] = []
    for (measure, name, reason), cases in lacking.groupby(
        ["measure", "class", "reason"], sort=False
    ):
        rows.append((size, "values", f"{measure} of {name}", len(cases), str(reason)))
    return rows


def _at(size: str, table: pd.DataFrame) -> pd.DataFrame:
    return table[table["train_cases"] == size]


def _without_runs(results: Results, size: str) -> pd.DataFrame:
    """Return the missing runs of the arms that have no run at all at a size."""
    missing = _at(size, results.missing)
    return missing[~missing["arm"].isin(_at(size, results.runs)["arm"])]


def _n_cases(scores: pd.DataFrame) -> int:
    return int(scores["case"].nunique())
