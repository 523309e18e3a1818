"""The pictures show the numbers, in the style of the page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from benchmark.report.made_up import compare, make_results
from matplotlib.image import imread

from medaug.benchmark.report.figures.cost import best_for_cost, cost_figure, spread_labels
from medaug.benchmark.report.figures.curves import loss_figure, monitor_figure
from medaug.benchmark.report.figures.efficiency import dice_by_size_figure
from medaug.benchmark.report.figures.reliability import reliability_figure
from medaug.benchmark.report.figures.robustness import robustness_figure
from medaug.benchmark.report.figures.slices import slice_png
from medaug.benchmark.report.figures.style import arm_styles, class_colours, write_figure
from medaug.benchmark.report.pictures import differences_figure, paired_pictures
from medaug.benchmark.report.points import (
    dice_by_severity,
    dice_by_size,
    dice_for_cost,
    gain_by_size,
    reliability,
)
from medaug.inline_svg import to_inline_svg

GAINS = {"none": 0.0, "default": 0.05, "worse": -0.02}


def test_styles_belong_to_names_and_differ() -> None:
    arms = [f"arm{n}" for n in range(20)]
    styles = arm_styles(arms)
    assert len(set(styles.values())) == 20
    assert arm_styles(arms[:4]) == {arm: styles[arm] for arm in arms[:4]}
    assert len(set(class_colours(["a", "b", "c"]).values())) == 3


def test_names_in_figures_are_neither_markup_nor_mathematics() -> None:
    results = make_results({"none": 0.0, "<$x^2$>": 0.05}, cost={"none": 0.001, "<$x^2$>": 0.01})
    comparison = compare(results)
    differences = differences_figure(results, comparison)
    assert differences is not None
    for figure in (differences, cost_figure(results.arms, dice_for_cost(results, comparison))):
        assert ">&lt;$x^2$&gt;</text>" in to_inline_svg(figure, "id")


def test_loss_curve_averages_neighbouring_steps_and_says_so() -> None:
    results = make_results(GAINS)
    axes = loss_figure(results.arms, results.losses).axes[0]
    assert axes.get_ylabel() == "training loss (mean of 2 steps)"
    steps, loss = axes.lines[0].get_data()
    assert steps[0] == 2
    assert loss[0] == pytest.approx((np.exp(-1 / 30) + np.exp(-2 / 30)) / 2)


def test_the_band_of_a_curve_spans_its_runs() -> None:
    monitor = pd.DataFrame(
        [
            ("none", "all", 0, seed, step, dice + 0.1 * seed)
            for seed in (0, 1, 2)
            for step, dice in ((10, 0.2), (20, 0.4))
        ],
        columns=["arm", "train_cases", "fold", "seed", "step", "dice"],
    )
    axes = monitor_figure(["none"], monitor).axes[0]
    np.testing.assert_allclose(axes.lines[0].get_ydata(), [0.3, 0.5])
    band = axes.collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(0.2)
    assert band[:, 1].max() == pytest.approx(0.6)


def test_paired_picture_has_a_dot_a_case_and_the_interval() -> None:
    results = make_results(GAINS)
    comparison = compare(results)
    figure = differences_figure(results, comparison)
    assert figure is not None
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["default", "worse"]
    assert [len(dots.get_offsets()) for dots in axes.collections] == [12, 12]
    assert axes.collections[0].get_offsets()[:, 0].mean() == pytest.approx(0.05, abs=0.002)
    row = comparison[(comparison["arm"] == "default") & (comparison["class"] == "mean")].iloc[0]
    bar, mean = axes.lines[1], axes.lines[2]
    np.testing.assert_allclose(bar.get_xdata(), [row["ci_low"], row["ci_high"]])
    np.testing.assert_allclose(mean.get_xdata(), row["difference"])


def test_paired_pictures_of_all_classes_share_their_range() -> None:
    # Of the second class, one case is far off.
    results = make_results({"none": 0.0, "default": 0.05})
    scores = results.scores
    off = (scores["arm"] == "default") & (scores["case"] == "case3")
    scores.loc[off & (scores["class"] == "Posterior"), "dice"] = 0.1
    pictures = paired_pictures(results, compare(results))
    assert [picture.title for picture in pictures] == [
        "mean of the classes",
        "Anterior",
        "Posterior",
    ]
    ticks = [picture.content.count("\N{MINUS SIGN}0.4<") for picture in pictures]
    assert ticks[0] == ticks[1] == ticks[2] == 1


def test_paired_picture_of_twenty_arms_gives_each_a_row() -> None:
    results = make_results({f"arm{n}": 0.001 * n for n in range(20)})
    figure = differences_figure(results, compare(results))
    assert figure is not None
    assert figure.get_figheight() > 5
    assert len(figure.axes[0].get_yticklabels()) == 19


def test_one_arm_has_no_paired_picture() -> None:
    results = make_results({"none": 0.0, "default": 0.05})
    comparison = compare(results)
    alone = comparison[comparison["arm"] == "none"]
    assert differences_figure(results, alone) is None


def test_dice_by_size_is_the_mean_with_students_interval() -> None:
    results = make_results(GAINS, sizes=(5, 20, "all"))
    comparison = compare(results)
    points = dice_by_size(results, comparison)
    assert points["n_train_cases"].tolist() == [5] * 3 + [20] * 3 + [40] * 3
    scores = results.scores
    chosen = scores[(scores["arm"] == "default") & (scores["train_cases"] == "20")]
    values = chosen.groupby("case")["dice"].mean()
    # Student's quantile for 11 degrees of freedom, from a table.
    half = 2.200985 * values.std(ddof=1) / np.sqrt(12)
    point = points[(points["arm"] == "default") & (points["train_cases"] == "20")].iloc[0]
    assert point["mean"] == pytest.approx(values.mean())
    assert (point["low"], point["high"]) == pytest.approx(
        (values.mean() - half, values.mean() + half), abs=1e-6
    )
    axes = dice_by_size_figure(results.arms, points).axes[0]
    assert axes.get_xscale() == "log"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["5", "20", "all\n(40)"]
    gains = gain_by_size(results, comparison)
    assert set(gains["arm"]) == {"default", "worse"}


def test_dice_by_severity_starts_from_the_same_cases_untouched() -> None:
    results = make_results(GAINS, shifted=True)
    points = dice_by_severity(results)
    assert set(points["corruption"]) == {"noise", "low_resolution"}
    noise = points[(points["corruption"] == "noise") & (points["arm"] == "default")]
    dice = noise.set_index("severity")["dice"]
    assert sorted(dice.index) == [0, 1, 3, 5]
    for severity in (1, 3, 5):
        assert dice[severity] == pytest.approx(dice[0] - 0.02 * severity)
    # The first two cases of each fold, not all twelve.
    first = results.scores["case"].isin(["case0", "case1", "case2", "case3"])
    chosen = results.scores[first & (results.scores["arm"] == "default")]
    assert dice[0] == pytest.approx(chosen["dice"].mean())
    axes = robustness_figure(
        results.arms, points[points["corruption"] == "noise"], (0.4, 0.8)
    ).axes[0]
    assert axes.get_xticklabels()[0].get_text() == "untouched"
    assert axes.get_ylim()[0] < 0.4


def test_reliability_is_the_share_of_right_voxels() -> None:
    results = make_results(GAINS, calibrated=True)
    curve = reliability(results)
    curve = curve[curve["arm"] == "worse"]
    np.testing.assert_allclose(curve["confidence"], np.arange(10) / 10 + 0.05)
    np.testing.assert_allclose(curve["accuracy"], 0.09 * np.arange(10))
    axes = reliability_figure(results.arms, reliability(results)).axes[0]
    assert len(axes.lines) == 1 + len(GAINS)


def test_cost_is_in_milliseconds_and_what_is_unknown_is_left_out() -> None:
    results = make_results(GAINS, cost={"none": 0.0005, "default": 0.012})
    comparison = compare(results)
    points = dice_for_cost(results, comparison)
    assert points[["arm", "milliseconds"]].to_numpy().tolist() == [["none", 0.5], ["default", 12.0]]
    default = points.iloc[1]
    assert default["low"] < default["mean"] < default["high"]
    axes = cost_figure(results.arms, points).axes[0]
    assert axes.get_xscale() == "log"
    assert [text.get_text() for text in axes.texts] == ["none", "default"]


def test_best_for_cost_are_those_to_which_none_is_cheaper_and_better() -> None:
    points = pd.DataFrame(
        [
            ("dear", 50.0, 0.9),
            ("bad", 9.0, 0.5),
            ("cheap", 1.0, 0.7),
            ("good", 8.0, 0.8),
            ("dearer", 60.0, 0.85),
        ],
        columns=["arm", "milliseconds", "mean"],
    )
    assert best_for_cost(points)["arm"].tolist() == ["cheap", "good", "dear"]


def test_labels_keep_apart_and_stay_near() -> None:
    assert spread_labels([0.1, 0.5, 0.9], 0.1) == pytest.approx([0.1, 0.5, 0.9])
    assert spread_labels([0.5, 0.5], 0.1) == pytest.approx([0.45, 0.55])
    rng = np.random.default_rng(0)
    heights = rng.uniform(size=15).tolist()
    spread = spread_labels(heights, 0.05)
    assert np.diff(sorted(spread)).min() >= 0.05 - 1e-9
    assert np.argsort(spread).tolist() == np.argsort(heights).tolist()
    assert np.mean(spread) == pytest.approx(np.mean(heights))


def test_slice_shows_truth_and_prediction_in_their_places(tmp_path: Path) -> None:
    image = np.zeros((40, 20), np.float32)
    image[2:10, 14:18] = 1
    masks = np.zeros((2, 40, 20), dtype=bool)
    masks[0, 30:38, 2:8] = True
    path = tmp_path / "slice.png"
    path.write_bytes(slice_png(image, masks))
    picture = imread(path)[..., :3]
    height, width = picture.shape[:2]
    assert width == pytest.approx(2 * height, abs=2)
    coloured = np.argwhere(np.ptp(picture, axis=-1) > 0.2).mean(axis=0)
    bright = np.argwhere(picture.min(axis=-1) > 0.9).mean(axis=0)
    # I runs to the right, from 0 to 40, and J upwards, from 0 to 20.
    np.testing.assert_allclose(coloured / (height, width), [1 - 5 / 20, 34 / 40], atol=0.02)
    np.testing.assert_allclose(bright / (height, width), [1 - 16 / 20, 6 / 40], atol=0.02)


def test_slice_has_the_shape_of_the_body(tmp_path: Path) -> None:
    path = tmp_path / "slice.png"
    path.write_bytes(slice_png(np.eye(20, dtype=np.float32), spacing_mm=(1.0, 3.0)))
    height, width = imread(path).shape[:2]
    assert height == pytest.approx(3 * width, abs=3)


def test_outline_of_the_truth_is_white(tmp_path: Path) -> None:
    truth = np.zeros((1, 30, 30), dtype=bool)
    truth[0, 10:20, 10:20] = True
    path = tmp_path / "slice.png"
    path.write_bytes(slice_png(np.zeros((30, 30), np.float32), truth=truth))
    picture = imread(path)[..., :3]
    row = picture[len(picture) // 2]
    white = np.flatnonzero(row.min(axis=-1) > 0.5) / len(row) * 30 - 0.5
    assert white.min() == pytest.approx(9.5, abs=0.3)
    assert white.max() == pytest.approx(19.5, abs=0.3)
    assert np.ptp(picture, axis=-1).max() < 0.01


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_figure_is_written_as_its_suffix_says(tmp_path: Path, suffix: str) -> None:
    results = make_results({"none": 0.0, "default": 0.05})
    path = tmp_path / f"paired{suffix}"
    figure = differences_figure(results, compare(results))
    assert figure is not None
    write_figure(figure, path)
    assert path.read_bytes().startswith({".png": b"\x89PNG", ".svg": b"<?xml"}[suffix])
    assert list(tmp_path.iterdir()) == [path]
