"""Paired comparison of the arms of a benchmark, with the case as the unit of analysis."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests

from medaug.errors import InputError

#: The value of the column ``class`` in the rows about the mean over classes.
MEAN_OF_CLASSES = "mean"

#: Differences of Dice below this are rounding: they count as equal.
_RESOLUTION_DIGITS = 12

_Differences = npt.NDArray[np.float64]


def compare_arms(
    cases: pd.DataFrame,
    *,
    value: str = "dice",
    rng: np.random.Generator,
    n_resamples: int = 9999,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Compare each arm with the first one, case by case.

    A case's Dice is first averaged over the runs (folds, seeds) that tested it, so that a case
    counts once however many seeds there are. A class of a case enters only if it has a value in
    every arm: all arms are then judged on the same cases, and the difference of two arms' means is
    the mean of their paired differences. The row ``mean`` averages the classes of each case first.

    The interval is the BCa bootstrap interval (Efron 1987) of the mean paired difference, over
    cases. The p-value is that of the two-sided Wilcoxon signed-rank test, with zero differences
    ranked but not signed (Pratt 1959). It is preferred to the t-test because Dice is bounded and
    its differences are skewed by the few cases where a network fails (Demsar 2006, JMLR 7:1-30, for
    classifiers; Wiesenfarth et al. 2021, Scientific Reports 11:2369, for segmentation challenges,
    with Holm's correction as here). Fewer than six cases cannot give p < 0.05.

    Parameters
    ----------
    cases : DataFrame
        Columns ``arm``, ``fold``, ``seed``, ``case``, ``class`` and ``dice`` (in [0, 1], or NaN
        where the class is in neither truth nor prediction). The first arm to appear is the
        reference; arms and classes keep the order in which they appear.
    rng : numpy.random.Generator
        The source of the resamples.
    n_resamples : int, default: 9999
        The number of bootstrap resamples.
    confidence : float, default: 0.95
        The coverage of the interval, in (0, 1).

    Returns
    -------
    DataFrame
        A row for each arm and each class, and for each arm and ``mean``:

        - ``arm``, ``class``
        - ``n_cases``: the cases compared
        - ``dice``: mean over cases; NaN without cases
        - ``difference``: mean paired difference to the first arm
        - ``ci_low``, ``ci_high``: its interval; NaN below two cases; where all differences are
          equal, no resample can differ, and both are that difference
        - ``p_value``: of the paired test; NaN below two cases; 1 if all differences are zero
        - ``p_holm``: corrected for the number of arms within the class (Holm 1979)
        - ``confidence``, ``n_resamples``: as given

        The paired columns of the first arm are NaN.

    Raises
    ------
    InputError
        If an arm lacks a class of a case that another arm has.
    """
    blocks = [
        _compare_class(name, table, rng, n_resamples, confidence)
        for name, table in _paired_tables(cases, value).items()
    ]
    comparison = pd.concat(blocks, ignore_index=True)
    arms = cases["arm"].unique().tolist()
    # Blocks come a class at a time; readers want an arm at a time.
    by_arm = comparison.sort_values("arm", key=lambda arm: arm.map(arms.index), kind="stable")
    return by_arm.assign(confidence=confidence, n_resamples=n_resamples).reset_index(drop=True)


def paired_differences(cases: pd.DataFrame) -> pd.DataFrame:
    """Return the difference to the first arm of each case, as :func:`compare_arms` uses it.

    Parameters
    ----------
    cases : DataFrame
        As for :func:`compare_arms`.

    Returns
    -------
    DataFrame
        Columns ``arm`` (all but the first), ``class`` (the classes and ``mean``), ``case`` and
        ``difference``, in [-1, 1].
    """
    tables = []
    for name, table in _paired_tables(cases).items():
        difference = table.iloc[:, 1:].sub(table.iloc[:, 0], axis="index")
        tidy = difference.reset_index().melt("case", var_name="arm", value_name="difference")
        tables.append(tidy.assign(**{"class": name}))
    return pd.concat(tables, ignore_index=True)[["arm", "class", "case", "difference"]]


def _paired_tables(cases: pd.DataFrame, value: str = "dice") -> dict[str, pd.DataFrame]:
    """Return, for each class and the mean, the Dice of the comparable cases: case x arm."""
    per_case = cases.groupby(["class", "case", "arm"], sort=False)[value].mean()
    arms = cases["arm"].unique()
    _check_complete(per_case.index.to_list(), arms.tolist())
    table = per_case.unstack("arm")[arms].dropna()
    classes = cases["class"].unique()
    tables = {name: table[table.index.get_level_values("class") == name] for name in classes}
    paired = {name: part.droplevel("class") for name, part in tables.items()}
    paired[MEAN_OF_CLASSES] = table.groupby("case", sort=False).mean()
    return paired


def _check_complete(given: list[tuple[str, str, str]], arms: list[str]) -> None:
    """Refuse a (class, case, arm) that is not there for every arm; a NaN counts as being there."""
    keys = set(given)
    for arm, (name, case, _) in product(arms, given):
        if (name, case, arm) not in keys:
            raise InputError(
                f"Arm '{arm}' has no Dice for class '{name}' of case '{case}', which another arm "
                "has. Compare arms that were tested on the same cases."
            )


def _compare_class(
    name: str,
    table: pd.DataFrame,
    rng: np.random.Generator,
    n_resamples: int,
    confidence: float,
) -> pd.DataFrame:
    """Return the rows of one class; `table` is case x arm, the first arm is the reference."""
    rows = []
    for arm in table.columns:
        row = {"arm": arm, "class": name, "n_cases": len(table), "dice": table[arm].mean()}
        if arm != table.columns[0]:
            differences = (table[arm] - table.iloc[:, 0]).to_numpy().round(_RESOLUTION_DIGITS)
            low, high = _interval(differences, rng, n_resamples, confidence)
            row |= {
                "difference": differences.mean() if len(differences) else np.nan,
                "ci_low": low,
                "ci_high": high,
                "p_value": _signed_rank_p(differences),
            }
        rows.append(row)
    columns = ["arm", "class", "n_cases", "dice", "difference", "ci_low", "ci_high", "p_value"]
    block = pd.DataFrame(rows, columns=columns)
    return block.assign(p_holm=_holm(block["p_value"].to_numpy(dtype=float)))


def _interval(
    differences: _Differences, rng: np.random.Generator, n_resamples: int, confidence: float
) -> tuple[float, float]:
    if len(differences) < 2:
        return np.nan, np.nan
    if np.ptp(differences) == 0:
        # BCa divides by the spread of the jackknife, which is zero here.
        return float(differences.mean()), float(differences.mean())
    interval = stats.bootstrap(
        (differences,),
        np.mean,
        n_resamples=n_resamples,
        confidence_level=confidence,
        method="BCa",
        rng=rng,
    ).confidence_interval
    return float(interval.low), float(interval.high)


def _signed_rank_p(differences: _Differences) -> float:
    if len(differences) < 2:
        return np.nan
    if not differences.any():
        return 1.0
    return float(stats.wilcoxon(differences, zero_method="pratt").pvalue)


def _holm(p_values: _Differences) -> _Differences:
    """Apply Holm's step-down correction to the p-values that exist; the rest stay NaN."""
    corrected = np.full_like(p_values, np.nan)
    given = ~np.isnan(p_values)
    if given.any():
        corrected[given] = multipletests(p_values[given], method="holm")[1]
    return corrected
