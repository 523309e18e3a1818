from __future__ import annotations

import dataclasses
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest

from medaug.benchmark.analysis import CALIBRATION_ERROR, SHIFTED_DICE, analyse
from medaug.benchmark.left_out import left_out
from medaug.benchmark.results import RUN_COLUMNS, Results
from medaug.benchmark.statistics.compare import MEAN_OF_CLASSES, compare_arms
from medaug.benchmark.testing.measures import MEASURES

ARMS, SIZES, FOLDS, SEEDS = ("none", "flip", "all"), ("5", "all"), (0, 1), (0, 1)
CLASSES = ("liver", "lesion")
CASES_OF_FOLD = 8

_Key = tuple[str, str, int, int]


def _results(**changes: Any) -> Results:
    """Return results of 3 arms, 2 sizes, 2 folds of 8 cases of 4 patients each, 2 seeds."""
    rng = np.random.default_rng(0)
    rows = [
        (*key, f"case{key[2]}{i}", f"p{key[2]}{i // 2}", name)
        for key in product(ARMS, SIZES, FOLDS, SEEDS)
        for i, name in product(range(CASES_OF_FOLD), CLASSES)
    ]
    scores = pd.DataFrame(rows, columns=[*RUN_COLUMNS, "case", "patient", "class"])
    for measure in MEASURES:
        scores[measure.name] = rng.random(len(scores))
    nothing = pd.DataFrame()
    results = Results(
        name="demo",
        arms=ARMS,
        classes=CLASSES,
        sizes=SIZES,
        main_size="all",
        scores=scores,
        shifted=nothing,
        calibration=nothing,
        losses=nothing,
        monitor=nothing,
        runs=scores[RUN_COLUMNS].drop_duplicates(ignore_index=True),
        train_cases=nothing,
        missing=pd.DataFrame(columns=[*RUN_COLUMNS, "reason"]),
        cost={},
        provenance={},
    )
    return dataclasses.replace(results, **changes)


def _without(results: Results, keys: list[_Key], reason: str = "loss is NaN") -> Results:
    """Return the results without some runs."""

    def there(table: pd.DataFrame) -> pd.DataFrame:
        named = pd.MultiIndex.from_frame(table[RUN_COLUMNS])
        return table[~named.isin(keys)].reset_index(drop=True)

    missing = pd.DataFrame(keys, columns=RUN_COLUMNS).assign(reason=reason)
    return dataclasses.replace(
        results, scores=there(results.scores), runs=there(results.runs), missing=missing
    )


def _analyse(results: Results) -> pd.DataFrame:
    return analyse(results, rng=np.random.default_rng(1), n_resamples=199)


def _row(
    comparison: pd.DataFrame, size: str, measure: str, arm: str, name: str = MEAN_OF_CLASSES
) -> pd.Series:
    chosen = comparison[
        (comparison["train_cases"] == size)
        & (comparison["measure"] == measure)
        & (comparison["arm"] == arm)
        & (comparison["class"] == name)
    ]
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_there_is_a_row_for_each_size_measure_arm_and_class() -> None:
    comparison = _analyse(_results())
    names = [measure.name for measure in MEASURES]
    expected = list(product(SIZES, names, ARMS, [*CLASSES, MEAN_OF_CLASSES]))
    keys = ["train_cases", "measure", "arm", "class"]
    assert list(comparison[keys].itertuples(index=False, name=None)) == expected
    assert comparison.columns[:2].tolist() == ["train_cases", "measure"]


def test_a_size_is_compared_by_itself_with_the_direction_of_the_measure() -> None:
    results = _results()
    comparison = _analyse(results)
    for size, measure in product(SIZES, MEASURES):
        alone = compare_arms(
            results.scores[results.scores["train_cases"] == size],
            value=measure.name,
            higher_is_better=measure.higher_is_better,
            rng=np.random.default_rng(1),
            n_resamples=199,
        )
        part = comparison[
            (comparison["train_cases"] == size) & (comparison["measure"] == measure.name)
        ]
        pd.testing.assert_frame_equal(part[alone.columns].reset_index(drop=True), alone)


def test_the_same_generator_gives_the_same_comparison() -> None:
    pd.testing.assert_frame_equal(_analyse(_results()), _analyse(_results()))


def test_by_default_the_resamples_are_those_of_the_benchmarks_split() -> None:
    results = [_results(provenance={"configuration": {"split_seed": seed}}) for seed in (3, 3, 4)]
    first, again, other = (analyse(each, n_resamples=200) for each in results)
    pd.testing.assert_frame_equal(first, again)
    assert not first["ci_low"].equals(other["ci_low"])


def test_a_missing_run_takes_its_cases_from_all_arms() -> None:
    lost = [("flip", "5", 0, 0), ("flip", "5", 0, 1), ("all", "5", 1, 0)]
    results = _without(_results(), lost)
    comparison = _analyse(results)
    for arm in ARMS:
        row = _row(comparison, "5", "dice", arm)
        assert row[["n_cases", "n_patients", "n_runs"]].tolist() == [8, 4, 1]
        assert _row(comparison, "all", "dice", arm)["n_runs"] == 4
    left = left_out(results)
    assert left["kind"].tolist() == ["block"] * 3
    assert left["n_cases"].tolist() == [8, 8, 8]
    assert left["what"].tolist() == [
        "fold 0, seed 0, finished by none, all",
        "fold 0, seed 1, finished by none, all",
        "fold 1, seed 0, finished by none, flip",
    ]
    assert left["reason"].tolist() == ["flip: loss is NaN"] * 2 + ["all: loss is NaN"]


