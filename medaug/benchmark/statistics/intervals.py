"""Standard errors and confidence intervals of the mean paired difference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from medaug.benchmark.statistics.pairing import Pairs, Values, sum_by
from medaug.benchmark.statistics.resamples import Resamples

# With fewer patients the resamples hardly differ from each other, and their spread is near zero too
# often: the studentised interval is then many times as wide as Student's.
_FEWEST_FOR_BOOTSTRAP = 6

# Spread of a resample, in standard deviations, that is rounding.
_NO_SPREAD = 1e-6


@dataclass(frozen=True, eq=False)
class StandardErrors:
    """Of the mean difference of each arm.

    Attributes
    ----------
    patients : float array [arms]
        Over new patients, for these networks.
    trainings : float array [arms]
        Over new patients and new trainings; NaN with one run.
    patient_freedom, training_freedom : int
        Their degrees of freedom.
    """

    patients: Values
    trainings: Values
    patient_freedom: int
    training_freedom: int


def standard_errors(pairs: Pairs) -> StandardErrors:
    """Return the standard errors, clustered by patient, and by patient and run.

    The second one is the two-way variance of Cameron, Gelbach and Miller (2011, Journal of Business
    and Economic Statistics 29:238-249): that of the sums over patients, plus that of the sums over
    runs, minus that of the sums over both at once, each with G / (G - 1) for G clusters. It is
    never taken to be below the variance over patients. Its degrees of freedom are those of the
    smaller number of clusters.

    Parameters
    ----------
    pairs : Pairs
        Of two patients or more.
    """
    n_patients, n_runs = pairs.n_patients, pairs.n_runs
    weights = pairs.weights[:, np.newaxis]
    differences = pairs.differences
    scores = weights * (differences - (weights * differences).sum(axis=0))
    patients = pairs.patients[pairs.cases]
    over_patients = _variance(sum_by(patients, scores))
    trainings = np.full_like(over_patients, np.nan)
    if n_runs > 1:
        _, both = np.unique(patients * n_runs + pairs.runs, return_inverse=True)
        of_runs = _variance(sum_by(pairs.runs, scores)) - _variance(sum_by(both, scores))
        trainings = np.sqrt(over_patients + np.maximum(of_runs, 0))
    return StandardErrors(
        np.sqrt(over_patients), trainings, n_patients - 1, min(n_patients, n_runs) - 1
    )


def _variance(sums: Values) -> Values:
    """Return the variance of an estimate whose clusters have these sums of scores."""
    n_clusters = len(sums)
    return np.asarray((sums**2).sum(axis=0) * n_clusters / (n_clusters - 1), dtype=np.float64)


def patient_interval(
    differences: Values, resamples: Resamples, confidence: float
) -> tuple[Values, Values]:
    """Return the interval of the mean difference over new patients, for these networks.

    It is the studentised bootstrap interval (bootstrap-t; Efron 1982, The Jackknife, the Bootstrap
    and Other Resampling Plans, chapter 10; Hall 1988, Annals of Statistics 16:927-953), which
    resamples patients with all that belongs to them. `docs/concepts/statistics.md` compares it with
    Student's and BCa (Efron 1987), which cover too little for few patients with skewed differences.
    scipy.stats.bootstrap has no studentised interval, and resamples for each arm anew.

    Student's interval takes its place below six patients, and where most differences are equal, so
    that too many resamples have no spread.

    Parameters
    ----------
    differences : float array [patients, arms]
        The mean difference of each patient.
    resamples : Resamples
        The weights of patients.
    confidence : float
        The coverage, in (0, 1).

    Returns
    -------
    low, high : float array [arms]
        NaN below two patients. Where all differences are equal, both are that difference.
    """
    n_patients, n_arms = differences.shape
    if n_patients < 2:
        return np.full(n_arms, np.nan), np.full(n_arms, np.nan)
    mean = differences.mean(axis=0)
    error = differences.std(axis=0, ddof=1) / np.sqrt(n_patients)
    half = stats.t.ppf((1 + confidence) / 2, n_patients - 1) * error
    low, high = mean - half, mean + half
    if n_patients >= _FEWEST_FOR_BOOTSTRAP:
        lower, upper = _studentised(differences, resamples, confidence)
        finite = np.isfinite(lower) & np.isfinite(upper)
        low, high = np.where(finite, lower, low), np.where(finite, upper, high)
    equal = np.ptp(differences, axis=0) == 0
    return np.where(equal, mean, low), np.where(equal, mean, high)


def _studentised(
    differences: Values, resamples: Resamples, confidence: float
) -> tuple[Values, Values]:
    """Return the studentised interval; infinite where resamples without spread reach its ends."""
    n_patients = len(differences)
    mean, spread = differences.mean(axis=0), differences.std(axis=0)
    counts = resamples.counts(n_patients) / n_patients
    # In standard deviations, so that one tolerance suits all measures.
    scaled = (differences - mean) / np.where(spread == 0, 1, spread)
    means = counts @ scaled
    spreads = np.sqrt(np.maximum(counts @ scaled**2 - means**2, 0))
    spreads[spreads < _NO_SPREAD] = 0
    with np.errstate(divide="ignore", invalid="ignore"):
        statistics = np.where(np.abs(means) < _NO_SPREAD, 0, means / spreads)
    levels = [(1 - confidence) / 2, (1 + confidence) / 2]
    # Between two infinite values no other rule than this one is defined.
    lowest, highest = np.quantile(statistics, levels, axis=0, method="inverted_cdf")
    return mean - highest * spread, mean - lowest * spread


def training_interval(
    difference: Values, low: Values, high: Values, errors: StandardErrors, confidence: float
) -> tuple[Values, Values]:
    """Return the interval of the mean difference over new patients and new trainings.

    It is the interval over patients, stretched about the difference by the ratio of the two
    standard errors and of their quantiles of Student's distribution: it keeps the skewness that
    the bootstrap found, and where that found none, it is the interval of Cameron, Gelbach and
    Miller (2011) with the quantile for the smaller number of clusters.

    Parameters
    ----------
    difference : float array [arms]
        The mean difference.
    low, high : float array [arms]
        From :func:`patient_interval`.
    errors : StandardErrors
        From :func:`standard_errors`.
    confidence : float
        The coverage, in (0, 1).

    Returns
    -------
    low, high : float array [arms]
        NaN with one run.
    """
    level = (1 + confidence) / 2
    patient_half = stats.t.ppf(level, errors.patient_freedom) * errors.patients
    if not errors.training_freedom:
        return np.full_like(difference, np.nan), np.full_like(difference, np.nan)
    half = stats.t.ppf(level, errors.training_freedom) * errors.trainings
    # Without any spread over patients there is nothing to stretch.
    flat = high - low == 0
    stretch = half / np.where(flat, 1, patient_half)
    return (
        np.where(flat, difference - half, difference - stretch * (difference - low)),
        np.where(flat, difference + half, difference + stretch * (high - difference)),
    )
