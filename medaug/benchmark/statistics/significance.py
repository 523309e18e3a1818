"""Paired tests, and their correction for the number of arms."""

from __future__ import annotations

import numpy as np
from scipy import stats

from medaug.benchmark.statistics.intervals import StandardErrors
from medaug.benchmark.statistics.pairing import Values


def t_test(differences: Values) -> Values:
    """Return the p-values of the two-sided paired t-test.

    Parameters
    ----------
    differences : float array [patients, arms]

    Returns
    -------
    float array [arms]
        NaN below two patients, and where all differences are equal, which leaves the test no spread
        to judge by; but 1 where all are zero.
    """
    p_values = np.full(differences.shape[1], np.nan)
    if len(differences) > 1:
        varied = np.ptp(differences, axis=0) > 0
        if varied.any():
            p_values[varied] = stats.ttest_1samp(differences[:, varied], 0).pvalue
        p_values[~differences.any(axis=0)] = 1
    return p_values


def signed_rank_test(differences: Values) -> Values:
    """Return the p-values of the two-sided Wilcoxon signed-rank test.

    Zero differences are ranked but not signed (Pratt 1959, Journal of the American Statistical
    Association 54:655-667).

    Parameters
    ----------
    differences : float array [patients, arms]

    Returns
    -------
    float array [arms]
        NaN below two patients; 1 where all differences are zero.
    """
    return np.array([_signed_rank_p(column) for column in differences.T], dtype=np.float64)


def _signed_rank_p(differences: Values) -> float:
    if len(differences) < 2:
        return np.nan
    if not differences.any():
        return 1.0
    return float(stats.wilcoxon(differences, zero_method="pratt").pvalue)


def training_test(difference: Values, errors: StandardErrors) -> Values:
    """Return the p-values of the two-sided t-test over new patients and new trainings.

    Parameters
    ----------
    difference : float array [arms]
        The mean difference.
    errors : StandardErrors
        Its two-way clustered standard error (Cameron, Gelbach and Miller 2011).

    Returns
    -------
    float array [arms]
        NaN with one run, and where nothing varies; but 1 where all differences are zero.
    """
    if not errors.training_freedom:
        return np.full_like(difference, np.nan)
    flat = errors.trainings == 0
    statistics = np.abs(difference) / np.where(flat, 1, errors.trainings)
    p_values = 2 * stats.t.sf(statistics, errors.training_freedom)
    return np.where(flat, np.where(difference == 0, 1, np.nan), p_values)


def holm(p_values: Values) -> Values:
    """Return p-values corrected for their number (Holm 1979, Scand. J. Statistics 6:65-70).

    NaN are not counted and stay NaN. (statsmodels has the same, but collects garbage at every call,
    which takes nine tenths of the time of an analysis.)
    """
    corrected = np.full_like(p_values, np.nan)
    given = np.flatnonzero(~np.isnan(p_values))
    ascending = given[np.argsort(p_values[given])]
    multiples = p_values[ascending] * np.arange(len(ascending), 0, -1)
    corrected[ascending] = np.minimum(np.maximum.accumulate(multiples), 1)
    return corrected


def smallest_p(n_patients: int, n_arms: int = 1) -> float:
    """Return the smallest p-value that the signed-rank test can give.

    Parameters
    ----------
    n_patients : int
        The number of patients.
    n_arms : int, default: 1
        How many arms are compared with the reference: Holm multiplies the smallest p by it.

    Returns
    -------
    float
        In (0, 1]. Where it is not below one minus the confidence, no verdict but "unclear" can be.
    """
    return float(min(1, 2 * n_arms / 2**n_patients))
