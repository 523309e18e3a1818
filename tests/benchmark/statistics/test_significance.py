from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from medaug.benchmark.statistics.effects import (
    detectable_difference,
    effect_size,
    probability_better,
)
from medaug.benchmark.statistics.intervals import StandardErrors
from medaug.benchmark.statistics.resamples import Resamples
from medaug.benchmark.statistics.significance import (
    holm,
    signed_rank_test,
    smallest_p,
    t_test,
    training_test,
)


def _errors(patients: float, trainings: float, freedom: int) -> StandardErrors:
    return StandardErrors(np.array([patients]), np.array([trainings]), 19, freedom)


def test_paired_t_test_is_that_of_scipy(rng: np.random.Generator) -> None:
    arms = rng.normal(size=(10, 3))
    expected = [stats.ttest_rel(arms[:, n], arms[:, 0]).pvalue for n in (1, 2)]
    np.testing.assert_allclose(t_test(arms[:, 1:] - arms[:, :1]), expected)


def test_t_test_without_spread() -> None:
    p_values = t_test(np.array([[0, 0.1, 0.1], [0, 0.1, 0.2], [0, 0.1, 0.3]]))
    assert p_values[0] == 1
    assert np.isnan(p_values[1])
    assert p_values[2] == pytest.approx(stats.ttest_1samp([0.1, 0.2, 0.3], 0).pvalue)
    assert np.isnan(t_test(np.array([[0.1]]))).all()


def test_training_test_is_the_t_test_of_its_error() -> None:
    p_value = training_test(np.array([-0.05]), _errors(0.01, 0.02, 4))
    assert p_value == pytest.approx(2 * stats.t.cdf(-0.05 / 0.02, 4))
    assert np.isnan(training_test(np.array([0.05]), _errors(0.01, np.nan, 0))).all()


@pytest.mark.parametrize("p_values", [[0.01, 0.04, 0.03, 0.005], [0.5, 0.6], [0.2], [0.01, 0.01]])
def test_holm_is_that_of_statsmodels(p_values: list[float]) -> None:
    expected = multipletests(p_values, method="holm")[1]
    np.testing.assert_allclose(holm(np.array(p_values)), expected)


def test_holm_does_not_count_nan() -> None:
    np.testing.assert_allclose(holm(np.array([np.nan, 0.01, 0.02])), [np.nan, 0.02, 0.02])
    assert np.isnan(holm(np.array([np.nan]))).all()
    assert holm(np.array([])).size == 0


@pytest.mark.parametrize("n_patients", [2, 5, 6, 9])
def test_smallest_p_is_what_the_best_patients_give(n_patients: int) -> None:
    best = np.arange(1, n_patients + 1)[:, np.newaxis] / 100
    assert smallest_p(n_patients) == pytest.approx(signed_rank_test(best)[0])
    corrected = holm(np.tile(signed_rank_test(best), 3))
    assert smallest_p(n_patients, n_arms=3) == pytest.approx(corrected.min())


def test_effect_size_is_corrected_by_hedges(rng: np.random.Generator) -> None:
    differences = rng.normal(0.5, 1, size=(10, 1))
    d_z = differences.mean() / differences.std(ddof=1)
    # Hedges' own approximation of the factor: 1 - 3 / (4 m - 1), good to three digits.
    assert effect_size(differences)[0] == pytest.approx(d_z * (1 - 3 / (4 * 9 - 1)), rel=2e-3)


def test_effect_size_is_not_biased_for_few_patients(rng: np.random.Generator) -> None:
    sizes = effect_size(rng.normal(0.8, 1, size=(5, 40000)))
    assert sizes.mean() == pytest.approx(0.8, abs=0.02)


def test_probability_better_is_that_of_a_normal_posterior(rng: np.random.Generator) -> None:
    gains = rng.normal(0.01, 0.1, size=(200, 1))
    resamples = Resamples(np.random.default_rng(0), 9999)
    expected = stats.norm.cdf(gains.mean() / (gains.std() / np.sqrt(200)))
    assert probability_better(gains, resamples)[0] == pytest.approx(expected, abs=0.01)
    assert probability_better(-gains, resamples)[0] == pytest.approx(1 - expected, abs=0.01)


def test_probability_better_of_two_patients_counted_by_hand() -> None:
    # The share w of the second patient is uniform: 3 w - (1 - w) > 0 with probability 3 / 4.
    resamples = Resamples(np.random.default_rng(0), 9999)
    probability = probability_better(np.array([[-1.0], [3.0]]), resamples)
    assert probability[0] == pytest.approx(0.75, abs=0.02)


def test_detectable_difference_has_the_power_of_the_t_distribution() -> None:
    n_patients, n_arms = 50, 3
    error = 0.01
    errors = StandardErrors(np.array([error]), np.array([np.nan]), n_patients - 1, 0)
    found = detectable_difference(errors, n_arms, 0.95)[0]
    threshold = stats.t.ppf(1 - 0.05 / n_arms / 2, n_patients - 1)
    power = stats.nct.sf(threshold, n_patients - 1, found / error)
    assert power == pytest.approx(0.8, abs=0.01)


def test_detectable_difference_is_of_the_error_over_trainings_if_there_is_one() -> None:
    few = detectable_difference(_errors(0.01, 0.01, 2), 1, 0.95)
    expected = 0.01 * (stats.t.ppf(0.975, 2) + stats.t.ppf(0.8, 2))
    assert few == pytest.approx(expected)
