"""Cases are chosen by the rule that the report states, and stored without the data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmark.report.made_up import make_example, make_folder, make_results

from medaug.benchmark.load_results import load_results
from medaug.benchmark.report.examples import (
    choose_cases,
    load_examples,
    save_examples,
    shown_arms,
    write_examples,
)
from medaug.benchmark.results import Results
from medaug.benchmark.runs.key import RunKey
from medaug.errors import InputError


def with_dice(results: Results, arm: str, case: str, dice: float) -> None:
    scores = results.scores
    scores.loc[(scores["arm"] == arm) & (scores["case"] == case), "dice"] = dice


def test_cases_are_those_of_the_largest_gain_and_loss_the_lowest_and_the_median() -> None:
    results = make_results({"none": 0.0, "flip": 0.01, "default": 0.05}, n_cases=11)
    with_dice(results, "none", "case7", 0.3)
    with_dice(results, "none", "case9", 0.99)
    with_dice(results, "default", "case4", 0.45)
    with_dice(results, "none", "case4", 0.44)
    choices = {choice.case: choice for choice in choose_cases(results)}
    assert {case: choice.reasons for case, choice in choices.items()} == {
        "case7": ("largest gain of default",),
        "case9": ("largest loss of default",),
        "case4": ("lowest Dice of default",),
        # Without case4, which is now the lowest, case5 is the sixth of eleven.
        "case5": ("median Dice of default",),
    }
    # Cases with an odd number are tested in fold 1.
    assert (choices["case7"].fold, choices["case7"].seed) == (1, 0)
    assert choices["case4"].fold == 0


def test_a_case_that_is_chosen_twice_is_shown_once_with_both_reasons() -> None:
    results = make_results({"none": 0.0, "default": 0.05}, n_cases=6)
    with_dice(results, "default", "case2", 0.1)
    reasons = {choice.case: choice.reasons for choice in choose_cases(results)}
    assert reasons["case2"] == ("largest loss of default", "lowest Dice of default")


def test_an_arm_that_never_loses_has_a_smallest_gain() -> None:
    results = make_results({"none": 0.0, "default": 0.05})
    reasons = [reason for choice in choose_cases(results) for reason in choice.reasons]
    assert "smallest gain of default" in reasons
    assert not any("loss" in reason for reason in reasons)


def test_one_arm_has_its_lowest_and_median_case() -> None:
    choices = choose_cases(make_results({"none": 0.0}))
    assert [choice.reasons for choice in choices] == [
        ("lowest Dice of none",),
        ("median Dice of none",),
    ]


def test_without_a_complete_fold_nothing_is_chosen() -> None:
    lost = {RunKey("none", "all", fold, seed): "" for fold in (0, 1) for seed in (0, 1)}
    results = make_results({"none": 0.0, "default": 0.05}, missing=lost)
    assert choose_cases(results) == []
    assert shown_arms(results) == []


def test_of_many_arms_the_reference_and_the_best_are_shown() -> None:
    gains = {"none": 0.0} | {f"arm{n}": 0.01 * n for n in (3, 1, 7, 5, 2, 6)}
    assert shown_arms(make_results(gains)) == ["none", "arm3", "arm7", "arm5", "arm6"]


def test_examples_come_back_as_they_were_written(tmp_path: Path) -> None:
    examples = [make_example(("none", "a/b"), "case 1"), make_example(("none",), "case2")]
    examples[1].dice["none"] = float("nan")
    write_examples(examples, tmp_path / "examples.npz")
    loaded = load_examples(tmp_path / "examples.npz")
    assert [each.choice for each in loaded] == [each.choice for each in examples]
    for one, other in zip(loaded, examples, strict=True):
        np.testing.assert_equal(one.dice, other.dice)
        assert (one.plane, one.spacing_mm) == (other.plane, other.spacing_mm)
        np.testing.assert_array_equal(one.image, other.image)
        np.testing.assert_array_equal(one.truth, other.truth)
        assert list(one.predictions) == list(other.predictions)
        for arm, masks in one.predictions.items():
            np.testing.assert_array_equal(masks, other.predictions[arm])


def test_no_file_means_no_examples_and_another_file_is_refused(tmp_path: Path) -> None:
    assert load_examples(tmp_path / "gone.npz") == []
    (tmp_path / "text.npz").write_text("no archive", encoding="utf-8")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    for name in ("text.npz", "other.npz"):
        with pytest.raises(InputError, match=name):
            load_examples(tmp_path / name)


def test_what_is_saved_are_the_slices_of_the_stored_segmentations(tmp_path: Path) -> None:
    experiment, store = make_folder(tmp_path)
    results = load_results(tmp_path)
    save_examples(experiment, store, results, tmp_path / "examples.npz")
    examples = load_examples(tmp_path / "examples.npz")
    assert {each.choice.case for each in examples} == {c.case for c in choose_cases(results)}
    labels = {case.name: case.label[0] for case in experiment.case_set.cases}
    for example in examples:
        label = labels[example.choice.case]
        area = np.count_nonzero(label, axis=(0, 1))
        assert area[example.plane] == area.max()
        for region, mask in zip(experiment.regions, example.truth, strict=True):
            expected = np.isin(label[..., example.plane], region.classes)
            np.testing.assert_array_equal(mask, expected)
        np.testing.assert_array_equal(example.predictions["flip"], example.truth)
        assert not example.predictions["none"].any()
        assert example.dice == {"none": 0.5, "flip": 0.75}
