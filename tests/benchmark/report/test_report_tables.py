"""The tables hold the numbers of the comparison, and say what is missing."""

from __future__ import annotations

import pytest
from benchmark.report.made_up import compare, make_results
from rich.console import Console, RenderableType

from medaug.benchmark.report import tables
from medaug.benchmark.report.compared import mean_rows
from medaug.benchmark.report.formats import (
    enumerate_words,
    format_count,
    format_difference,
    format_interval,
    format_milliseconds,
    format_p,
    format_score,
    format_size,
)
from medaug.benchmark.report.gaps import left_out_table, missing_table, without_value_table
from medaug.benchmark.report.terminal import comparison_table
from medaug.benchmark.runs.key import RunKey

DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"


def in_terminal(renderable: RenderableType) -> str:
    console = Console(width=80)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def test_numbers_are_rounded_signed_and_dashed() -> None:
    assert format_score(0.12345) == "0.123"
    assert format_difference(0.0316) == "+0.032"
    assert format_difference(-0.0316) == f"{MINUS}0.032"
    assert format_difference(-0.0001) == "0.000"
    assert format_difference(-0.004, 2) == "0.00"
    assert format_p(0.00099) == "<0.001"
    assert format_p(0.0123) == "0.012"
    assert format_milliseconds(0.0912) == "91"
    assert format_milliseconds(0.00044) == "0.44"
    nan = float("nan")
    dashes = {format_score(nan), format_difference(nan), format_p(nan), format_milliseconds(nan)}
    assert dashes == {DASH}
    assert format_interval(nan, 0.1) == DASH
    assert (format_count(1, "case"), format_count(1200, "case")) == ("1 case", "1,200 cases")
    assert (format_size("1"), format_size("all")) == ("1 training case", "all training cases")
    assert [enumerate_words(list(words)) for words in ("", "a", "ab", "abc")] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


def test_the_answer_has_a_row_for_each_arm_at_the_main_size() -> None:
    gains = {"none": 0.0, "default": 0.05, "worse": -0.05}
    results = make_results(gains, sizes=(5, 10), cost={"none": 0.0004, "default": 0.012})
    comparison = compare(results)
    given = {
        "mean": 0.6543,
        "difference": 0.0456,
        "ci_low": 0.0123,
        "ci_high": 0.0789,
        "p_holm": 0.0321,
        "train_ci_low": -0.0234,
        "train_ci_high": 0.0987,
        "p_train_holm": 0.0767,
        "effect_size": 1.234,
        "probability_better": 0.876,
    }
    chosen = (comparison["arm"] == "default") & (comparison["train_cases"] == "10")
    comparison.loc[chosen, list(given)] = list(given.values())
    table = tables.answer_table(results, comparison)
    assert [row[0] for row in table.rows] == list(gains)
    assert table.rows[0][2:] == [*[DASH] * 7, "0.4"]
    assert dict(zip(table.columns, table.rows[1], strict=True)) == {
        "arm": "default",
        "mean Dice": "0.654 \N{BLACK UP-POINTING TRIANGLE}",
        "difference": "+0.046",
        "95% CI": "+0.012 to +0.079",
        "p": "0.032",
        "CI, trainings": f"{MINUS}0.023 to +0.099",
        "p, trainings": "0.077",
        "effect size": "+1.23",
        "P(better)": "0.88",
        "CPU ms": "12",
    }
    assert table.rows[2][1].endswith("\N{BLACK DOWN-POINTING TRIANGLE}")
    assert table.rows[2][-1] == DASH


def test_without_a_cost_there_is_no_column_for_it() -> None:
    results = make_results({"none": 0.0, "default": 0.05})
    assert "CPU ms" not in tables.answer_table(results, compare(results)).columns


def test_other_measures_are_those_that_were_measured() -> None:
    plain = make_results({"none": 0.0, "default": 0.05})
    assert tables.measures_table(plain, compare(plain)).columns == [
        "arm",
        "IoU",
        "precision",
        "recall",
        "HD95 (mm)",
        "surface Dice",
        "volume error",
    ]
    full = make_results({"none": 0.0, "default": 0.05}, shifted=True, calibrated=True)
    comparison = compare(full)
    table = tables.measures_table(full, comparison)
    assert table.columns[-2:] == ["shifted Dice", "ECE"]
    hd95 = table.columns.index("HD95 (mm)")
    means = [row["mean"] for row in mean_rows(comparison, "all", "hd95_mm")]
    assert table.rows[0][hd95] == f"{means[0]:.2f}"
    # Fewer millimetres are better.
    assert table.rows[1][hd95] == f"{means[1]:.2f} \N{BLACK UP-POINTING TRIANGLE}"
    # Of each bin, a share of 0.09 n is right, at a confidence of 0.1 n + 0.05.
    expected = sum(abs(0.1 * n + 0.05 - 0.09 * n) for n in range(10)) / 10
    assert table.rows[0][-1] == f"{expected:.3f}"


