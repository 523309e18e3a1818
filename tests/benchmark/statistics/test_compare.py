from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from medaug.benchmark.statistics.compare import MEAN_OF_CLASSES, compare_arms, paired_differences
from medaug.errors import InputError

PAIRED_COLUMNS = ["difference", "ci_low", "ci_high", "p_wilcoxon", "p_holm"]
TRAINING_COLUMNS = ["train_ci_low", "train_ci_high", "p_train", "p_train_holm"]
EXTRA_COLUMNS = ["p_t", "effect_size", "probability_better", "share_better", "runs_better"]


def _cases(
    values: dict[tuple[str, str], Sequence[float]],
    seed: int = 0,
    *,
    fold: int = 0,
    patients: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return the table of cases of (arm, class) -> Dice of case 0, 1, ..."""
    rows = [
        (arm, fold, seed, f"case{fold}{i}", patients[i] if patients else f"p{fold}{i}", name, value)
        for (arm, name), numbers in values.items()
        for i, value in enumerate(numbers)
    ]
    columns = ["arm", "fold", "seed", "case", "patient", "class", "dice"]
    return pd.DataFrame(rows, columns=columns)


def _row(comparison: pd.DataFrame, arm: str, name: str = MEAN_OF_CLASSES) -> pd.Series:
    return comparison[(comparison["arm"] == arm) & (comparison["class"] == name)].iloc[0]


def _compare(cases: pd.DataFrame, seed: int = 1, **options: Any) -> pd.DataFrame:
    return compare_arms(cases, rng=np.random.default_rng(seed), **options)


def test_rows_are_each_arm_and_class_in_the_order_of_appearance() -> None:
    cases = _cases({key: [0.5, 0.6] for key in product(("z", "a"), ("lesion", "brain"))})
    comparison = _compare(cases)
    expected = list(product(("z", "a"), ("lesion", "brain", "mean")))
    assert list(zip(comparison["arm"], comparison["class"], strict=True)) == expected


def test_known_means_and_paired_difference() -> None:
    cases = _cases({("none", "a"): [0.5, 0.6, 0.7], ("aug", "a"): [0.6, 0.6, 0.9]})
    comparison = _compare(cases)
    row = _row(comparison, "aug", "a")
    assert row["n_cases"] == 3
    assert row["mean"] == pytest.approx(0.7)
    assert row["difference"] == pytest.approx(0.1)
    assert _row(comparison, "none", "a")["mean"] == pytest.approx(0.6)


def test_first_arm_has_no_paired_columns() -> None:
    comparison = _compare(_cases({("none", "a"): [0.5, 0.6], ("aug", "a"): [0.6, 0.8]}))
    assert comparison.loc[comparison["arm"] == "none", PAIRED_COLUMNS].isna().all(axis=None)


def test_seeds_are_averaged_before_cases_so_that_a_case_counts_once() -> None:
    once = _cases({("none", "a"): [0.5, 0.6, 0.7], ("aug", "a"): [0.6, 0.8, 0.9]})
    more_seeds = pd.concat([once, once.assign(seed=1), once.assign(seed=2)])
    columns = ["n_cases", "n_patients", "mean", *PAIRED_COLUMNS]
    pd.testing.assert_frame_equal(_compare(once)[columns], _compare(more_seeds)[columns])
    assert _compare(more_seeds)["n_runs"].unique().tolist() == [3]


def test_mean_row_averages_the_classes_of_each_case() -> None:
    comparison = _compare(
        _cases(
            {
                ("none", "a"): [0.2, 0.4],
                ("none", "b"): [0.6, 0.8],
                ("aug", "a"): [0.4, 0.8],
                ("aug", "b"): [0.6, 0.8],
            }
        )
    )
    assert _row(comparison, "none")["mean"] == pytest.approx(0.5)
    assert _row(comparison, "aug")["difference"] == pytest.approx(0.15)


def test_a_class_undefined_in_one_arm_is_left_out_of_all_arms() -> None:
    cases = _cases(
        {
            ("none", "a"): [0.1, 0.5, 0.6],
            ("none", "b"): [0.5, 0.5, 0.5],
            ("aug", "a"): [np.nan, 0.6, 0.8],
            ("aug", "b"): [0.5, 0.5, 0.5],
        }
    )
    comparison = _compare(cases)
    row = _row(comparison, "aug", "a")
    assert row["n_cases"] == 2
    assert row["difference"] == pytest.approx(0.15)
    assert _row(comparison, "none", "a")["mean"] == pytest.approx(0.55)
    # The case stays in the mean, with its other class.
    assert _row(comparison, "aug")["n_cases"] == 3
    assert _row(comparison, "aug")["difference"] == pytest.approx((0 + 0.05 + 0.1) / 3)


def test_difference_is_the_difference_of_the_reported_means(rng: np.random.Generator) -> None:
    values = rng.random((2, 20))
    values[1, :5] = np.nan
    comparison = _compare(_cases({("none", "a"): values[0], ("aug", "a"): values[1]}))
    row = _row(comparison, "aug", "a")
    assert row["difference"] == pytest.approx(row["mean"] - _row(comparison, "none", "a")["mean"])


def test_interval_is_the_same_for_the_same_generator_only(rng: np.random.Generator) -> None:
    cases = _cases({("none", "a"): rng.random(20), ("aug", "a"): rng.random(20)})
    pd.testing.assert_frame_equal(_compare(cases, seed=3), _compare(cases, seed=3))
    assert _row(_compare(cases, seed=3), "aug")["ci_low"] != _row(_compare(cases), "aug")["ci_low"]


@pytest.mark.parametrize(("confidence", "normal_quantile"), [(0.95, 1.960), (0.8, 1.2816)])
def test_interval_is_near_the_normal_one_for_many_cases(
    rng: np.random.Generator, confidence: float, normal_quantile: float
) -> None:
    n_cases = 400
    differences = rng.normal(0.03, 0.1, n_cases)
    cases = _cases({("none", "a"): np.full(n_cases, 0.5), ("aug", "a"): 0.5 + differences})
    row = _row(_compare(cases, confidence=confidence), "aug")
    half = normal_quantile * differences.std(ddof=1) / np.sqrt(n_cases)
    expected = [differences.mean() - half, differences.mean() + half]
    np.testing.assert_allclose([row["ci_low"], row["ci_high"]], expected, atol=0.05 * half)
    assert row["confidence"] == confidence


def test_signed_rank_p_value_counted_by_hand() -> None:
    # All six differences are positive: 2 of the 2^6 equally likely signs are as extreme.
    better = [0.51, 0.52, 0.53, 0.54, 0.55, 0.56]
    cases = _cases({("none", "a"): [0.5] * 6, ("aug", "a"): better})
    assert _row(_compare(cases), "aug")["p_wilcoxon"] == pytest.approx(2 / 2**6)


def test_holm_correction_counted_by_hand() -> None:
    reference = np.full(8, 0.5)
    steps = np.arange(1, 9) / 100
    signs = {
        "clear": [1, 1, 1, 1, 1, 1, 1, 1],
        "less": [-1, 1, 1, 1, 1, 1, 1, 1],
        "least": [1, 1, -1, 1, 1, 1, 1, 1],
    }
    arms = {(arm, "a"): reference + steps * np.array(sign) for arm, sign in signs.items()}
    comparison = _compare(_cases({("none", "a"): reference, **arms}))
    # Rank sums against of 0, 1 and 3 are reached by 1, 2 and 5 of 2^8 signs.
    p_values = {"clear": 2 / 256, "less": 4 / 256, "least": 10 / 256}
    corrected = {"clear": 3 * 2 / 256, "less": 2 * 4 / 256, "least": 10 / 256}
    for arm in signs:
        assert _row(comparison, arm)["p_wilcoxon"] == pytest.approx(p_values[arm])
        assert _row(comparison, arm)["p_holm"] == pytest.approx(corrected[arm])


def test_equal_arms_differ_by_zero_with_p_one() -> None:
    cases = _cases({("none", "a"): [0.1, 0.5, 0.9], ("aug", "a"): [0.1, 0.5, 0.9]})
    row = _row(_compare(cases), "aug")
    assert row[PAIRED_COLUMNS].tolist() == [0, 0, 0, 1, 1]


def test_a_constant_difference_up_to_rounding_is_its_own_interval() -> None:
    cases = _cases({("none", "a"): [0.1, 0.2, 0.3], ("aug", "a"): [0.2, 0.3, 0.4]})
    row = _row(_compare(cases), "aug")
    assert row["difference"] == pytest.approx(0.1)
    assert row["difference"] == row["ci_low"] == row["ci_high"]


def test_one_case_has_a_difference_but_neither_interval_nor_p_value() -> None:
    row = _row(_compare(_cases({("none", "a"): [0.5], ("aug", "a"): [0.7]})), "aug")
    assert row["difference"] == pytest.approx(0.2)
    assert row[["ci_low", "ci_high", "p_wilcoxon", "p_holm"]].isna().all()


def test_a_class_that_no_case_has_is_nan_throughout() -> None:
    cases = _cases(
        {
            ("none", "a"): [0.5, 0.6],
            ("none", "b"): [np.nan, np.nan],
            ("aug", "a"): [0.6, 0.8],
            ("aug", "b"): [np.nan, 0.0],
        }
    )
    row = _row(_compare(cases), "aug", "b")
    assert row["n_cases"] == 0
    assert row[["mean", *PAIRED_COLUMNS]].isna().all()
    assert _row(_compare(cases), "aug")["n_cases"] == 2


def test_an_arm_alone_has_means_only() -> None:
    comparison = _compare(_cases({("none", "a"): [0.5, 0.7]}))
    assert comparison["mean"].tolist() == pytest.approx([0.6, 0.6])
    assert comparison[PAIRED_COLUMNS].isna().all(axis=None)


def test_a_case_that_an_arm_lacks_is_refused() -> None:
    cases = _cases({("none", "a"): [0.5, 0.6], ("aug", "a"): [0.6]})
    with pytest.raises(InputError, match=r"Arm 'aug' has no dice for class 'a' of case 'case01'"):
        _compare(cases)


def test_paired_differences_are_those_of_the_comparison() -> None:
    cases = _cases(
        {
            ("none", "a"): [0.5, 0.6, 0.1],
            ("none", "b"): [0.3, 0.4, 0.5],
            ("aug", "a"): [0.6, 0.8, np.nan],
            ("aug", "b"): [0.3, 0.5, 0.6],
        }
    )
    means = paired_differences(cases).groupby("class")["difference"].mean()
    comparison = _compare(cases)
    for name in ("a", "b", MEAN_OF_CLASSES):
        assert means[name] == pytest.approx(_row(comparison, "aug", name)["difference"])


def test_equal_cases_weaken_the_evidence_as_pratt_ranks_them() -> None:
    differences = [0.0, 0.0, 0.0, 0.1, 0.2, 0.3, 0.4, 0.45, -0.05, -0.15]
    none = [0.5] * len(differences)
    aug = [a + b for a, b in zip(none, differences, strict=True)]
    comparison = _compare(_cases({("none", "a"): none, ("aug", "a"): aug}))
    pratt, dropped = (
        stats.wilcoxon(differences, zero_method=method).pvalue for method in ("pratt", "wilcox")
    )
    assert _row(comparison, "aug")["p_wilcoxon"] == pytest.approx(pratt)
    assert pratt != pytest.approx(dropped)


def test_a_missing_value_takes_its_run_from_all_arms() -> None:
    first = _cases({("none", "a"): [0.1], ("aug", "a"): [0.3], ("other", "a"): [0.2]}, seed=0)
    second = _cases({("none", "a"): [0.5], ("aug", "a"): [0.9], ("other", "a"): [np.nan]}, seed=1)
    comparison = _compare(pd.concat([first, second]))
    assert _row(comparison, "aug", "a")["difference"] == pytest.approx(0.2)
    assert _row(comparison, "none", "a")["mean"] == pytest.approx(0.1)
    assert comparison["n_runs"].unique().tolist() == [1]


def test_a_value_that_is_not_finite_counts_as_none() -> None:
    cases = _cases({("none", "a"): [0.5, 0.5], ("aug", "a"): [0.6, np.inf]})
    assert _row(_compare(cases), "aug", "a")["n_cases"] == 1


def test_each_patient_counts_once() -> None:
    cases = _cases(
        {("none", "a"): [0.0, 0.0, 0.0], ("aug", "a"): [0.1, 0.3, 0.6]}, patients=["p", "p", "q"]
    )
    row = _row(_compare(cases), "aug")
    assert row["difference"] == row["mean"] == pytest.approx((0.2 + 0.6) / 2)
    assert row[["n_cases", "n_patients"]].tolist() == [3, 2]
    assert row["share_better"] == 1


def test_scans_of_one_patient_are_no_independent_evidence(rng: np.random.Generator) -> None:
    differences = rng.normal(0.02, 0.05, 12)
    one = _cases({("none", "a"): np.full(12, 0.5), ("aug", "a"): 0.5 + differences})
    copies = [one.assign(case=prefix + one["case"]) for prefix in "xyz"]
    columns = [*PAIRED_COLUMNS, *EXTRA_COLUMNS, "n_patients", "detectable"]
    pd.testing.assert_frame_equal(
        _compare(pd.concat(copies))[columns], _compare(one)[columns], rtol=1e-9
    )


def test_the_order_of_the_rows_does_not_matter(rng: np.random.Generator) -> None:
    cases = _cases({("none", "a"): rng.random(9), ("aug", "a"): rng.random(9)})
    parts = [part.sample(frac=1, random_state=3) for _, part in cases.groupby("arm", sort=False)]
    pd.testing.assert_frame_equal(_compare(pd.concat(parts)), _compare(cases))


def _improved(rng: np.random.Generator, step: float, run_steps: Sequence[float]) -> pd.DataFrame:
    """Return two arms, 30 cases in as many runs (seeds); the second one is higher by a step."""
    noise = rng.normal(0, 0.01, 30)
    noise -= noise.mean()
    return pd.concat(
        _cases(
            {("none", "a"): np.full(30, 0.5), ("aug", "a"): 0.5 + step + run_step + noise},
            seed=seed,
        )
        for seed, run_step in enumerate(run_steps)
    )


@pytest.mark.parametrize(
    ("step", "higher_is_better", "verdict"),
    [
        (0.02, True, "better"),
        (-0.02, True, "worse"),
        (-0.02, False, "better"),
        (0, True, "unclear"),
    ],
)
def test_verdict_and_its_company_follow_the_direction_of_the_measure(
    rng: np.random.Generator, step: float, higher_is_better: bool, verdict: str
) -> None:
    cases = _improved(rng, step, [0, 0.001, -0.001])
    comparison = _compare(cases, higher_is_better=higher_is_better)
    row = _row(comparison, "aug")
    assert row["verdict"] == verdict
    assert _row(comparison, "none")["verdict"] == ""
    expected = {"better": (1, 3), "worse": (0, 0)}
    if verdict in expected:
        probability, runs = expected[verdict]
        assert row["probability_better"] == pytest.approx(probability, abs=0.01)
        assert row["share_better"] == pytest.approx(probability, abs=0.1)
        assert row["runs_better"] == runs
        assert np.sign(row["effect_size"]) == np.sign(step)


def test_networks_that_disagree_make_the_verdict_unclear(rng: np.random.Generator) -> None:
    row = _row(_compare(_improved(rng, 0.02, [-0.03, 0.0, 0.04])), "aug")
    assert row["ci_low"] > 0
    assert row["p_holm"] < 0.05
    assert row["train_ci_low"] < 0 < row["train_ci_high"]
    assert row["runs_better"] == 2
    assert row["verdict"] == "unclear"


def test_the_corrected_test_over_trainings_has_a_say(rng: np.random.Generator) -> None:
    cases = _improved(rng, 0.02, [-0.0068, 0.0, 0.0068])
    alone = _row(_compare(cases), "aug")
    assert alone["verdict"] == "better"
    assert 0.025 < alone["p_train"] < 0.05
    twin = cases[cases["arm"] == "aug"].assign(arm="twin")
    beside_another = _row(_compare(pd.concat([cases, twin])), "aug")
    assert beside_another["p_train"] == alone["p_train"]
    assert beside_another["p_train_holm"] == pytest.approx(2 * alone["p_train"])
    assert beside_another["train_ci_low"] > 0
    assert beside_another["verdict"] == "unclear"


def test_one_run_is_judged_without_an_interval_over_trainings(rng: np.random.Generator) -> None:
    row = _row(_compare(_improved(rng, 0.02, [0])), "aug")
    assert row[TRAINING_COLUMNS].isna().all()
    assert row["n_runs"] == 1
    assert row["verdict"] == "better"


def test_the_interval_and_the_test_must_agree() -> None:
    # The interval excludes zero, but five patients cannot give a p-value below 0.05.
    cases = _cases({("none", "a"): [0.5] * 5, ("aug", "a"): [0.7, 0.71, 0.72, 0.73, 0.74]})
    row = _row(_compare(cases), "aug")
    assert row["ci_low"] > 0
    assert row["p_holm"] == pytest.approx(2 / 2**5)
    assert row["verdict"] == "unclear"


def test_signed_errors_are_compared_by_their_size() -> None:
    # Averaged with its sign, the second arm would be perfect.
    cases = pd.concat(
        _cases(
            {("none", "a"): [0.1, -0.1, 0.1], ("aug", "a"): [sign * 0.3, -sign * 0.4, sign * 0.5]},
            seed=seed,
        )
        for seed, sign in enumerate((1, -1))
    )
    row = _row(_compare(cases, higher_is_better=None), "aug")
    assert row["mean"] == pytest.approx(0.4)
    assert row["difference"] == pytest.approx(0.3)
    assert row["share_better"] == row["runs_better"] == 0
    differences = paired_differences(cases, higher_is_better=None)
    assert differences["difference"].mean() == pytest.approx(0.3)


def test_all_columns_of_a_class_that_no_case_has_are_nan() -> None:
    cases = _cases({("none", "a"): [np.nan] * 3, ("aug", "a"): [np.nan] * 3})
    row = _row(_compare(cases), "aug")
    columns = [*PAIRED_COLUMNS, *TRAINING_COLUMNS, *EXTRA_COLUMNS, "mean", "detectable"]
    assert row[columns].isna().all()
    assert row[["n_cases", "n_patients", "n_runs"]].tolist() == [0, 0, 0]
    assert row["verdict"] == "unclear"


def test_equal_arms_are_neither_better_nor_worse() -> None:
    values = [0.1, 0.4, 0.5, 0.6, 0.8, 0.9, 0.95]
    cases = _cases({("none", "a"): values, ("aug", "a"): values})
    row = _row(_compare(pd.concat([cases, cases.assign(seed=1)])), "aug")
    assert row[["p_t", "p_train", "probability_better"]].tolist() == [1, 1, 0.5]
    assert row[["effect_size", "share_better", "runs_better"]].tolist() == [0, 0, 0]
    assert row[["train_ci_low", "train_ci_high"]].tolist() == [0, 0]
    assert np.isnan(row["detectable"])
    assert row["verdict"] == "unclear"


def test_a_constant_gain_is_better_though_a_t_test_has_no_spread() -> None:
    values = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])
    cases = _cases({("none", "a"): values, ("aug", "a"): values + 0.1})
    row = _row(_compare(pd.concat([cases, cases.assign(seed=1)])), "aug")
    assert np.isnan(row["p_t"])
    assert np.isnan(row["effect_size"])
    assert row["verdict"] == "better"


def test_fewer_patients_than_any_statistic_needs_raise_no_error() -> None:
    for n_cases in (1, 2, 3):
        cases = _cases({("none", "a"): [0.5] * n_cases, ("aug", "a"): [0.6, 0.8, 0.7][:n_cases]})
        row = _row(_compare(pd.concat([cases, cases.assign(seed=1)])), "aug")
        assert row["verdict"] == "unclear"
        assert np.isnan(row["p_t"]) == (n_cases < 2)
        assert np.isnan(row["train_ci_low"]) == (n_cases < 2)
        assert np.isnan(row["effect_size"]) == (n_cases < 3)


def test_it_needs_a_source_of_resamples() -> None:
    with pytest.raises(ValueError, match="rng or resamples"):
        compare_arms(_cases({("none", "a"): [0.5], ("aug", "a"): [0.7]}))


def test_a_tail_against_the_arm_counts_for_new_trainings(rng: np.random.Generator) -> None:
    # The t-test over trainings is symmetric, and would be content.
    noise = -rng.exponential(size=30)
    noise -= noise.mean()
    step = 4.6 * noise.std(ddof=1) / np.sqrt(30)
    cases = pd.concat(
        _cases({("none", "a"): np.zeros(30), ("aug", "a"): step + noise}, seed=seed)
        for seed in range(3)
    )
    row = _row(_compare(cases), "aug")
    assert row["ci_low"] > 0
    assert row["p_train_holm"] < 0.05
    assert row["train_ci_low"] < 0
    assert row["verdict"] == "unclear"
