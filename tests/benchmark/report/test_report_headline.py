"""The sentence at the top says what the comparison says, and no more."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from benchmark.report.made_up import compare, make_results

from medaug.benchmark.report.compared import mean_rows
from medaug.benchmark.report.formats import format_interval, format_score
from medaug.benchmark.report.headline import headline
from medaug.benchmark.results import Results
from medaug.benchmark.runs.key import RunKey


def with_verdict(comparison: pd.DataFrame, arm: str, **values: object) -> pd.DataFrame:
    """Return the comparison with other values for an arm."""
    changed = comparison.copy()
    for column, value in values.items():
        changed.loc[changed["arm"] == arm, column] = value
    return changed


def sentence(results: Results) -> str:
    return headline(results, compare(results))


def test_it_says_how_much_a_better_arm_helped() -> None:
    results = make_results({"none": 0.0, "default": 0.05})
    comparison = compare(results)
    reference, row = mean_rows(comparison, "all")
    assert headline(results, comparison) == (
        f"Compared with none (mean Dice {format_score(reference['mean'])}), default raised the "
        f"mean Dice by {row['difference']:.3f} "
        f"(95% CI {format_interval(row['ci_low'], row['ci_high'])}, p <0.001)."
    )


def test_it_says_as_plainly_that_an_arm_did_harm_or_nothing() -> None:
    results = make_results({"none": 0.0, "worse": -0.05, "same": 0.0})
    comparison = with_verdict(compare(results), "same", verdict="unclear", ci_low=-0.01, p_holm=0.4)
    text = headline(results, comparison)
    assert re.search(r"worse lowered the mean Dice by 0\.0[45]\d \(", text)
    assert " and same made no clear difference (" in text
    assert "corrected p = 0.400" in text


def test_the_verdict_decides_and_a_doubt_about_trainings_is_told() -> None:
    results = make_results({"none": 0.0, "default": 0.05})
    doubt = {"train_ci_low": -0.02, "train_ci_high": 0.12, "p_train_holm": 0.2}
    comparison = with_verdict(compare(results), "default", verdict="unclear", **doubt)
    text = headline(results, comparison)
    assert "default made no clear difference (+0.05" in text
    assert "but \N{MINUS SIGN}0.020 to +0.120, p = 0.200, with the spread between trainings" in text
    sure = with_verdict(comparison, "default", ci_low=-0.01)
    assert "spread between trainings" not in headline(results, sure)


def test_it_owns_up_to_too_few_patients() -> None:
    gains = {"none": 0.0, "default": 0.05}
    assert sentence(make_results(gains, n_cases=4)).endswith(
        "; 4 patients are too few to show a clear difference."
    )
    assert "too few" not in sentence(make_results(gains, n_cases=6))


def test_one_patient_or_one_arm_compares_nothing() -> None:
    gains = {"none": 0.0, "default": 0.05}
    one_case = make_results(gains, n_cases=1, folds=(0,), seeds=(0,))
    assert "default cannot be judged from 1 patient" in sentence(one_case)
    one_arm = sentence(make_results({"none": 0.0}))
    assert one_arm.startswith("Only one arm was run, none (mean Dice 0.6")


def test_it_is_about_the_main_size_and_names_it() -> None:
    results = make_results({"none": 0.0, "default": 0.05}, sizes=(5, 10))
    comparison = with_verdict(compare(results), "default", difference=0.3)
    at_5 = comparison["train_cases"] == "5"
    comparison.loc[at_5, ["mean", "difference"]] = 0.111
    text = headline(results, comparison)
    assert text.startswith("With 10 training cases, compared with none (mean Dice 0.6")
    assert "by 0.300" in text
    assert "0.111" not in text


def test_of_many_arms_the_extreme_ones_are_told_in_full() -> None:
    gains = {"none": 0.0, "a": 0.02, "b": 0.05, "c": 0.03, "d": -0.01, "e": -0.03, "f": 0.0}
    results = make_results(gains)
    comparison = with_verdict(compare(results), "f", verdict="unclear", p_holm=0.5)
    text = headline(results, comparison)
    assert "b raised the mean Dice by 0.0" in text
    assert "so did, by less, c and a; e lowered" in text
    assert "so did, by less, d; f made no clear difference." in text
    assert text.count("95% CI") == 2


def test_of_very_many_arms_the_others_are_counted() -> None:
    gains = {"none": 0.0} | {f"arm{n}": 0.01 * (n + 1) for n in range(8)}
    text = sentence(make_results(gains))
    assert "arm7 raised the mean Dice" in text
    assert "so did, by less, 7 arms" in text
    assert "arm3" not in text


def test_missing_runs_are_counted() -> None:
    gains = {"none": 0.0, "default": 0.05}
    lost = {RunKey("default", "all", 1, 0): "the loss became NaN"}
    text = sentence(make_results(gains, missing=lost))
    assert "1 of 8 runs is missing" in text
    assert "missing" not in sentence(make_results(gains))


@pytest.mark.parametrize(
    ("lost_arm", "reason"), [("none", "no run of the reference 'none' was finished")]
)
def test_without_a_comparison_it_says_why(lost_arm: str, reason: str) -> None:
    gains = {"none": 0.0, "default": 0.05}
    lost = {RunKey(lost_arm, "all", fold, seed): "" for fold in (0, 1) for seed in (0, 1)}
    text = sentence(make_results(gains, missing=lost))
    assert text.startswith(f"There is no answer yet: with all training cases, {reason}.")
    assert "4 of 8 runs are missing" in text


def test_an_arm_without_any_run_is_no_reason_to_judge_none() -> None:
    gains = {"none": 0.0, "default": 0.05}
    lost = {RunKey("default", "all", fold, seed): "" for fold in (0, 1) for seed in (0, 1)}
    text = sentence(make_results(gains, missing=lost))
    assert text.startswith("Only none (mean Dice 0.6")
    assert not np.any([word in text for word in ("raised", "lowered", "clear")])