def test_each_class_has_its_rows_arm_by_arm() -> None:
    results = make_results({"none": 0.0, "default": 0.05}, n_undefined=3)
    table = tables.class_table(results, compare(results))
    assert [row[:3] for row in table.rows] == [
        ["none", "Anterior", "12"],
        ["none", "Posterior", "9"],
        ["default", "Anterior", "12"],
        ["default", "Posterior", "9"],
    ]


def test_sizes_stand_side_by_side() -> None:
    results = make_results({"none": 0.0, "default": 0.05}, sizes=(5, "all"))
    table = tables.size_table(results, compare(results))
    assert table.columns == ["arm", "5 cases", "all cases"]
    assert float(table.rows[0][2][:5]) - float(table.rows[0][1][:5]) == pytest.approx(
        0.02, abs=3e-3
    )
    assert "(+0.05" in table.rows[1][1]


def test_durations_are_means_of_an_arm_and_size() -> None:
    table = tables.seconds_table(make_results({"none": 0.0, "default": 0.05}, sizes=(5, "all")))
    assert table.rows[1] == ["none", "all", "4", "90", "1.2", "0.5"]
    assert len(table.rows) == 4


def test_the_smallest_detectable_difference_is_a_sentence() -> None:
    results = make_results({"none": 0.0, "default": 0.05, "flip": 0.0})
    comparison = compare(results)
    comparison.loc[comparison["arm"] == "default", "detectable"] = 0.0123
    comparison.loc[comparison["arm"] == "flip", "detectable"] = 0.045
    text = tables.detectable_sentence(results, comparison)
    assert text.endswith("is 0.012 (default) to 0.045 (flip), depending on the arm.")
    comparison["detectable"] = 0.02
    assert tables.detectable_sentence(results, comparison).endswith("is 0.020.")
    comparison["detectable"] = float("nan")
    assert tables.detectable_sentence(results, comparison) == ""


def test_the_terminal_shows_every_number_in_80_columns() -> None:
    gains = {"none": 0.0, "default": 0.05, "[bold]flip": 0.01}
    results = make_results(gains, cost=dict.fromkeys(gains, 0.0123))
    comparison = compare(results)
    text = in_terminal(comparison_table(results, comparison))
    table = tables.answer_table(results, comparison)
    for row in table.rows:
        for cell in [*row[:5], row[-1]]:
            assert cell in text
    assert max(map(len, text.splitlines())) <= 80
    assert "12 cases of 12 patients" in text


def test_the_terminal_says_so_without_a_comparison() -> None:
    lost = {RunKey("none", "all", fold, seed): "" for fold in (0, 1) for seed in (0, 1)}
    results = make_results({"none": 0.0, "default": 0.05}, missing=lost)
    assert "nothing to compare" in in_terminal(comparison_table(results, compare(results)))


def test_missing_runs_are_grouped_by_reason() -> None:
    lost = {
        RunKey("flip", "all", 0, 0): "the loss became NaN",
        RunKey("flip", "all", 1, 1): "killed",
        RunKey("flip", "all", 0, 1): "the loss became NaN",
    }
    table = missing_table(make_results({"none": 0.0, "flip": 0.0}, missing=lost))
    assert table.rows == [
        ["flip", "all", "fold 0, seed 0; fold 0, seed 1", "the loss became NaN"],
        ["flip", "all", "fold 1, seed 1", "killed"],
    ]


def test_what_is_left_out_are_blocks_and_cases_without_a_dice() -> None:
    lost = {RunKey("flip", 5, 0, 0): "killed"}
    results = make_results({"none": 0.0, "flip": 0.0}, sizes=(5, 10), missing=lost, n_undefined=2)
    rows = left_out_table(results).rows
    block = next(row for row in rows if row[0].startswith("fold 0, seed 0"))
    assert block[1:3] == ["5", "6"]
    assert "killed" in block[3]
    assert ["dice of Posterior", "10", "2", "no arm has a value"] in rows
    assert all(row[0] != "iou of Posterior" for row in rows)
    others = without_value_table(results).rows
    assert {row[1] for row in others} == {"10"}
    assert "hd95_mm of Posterior" in {row[0] for row in others}
    assert left_out_table(make_results({"none": 0.0, "flip": 0.0})).rows == []
