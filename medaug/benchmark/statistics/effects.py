"""How large a difference is, how likely it is an improvement, and what could have been found."""

from __future__ import annotations

import numpy as np
from scipy import stats
from scipy.special import gammaln

from medaug.benchmark.statistics.intervals import StandardErrors
from medaug.benchmark.statistics.pairing import Values
from medaug.benchmark.statistics.resamples import Resamples

#: The chance to find the smallest detectable difference.
POWER = 0.8


def effect_size(differences: Values) -> Values:
    """Return the mean difference in standard deviations of the differences.

    That is Cohen's d_z with Hedges' correction (1981, Journal of Educational Statistics 6:107-128)
    of its bias for few patients: d_z * gamma(m / 2) / (sqrt(m / 2) * gamma((m - 1) / 2)), m being
    the degrees of freedom.

    Parameters
    ----------
    differences : float array [patients, arms]

    Returns
    -------
    float array [arms]
        With the sign of the difference. NaN below three patients and where all differences are
        equal; but 0 where all are zero.
    """
    n_patients, n_arms = differences.shape
    if n_patients < 3:
        return np.full(n_arms, np.nan)
    freedom = n_patients - 1
    correction = np.exp(gammaln(freedom / 2) - gammaln((freedom - 1) / 2)) / np.sqrt(freedom / 2)
    spread = differences.std(axis=0, ddof=1)
    equal = np.ptp(differences, axis=0) == 0
    sizes = correction * differences.mean(axis=0) / np.where(equal, 1, spread)
    return np.where(equal, np.where(differences[0] == 0, 0, np.nan), sizes)


def probability_better(gains: Values, resamples: Resamples) -> Values:
    """Return the posterior probability that the mean gain is above zero.

    By the Bayesian bootstrap over patients (Rubin 1981), for these networks.

    Parameters
    ----------
    gains : float array [patients, arms]
        Differences in the arm's favour.
    resamples : Resamples
        The weights of patients.

    Returns
    -------
    float array [arms]
        In [0, 1]; a mean of zero counts half. NaN below two patients.
    """
    n_patients, n_arms = gains.shape
    if n_patients < 2:
        return np.full(n_arms, np.nan)
    means = resamples.shares(n_patients) @ gains
    return np.asarray((np.sign(means).mean(axis=0) + 1) / 2, dtype=np.float64)


def detectable_difference(errors: StandardErrors, n_arms: int, confidence: float) -> Values:
    """Return the smallest true mean difference that would probably have been found.

    It is found with a chance of `POWER` by a two-sided t-test at the level of Holm's first step,
    (1 - confidence) / `n_arms`: the standard error times the sum of the two quantiles of Student's
    distribution (Bloom 1995, Evaluation Review 19:547-556). The standard error is that over
    patients and trainings, if there is one. The observed difference has no part in it.

    Parameters
    ----------
    errors : StandardErrors
        Of the arms.
    n_arms : int
        How many arms are compared with the reference.
    confidence : float
        One minus the level.

    Returns
    -------
    float array [arms]
        Not negative. NaN where the standard error is zero.
    """
    several_runs = bool(errors.training_freedom)
    error = errors.trainings if several_runs else errors.patients
    freedom = errors.training_freedom if several_runs else errors.patient_freedom
    level = (1 - confidence) / n_arms
    quantiles = stats.t.ppf(1 - level / 2, freedom) + stats.t.ppf(POWER, freedom)
    return np.where(error == 0, np.nan, quantiles * error)
