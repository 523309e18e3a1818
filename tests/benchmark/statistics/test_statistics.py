from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from medaug.benchmark.statistics.compare import MEAN_OF_CLASSES, compare_arms, paired_differences
from medaug.errors import InputError

PAIRED_COLUMNS = ["difference", "ci_low", "ci_high", "p_value", "p_holm"]


def _cases(dice: dict[tuple[str, str], list[float]], seed: int = 0) -> pd.DataFrame:
    """Return the table of cases of (arm, class) -> Dice of case 0, 1, ..."""
    rows = [
        (arm, 0, seed, f"case{index}", name, value)
        for (arm, name), values in dice.items()
        for index, value in enumerate(values)
    ]
    return pd.DataFrame(rows, columns=["arm", "fold", "seed", "case", "class", "dice"])


def _row(comparison: pd.DataFrame, arm: str, name: str = MEAN_OF_CLASSES) -> pd.Series:
    return comparison[(comparison["arm"] == arm) & (comparison["class"] == name)].iloc[0]


def _compare(cases: pd.DataFrame, seed: int = 1, **options: float) -> pd.DataFrame:
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
    assert row["dice"] == pytest.approx(0.7)
    assert row["difference"] == pytest.approx(0.1)
    assert _row(comparison, "none", "a")["dice"] == pytest.approx(0.6)


def test_first_arm_has_no_paired_columns() -> None:
    comparison = _compare(_cases({("none", "a"): [0.5, 0.6], ("aug", "a"): [0.6, 0.8]}))
    assert comparison.loc[comparison["arm"] == "none", PAIRED_COLUMNS].isna().all(axis=None)


def test_seeds_are_averaged_before_cases_so_that_a_case_counts_once() -> None:
    once = _cases({("none", "a"): [0.5, 0.6, 0.7], ("aug", "a"): [0.6, 0.8, 0.9]})
    more_seeds = pd.concat([once, once.assign(seed=1), once.assign(seed=2)])
    pd.testing.assert_frame_equal(_compare(once), _compare(more_seeds))


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
    assert _row(comparison, "none")["dice"] == pytest.approx(0.5)
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
    assert _row(comparison, "none", "a")["dice"] == pytest.approx(0.55)
    # The case stays in the mean, with its other class.
    assert _row(comparison, "aug")["n_cases"] == 3
    assert _row(comparison, "aug")["difference"] == pytest.approx((0 + 0.05 + 0.1) / 3)


def test_difference_is_the_difference_of_the_reported_means(rng: np.random.Generator) -> None:
    values = rng.random((2, 20))
    values[1, :5] = np.nan
    comparison = _compare(_cases({("none", "a"): values[0], ("aug", "a"): values[1]}))
    row = _row(comparison, "aug", "a")
    assert row["difference"] == pytest.approx(row["dice"] - _row(comparison, "none", "a")["dice"])


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
    assert _row(_compare(cases), "aug")["p_value"] == pytest.approx(2 / 2**6)


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
        assert _row(comparison, arm)["p_value"] == pytest.approx(p_values[arm])
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
    assert row[["ci_low", "ci_high", "p_value", "p_holm"]].isna().all()


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
    assert row[["dice", *PAIRED_COLUMNS]].isna().all()
    assert _row(_compare(cases), "aug")["n_cases"] == 2


def test_an_arm_alone_has_means_only() -> None:
    comparison = _compare(_cases({("none", "a"): [0.5, 0.7]}))
    assert comparison["dice"].tolist() == pytest.approx([0.6, 0.6])
    assert comparison[PAIRED_COLUMNS].isna().all(axis=None)


def test_a_case_that_an_arm_lacks_is_refused() -> None:
    cases = _cases({("none", "a"): [0.5, 0.6], ("aug", "a"): [0.6]})
    with pytest.raises(InputError, match=r"Arm 'aug' has no Dice for class 'a' of case 'case1'"):
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
    assert _row(comparison, "aug")["p_value"] == pytest.approx(pratt)
    assert pratt != pytest.approx(dropped)
