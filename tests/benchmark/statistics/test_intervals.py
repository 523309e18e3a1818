from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats

from medaug.benchmark.statistics.intervals import (
    StandardErrors,
    patient_interval,
    standard_errors,
    training_interval,
)
from medaug.benchmark.statistics.pairing import Pairs
from medaug.benchmark.statistics.resamples import Resamples


def _resamples(n_resamples: int = 9999) -> Resamples:
    return Resamples(np.random.default_rng(0), n_resamples)


def _interval(differences: np.ndarray, confidence: float = 0.95) -> tuple[float, float]:
    low, high = patient_interval(differences[:, np.newaxis], _resamples(), confidence)
    return float(low[0]), float(high[0])


def _pairs(differences: np.ndarray, runs: np.ndarray, patients: np.ndarray) -> Pairs:
    """Return one case a patient; `differences` and `runs` have a row for each case and run."""
    cases = patients
    values = np.column_stack([np.zeros(len(differences)), differences])
    names = tuple(range(int(cases.max()) + 1))
    return Pairs(("none", "aug"), values, cases, runs, np.arange(len(names)), names)


def test_counts_draw_as_many_patients_as_there_are_each_equally_often() -> None:
    counts = _resamples().counts(7)
    assert counts.shape == (9999, 7)
    assert (counts.sum(axis=1) == 7).all()
    np.testing.assert_allclose(counts.mean(axis=0), 1, atol=0.05)
    # Of a multinomial distribution.
    np.testing.assert_allclose(counts.var(axis=0), 6 / 7, atol=0.05)


def test_shares_are_uniform_over_all_weights() -> None:
    shares = _resamples().shares(5)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    np.testing.assert_allclose(shares.mean(axis=0), 1 / 5, atol=0.01)
    # Of a flat Dirichlet distribution.
    np.testing.assert_allclose(shares.var(axis=0), 4 / (25 * 6), rtol=0.1)


def test_weights_depend_on_the_number_of_patients_only() -> None:
    some, others = _resamples(50), _resamples(50)
    others.counts(9)
    np.testing.assert_array_equal(some.counts(6), others.counts(6))
    assert not np.array_equal(_resamples(50).counts(6), some.shares(6))


def test_interval_is_that_of_a_bootstrap_of_student_statistics(rng: np.random.Generator) -> None:
    differences = rng.exponential(size=15)
    # Written out: resample, studentise, take the quantiles.
    drawn = rng.choice(differences, size=(50000, 15))
    statistics = (drawn.mean(axis=1) - differences.mean()) / stats.sem(drawn, axis=1)
    low, high = np.quantile(statistics, [0.025, 0.975])
    error = stats.sem(differences)
    expected = (differences.mean() - high * error, differences.mean() - low * error)
    np.testing.assert_allclose(_interval(differences), expected, atol=0.1 * error)


def test_interval_is_longer_towards_the_tail(rng: np.random.Generator) -> None:
    differences = rng.exponential(size=30)
    low, high = _interval(differences)
    assert high - differences.mean() > 1.1 * (differences.mean() - low)
    mirrored_low, mirrored_high = _interval(-differences)
    assert mirrored_low == pytest.approx(-high)
    assert mirrored_high == pytest.approx(-low)


def test_interval_does_not_depend_on_the_unit(rng: np.random.Generator) -> None:
    differences = rng.normal(0.01, 0.02, 20)
    low, high = _interval(differences)
    np.testing.assert_allclose(_interval(differences * 1e4 + 7), (low * 1e4 + 7, high * 1e4 + 7))


@pytest.mark.parametrize("differences", [[0.1, 0.2], [0.1, 0.3, 0.2, 0.5, 0.2], [0.0] * 20 + [1.0]])
def test_interval_is_students_where_resamples_have_no_spread(differences: list[float]) -> None:
    expected = stats.t.interval(
        0.9, len(differences) - 1, np.mean(differences), stats.sem(differences)
    )
    np.testing.assert_allclose(_interval(np.array(differences), 0.9), expected)