def test_an_arm_without_a_run_at_a_size_is_left_out_there_and_told() -> None:
    lost = [("flip", "5", fold, seed) for fold, seed in product(FOLDS, SEEDS)]
    results = _without(_results(), lost)
    comparison = _analyse(results)
    at_size = comparison[comparison["train_cases"] == "5"]
    assert at_size["arm"].unique().tolist() == ["none", "all"]
    assert _row(comparison, "5", "dice", "all")["n_runs"] == 4
    expected = [("5", "arm", "flip", 16, "loss is NaN")]
    assert list(left_out(results).itertuples(index=False, name=None)) == expected


def test_no_other_arm_takes_the_place_of_the_reference() -> None:
    lost = [("none", "5", fold, seed) for fold, seed in product(FOLDS, SEEDS)]
    results = _without(_results(), lost)
    assert _analyse(results)["train_cases"].unique().tolist() == ["all"]
    left = left_out(results)
    assert left[["train_cases", "kind"]].to_numpy().tolist() == [["5", "size"]]
    assert left["reason"].item() == "no run of the reference 'none' was finished"


def test_without_a_complete_block_there_are_no_rows() -> None:
    lost = [("none", size, 0, seed) for size, seed in product(SIZES, SEEDS)]
    lost += [("flip", size, 1, seed) for size, seed in product(SIZES, SEEDS)]
    results = _without(_results(), lost)
    comparison = _analyse(results)
    assert comparison.empty
    assert comparison.columns.tolist() == _analyse(_results()).columns.tolist()
    assert left_out(results)["reason"].unique().tolist() == [
        "no fold and seed was finished by every arm"
    ]


def test_cases_without_a_value_are_counted() -> None:
    results = _results()
    scores = results.scores.copy()
    lesion = scores["class"] == "lesion"
    absent = lesion & scores["case"].isin(["case00", "case01"])
    unpaired = lesion & (scores["case"] == "case02") & (scores["arm"] == "flip")
    in_one_run = lesion & (scores["case"] == "case03") & (scores["seed"] == 0)
    scores.loc[absent | unpaired | in_one_run, "hd95_mm"] = np.nan
    results = dataclasses.replace(results, scores=scores)
    left = left_out(results)
    assert left["what"].unique().tolist() == ["hd95_mm of lesion"]
    counts = left.set_index(["train_cases", "reason"])["n_cases"].to_dict()
    assert counts == {
        (size, reason): count
        for size in SIZES
        for reason, count in (("no arm has a value", 2), ("some arm has no value", 1))
    }
    row = _row(_analyse(results), "all", "hd95_mm", "flip", "lesion")
    assert row["n_cases"] == 16 - 3


def test_nothing_is_left_out_of_a_whole_benchmark() -> None:
    assert left_out(_results()).empty


def _shifted(results: Results) -> pd.DataFrame:
    """Return Dice under noise, 0.5, and under bias: 0.5 too, but 0.9 in the second arm."""
    keys = results.scores[[*RUN_COLUMNS, "case", "patient", "class"]]
    tests = keys.merge(
        pd.DataFrame(product(("noise", "bias"), (1, 5)), columns=["corruption", "severity"]),
        how="cross",
    )
    better = (tests["arm"] == "flip") & (tests["corruption"] == "bias")
    return tests.assign(dice=np.where(better, 0.9, 0.5))


def test_shifted_dice_is_the_mean_over_corruptions_and_severities() -> None:
    results = _results()
    comparison = _analyse(dataclasses.replace(results, shifted=_shifted(results)))
    row = _row(comparison, "5", SHIFTED_DICE, "flip")
    assert row["mean"] == pytest.approx(0.7)
    assert row["difference"] == pytest.approx(0.2)
    assert row["verdict"] == "better"
    assert row["n_runs"] == 4


def test_shifted_dice_is_averaged_over_the_same_corruptions_in_each_arm() -> None:
    results = _results()
    shifted = _shifted(results)
    shifted.loc[(shifted["arm"] == "all") & (shifted["corruption"] == "noise"), "dice"] = np.nan
    comparison = _analyse(dataclasses.replace(results, shifted=shifted))
    assert _row(comparison, "5", SHIFTED_DICE, "flip")["mean"] == pytest.approx(0.9)
    assert _row(comparison, "5", SHIFTED_DICE, "all")["difference"] == pytest.approx(0)


def test_calibration_error_weighs_the_gaps_of_the_bins_by_voxels() -> None:
    results = _results()
    keys = results.scores[[*RUN_COLUMNS, "case"]].drop_duplicates()
    bins = pd.DataFrame(
        {"bin": [9, 14], "voxels": [20, 80], "confidence": [12.0, 79.0], "correct": [14, 71]}
    )
    calibration = keys.merge(bins, how="cross")
    calibration.loc[calibration["arm"] == "flip", "correct"] = [13, 78] * 64
    comparison = _analyse(dataclasses.replace(results, calibration=calibration))
    errors = comparison[comparison["measure"] == CALIBRATION_ERROR]
    assert errors["class"].unique().tolist() == [MEAN_OF_CLASSES]
    # Over-confident in one bin and under-confident in the other: that does not cancel.
    assert _row(comparison, "all", CALIBRATION_ERROR, "none")["mean"] == pytest.approx(0.1)
    row = _row(comparison, "all", CALIBRATION_ERROR, "flip")
    assert row["mean"] == pytest.approx(0.02)
    assert row["n_patients"] == 8
    assert row["verdict"] == "better"
