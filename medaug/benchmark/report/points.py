"""The numbers behind the pictures."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from medaug.benchmark.report.compared import in_comparison, mean_rows
from medaug.benchmark.results import Results


def dice_by_size(results: Results, comparison: pd.DataFrame) -> pd.DataFrame:
    """Return the mean Dice of each arm at each size, with its interval over patients.

    Returns
    -------
    DataFrame
        Columns ``arm``, ``train_cases``, ``n_train_cases`` (the mean over runs), ``mean``, ``low``
        and ``high``: Student's interval over the means of the patients.
    """
    points = []
    for size in results.sizes:
        scores = in_comparison(results, results.scores, size)
        means = scores.groupby(["arm", "patient", "case"])["dice"].mean()
        patients = means.groupby(["arm", "patient"]).mean()
        for row in mean_rows(comparison, size):
            half = _half_width(patients[row["arm"]], row["confidence"])
            points.append((row["arm"], size, row["mean"], row["mean"] - half, row["mean"] + half))
    return _with_counts(points, results)


def gain_by_size(results: Results, comparison: pd.DataFrame) -> pd.DataFrame:
    """Return the difference of each arm to the reference at each size, and its interval.

    Returns
    -------
    DataFrame
        As `dice_by_size`; the interval is that of the comparison.
    """
    points = [
        (row["arm"], size, row["difference"], row["ci_low"], row["ci_high"])
        for size in results.sizes
        for row in mean_rows(comparison, size)[1:]
    ]
    return _with_counts(points, results)


def _half_width(values: pd.Series[float], confidence: float) -> float:
    values = values.dropna()
    if len(values) < 2:
        return np.nan
    return float(stats.sem(values) * stats.t.ppf((1 + confidence) / 2, len(values) - 1))


def _with_counts(
    points: list[tuple[str, str, float, float, float]], results: Results
) -> pd.DataFrame:
    table = pd.DataFrame(points, columns=["arm", "train_cases", "mean", "low", "high"])
    counts = results.runs.groupby("train_cases")["n_train_cases"].mean()
    return table.assign(n_train_cases=table["train_cases"].map(counts))


def dice_by_severity(results: Results) -> pd.DataFrame:
    """Return the mean Dice of each arm under each corruption, at the main size.

    Returns
    -------
    DataFrame
        Columns ``arm``, ``corruption``, ``severity`` and ``dice``. At severity 0 stands the Dice of
        the same cases as they are.
    """
    shifted = in_comparison(results, results.shifted, results.main_size)
    keys = ["arm", "fold", "seed", "case", "class"]
    scores = in_comparison(results, results.scores, results.main_size)
    untouched = shifted[[*keys, "corruption"]].drop_duplicates().merge(scores, on=keys)
    columns = [*keys, "corruption", "severity", "dice"]
    table = pd.concat([untouched.assign(severity=0)[columns], shifted[columns]])
    cases = table.groupby(["arm", "corruption", "severity", "case"], sort=False)["dice"].mean()
    means = cases.groupby(["arm", "corruption", "severity"], sort=False).mean()
    return means.reset_index()


def dice_for_cost(results: Results, comparison: pd.DataFrame) -> pd.DataFrame:
    """Return the mean Dice of each arm at the main size, and what its augmentation costs.

    Returns
    -------
    DataFrame
        Columns ``arm``, ``milliseconds``, ``mean``, and the ends of the interval of its difference,
        ``low`` and ``high``, put upon the Dice of the reference. Arms whose cost or Dice is unknown
        are left out.
    """
    rows = mean_rows(comparison, results.main_size)
    points = [
        (
            row["arm"],
            1000 * results.cost.get(row["arm"], np.nan),
            row["mean"],
            rows[0]["mean"] + row["ci_low"],
            rows[0]["mean"] + row["ci_high"],
        )
        for row in rows
    ]
    table = pd.DataFrame(points, columns=["arm", "milliseconds", "mean", "low", "high"])
    return table.dropna(subset=["milliseconds", "mean"])


def reliability(results: Results) -> pd.DataFrame:
    """Return the reliability curve of each arm at the main size: accuracy by confidence.

    Returns
    -------
    DataFrame
        Columns ``arm``, ``bin``, ``voxels``, ``confidence`` (mean) and ``accuracy``; bins without a
        voxel are left out.
    """
    sums = ["voxels", "confidence", "correct"]
    calibration = in_comparison(results, results.calibration, results.main_size)
    bins = calibration.groupby(["arm", "bin"], sort=False)[sums].sum().reset_index()
    bins = bins[bins["voxels"] > 0].sort_values("bin", kind="stable")
    return pd.DataFrame(
        {
            "arm": bins["arm"],
            "bin": bins["bin"],
            "voxels": bins["voxels"],
            "confidence": bins["confidence"] / bins["voxels"],
            "accuracy": bins["correct"] / bins["voxels"],
        }
    )