def test_columns_do_not_disturb_each_other(rng: np.random.Generator) -> None:
    columns = np.column_stack([rng.normal(size=20), [0.0] * 19 + [1.0], np.full(20, 0.3)])
    together = np.array(patient_interval(columns, _resamples(), 0.95))
    alone = [_interval(column) for column in columns.T]
    np.testing.assert_allclose(together.T, alone)
    assert alone[2] == pytest.approx((0.3, 0.3), abs=1e-15)


def test_patient_error_is_that_of_the_mean_over_patients(rng: np.random.Generator) -> None:
    differences = rng.normal(size=(12, 3))
    patients, runs = np.repeat(np.arange(12), 3), np.tile(np.arange(3), 12)
    errors = standard_errors(_pairs(differences.ravel(), runs, patients))
    assert errors.patients == pytest.approx(stats.sem(differences.mean(axis=1)))
    assert (errors.patient_freedom, errors.training_freedom) == (11, 2)


def test_two_way_error_by_the_double_sum(rng: np.random.Generator) -> None:
    """The covariance of all pairs of rows that share a patient or a run counts."""
    n_patients, n_runs = 8, 4
    patients, runs = np.array(list(product(range(n_patients), range(n_runs)))).T
    differences = rng.normal(size=(n_patients, 1)) + 2 * rng.normal(size=n_runs)
    differences = (differences + rng.normal(size=differences.shape)).ravel()
    scores = (differences - differences.mean()) / differences.size
    variances = {"patient": 0.0, "run": 0.0, "both": 0.0}
    for i, j in product(range(differences.size), repeat=2):
        same_patient, same_run = patients[i] == patients[j], runs[i] == runs[j]
        variances["patient"] += scores[i] * scores[j] * same_patient
        variances["run"] += scores[i] * scores[j] * same_run
        variances["both"] += scores[i] * scores[j] * (same_patient and same_run)
    expected = (
        variances["patient"] * n_patients / (n_patients - 1)
        + variances["run"] * n_runs / (n_runs - 1)
        - variances["both"] * differences.size / (differences.size - 1)
    )
    errors = standard_errors(_pairs(differences, runs, patients))
    assert errors.trainings**2 == pytest.approx(expected)
    assert errors.trainings > errors.patients


def test_two_way_error_is_never_below_that_over_patients() -> None:
    # Each run has the same mean: the formula alone would give less than the patients do.
    of_runs = np.array([[0.1, -0.1], [0.3, -0.3], [-0.1, 0.1], [-0.3, 0.3]])
    of_patients = np.array([[0.2], [0.1], [0.0], [-0.1]])
    differences = of_patients + of_runs
    patients, runs = np.repeat(np.arange(4), 2), np.tile([0, 1], 4)
    errors = standard_errors(_pairs(differences.ravel(), runs, patients))
    assert errors.trainings == errors.patients


def _errors(patients: float, trainings: float, freedom: int = 2) -> StandardErrors:
    return StandardErrors(np.array([patients]), np.array([trainings]), 19, freedom)


def test_training_interval_is_student_s_around_a_symmetric_one() -> None:
    half = stats.t.ppf(0.975, 19) * 0.01
    low, high = training_interval(
        np.array([0.05]),
        np.array([0.05 - half]),
        np.array([0.05 + half]),
        _errors(0.01, 0.03),
        0.95,
    )
    expected = stats.t.interval(0.95, 2, 0.05, 0.03)
    np.testing.assert_allclose([low[0], high[0]], expected)


def test_training_interval_keeps_the_skewness() -> None:
    low, high = training_interval(
        np.array([0.05]), np.array([0.04]), np.array([0.08]), _errors(0.01, 0.02), 0.95
    )
    assert (high[0] - 0.05) / (0.05 - low[0]) == pytest.approx(3)
    assert low[0] < 0.04
    assert high[0] > 0.08


def test_training_interval_without_spread_over_patients() -> None:
    one = np.array([0.05])
    low, high = training_interval(one, one, one, _errors(0, 0.01), 0.95)
    np.testing.assert_allclose([low[0], high[0]], stats.t.interval(0.95, 2, 0.05, 0.01))
