from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread
from rich.console import Console, RenderableType

from medaug.benchmark.report import figures
from medaug.benchmark.report.markdown import write_markdown
from medaug.benchmark.report.page import write_report
from medaug.benchmark.report.summary import (
    comparison_table,
    format_dice,
    format_difference,
    format_interval,
    format_p,
    headline,
    summary_cells,
)
from medaug.benchmark.results import Example, Results, collect_results
from medaug.benchmark.run_result import RunResult
from medaug.benchmark.statistics.compare import MEAN_OF_CLASSES, compare_arms
from medaug.inline_svg import to_inline_svg

CLASSES = ("Anterior", "Posterior")


def _results(
    gains: dict[str, float],
    *,
    n_cases: int = 12,
    classes: Sequence[str] = CLASSES,
    n_undefined: int = 0,
    monitored: bool = True,
) -> Results:
    """Return two folds and two seeds of each arm, which is `gain` better, give or take noise."""
    rng = np.random.default_rng(5)
    runs = []
    for arm, fold, seed in product(gains, (0, 1), (0, 1)):
        dice = {
            f"case{index}": {
                name: float("nan")
                if index < n_undefined and name == classes[-1]
                else 0.6 + 0.01 * index + gains[arm] + rng.normal(0, 0.002)
                for name in classes
            }
            for index in range(fold, n_cases, 2)
        }
        losses = [(step, float(np.exp(-step / 30))) for step in range(1, 91)]
        monitor = [(step, step / 100) for step in (30, 60, 90)] if monitored else []
        runs.append(
            RunResult(arm, fold, seed, ("t1", "t2"), dice, losses, monitor, {"train": 1.25})
        )
    provenance = {
        "versions": {"medaug": "0.0.7"},
        "configuration": {"steps": 90, "network": None, "monitor": {"cases": 2}},
        "policies": {arm: f"- name: {arm}\n- <second line>" for arm in gains},
        "hardware": {"cpu": "a processor", "cores": 2},
        "command": "medaug benchmark " + "--long " * 12,
        "quick": False,
    }
    return collect_results("demo", list(gains), classes, runs, provenance)


def _comparison(results: Results) -> pd.DataFrame:
    return compare_arms(results.cases, rng=np.random.default_rng(0), n_resamples=499)


def _example(arms: Sequence[str]) -> Example:
    image = np.random.default_rng(2).normal(size=(24, 36)).astype(np.float32)
    truth = np.zeros((24, 36), np.uint8)
    truth[5:12, 8:20], truth[12:18, 8:20] = 1, 2
    predictions = {arm: np.roll(truth, index, axis=0) for index, arm in enumerate(arms)}
    return Example("case3", 1, 0, image, truth, predictions, dict.fromkeys(arms, 0.875))


class _Page(HTMLParser):
    """What a page shows and what it refers to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.references: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.feed(page)
        self.text = " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in {"src", "href", "xlink:href", "srcset", "data", "action"}:
                self.references.append(value or "")
            elif name == "id":
                self.ids.append(value or "")

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] != ["style"]:
            self.texts.append(data)


def _report(results: Results, folder: Path, examples: Sequence[Example] = ()) -> _Page:
    write_report(results, _comparison(results), examples, folder / "report.html")
    return _Page((folder / "report.html").read_text(encoding="utf-8"))


def _terminal(renderable: RenderableType) -> str:
    console = Console(width=80)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def test_headline_says_how_much_a_better_arm_helped() -> None:
    comparison = _comparison(_results({"none": 0.0, "default": 0.05}))
    mean = comparison[comparison["class"] == MEAN_OF_CLASSES].iloc[1]
    assert headline(comparison) == (
        f"Compared with none (mean Dice {format_dice(mean['dice'] - mean['difference'])}), "
        f"default raised the mean Dice by {mean['difference']:.3f} "
        f"(95% CI {format_interval(mean['ci_low'], mean['ci_high'])}, p <0.001)."
    )


def test_headline_says_as_plainly_that_an_arm_did_harm_or_nothing() -> None:
    comparison = _comparison(_results({"none": 0.0, "worse": -0.05, "same": 0.0}))
    comparison.loc[comparison["arm"] == "same", ["ci_low", "p_holm"]] = -0.01, 0.4
    sentence = headline(comparison)
    assert "worse lowered the mean Dice by 0.0" in sentence
    assert " and same made no clear difference (" in sentence
    assert sentence.count("corrected p") == 2


def test_headline_calls_nothing_clear_when_interval_or_test_does_not() -> None:
    comparison = _comparison(_results({"none": 0.0, "default": 0.05}))
    assert "no clear difference" in headline(comparison.assign(p_holm=0.05))
    assert "no clear difference" in headline(comparison.assign(ci_low=-0.001))


def test_headline_owns_up_to_too_few_cases() -> None:
    sentence = headline(_comparison(_results({"none": 0.0, "default": 0.05}, n_cases=4)))
    assert sentence.endswith("; 4 cases are too few to show a clear difference.")
    enough = headline(_comparison(_results({"none": 0.0, "default": 0.05}, n_cases=6)))
    assert "too few" not in enough


def test_headline_of_one_case_or_one_arm_compares_nothing() -> None:
    cases = pd.DataFrame(
        [("none", 0, 0, "c", "a", 0.5), ("default", 0, 0, "c", "a", 0.7)],
        columns=["arm", "fold", "seed", "case", "class", "dice"],
    )
    one_case = compare_arms(cases, rng=np.random.default_rng(0))
    assert "default cannot be judged from 1 case" in headline(one_case)
    one_arm = compare_arms(cases[:1], rng=np.random.default_rng(0))
    assert headline(one_arm).startswith("Only one arm was run, none (mean Dice 0.500)")


def test_numbers_are_rounded_signed_and_dashed() -> None:
    assert format_dice(0.12345) == "0.123"
    assert format_difference(0.0316) == "+0.032"
    assert format_difference(-0.0316) == "\N{MINUS SIGN}0.032"
    assert format_difference(-0.0001) == "0.000"
    assert format_p(0.00099) == "<0.001"
    assert format_p(0.0123) == "0.012"
    nan = float("nan")
    assert {format_dice(nan), format_difference(nan), format_p(nan)} == {"\N{EN DASH}"}
    assert format_interval(nan, 0.1) == "\N{EN DASH}"


def test_terminal_table_shows_every_cell_in_80_columns() -> None:
    comparison = _comparison(_results({"none": 0.0, "default": 0.05, "[bold]flip": 0.01}))
    text = _terminal(comparison_table(comparison))
    columns, rows = summary_cells(comparison)
    for cell in [*columns, *(cell for row in rows for cell in row)]:
        assert cell in text
    assert max(map(len, text.splitlines())) <= 80


def test_terminal_table_of_many_classes_crops_none() -> None:
    classes = [f"organ{index}" for index in range(13)]
    comparison = _comparison(_results({"none": 0.0, "default": 0.05}, classes=classes))
    text = _terminal(comparison_table(comparison))
    columns, rows = summary_cells(comparison)
    for cell in [*columns, *(cell for row in rows for cell in row)]:
        assert cell in text


def test_report_answers_first_with_the_numbers_of_the_table(tmp_path: Path) -> None:
    results = _results({"none": 0.0, "default": 0.05})
    page = _report(results, tmp_path, [_example(results.arms)])
    comparison = _comparison(results)
    assert headline(comparison) in page.text
    assert page.text.index(headline(comparison)) < page.text.index("Dice of each arm")
    _, rows = summary_cells(comparison)
    for row in rows:
        assert " ".join(row) in page.text
    for row in comparison.to_dict("records"):
        assert (
            f"{row['arm']} {row['class']} {row['n_cases']} {format_dice(row['dice'])}" in page.text
        )
    for fact in ("0.0.7", "a processor", "499 resamples", "none: 0.875", "train 1.25"):
        assert fact.replace("train ", "") in page.text


def test_report_loads_nothing_and_repeats_no_id(tmp_path: Path) -> None:
    results = _results({"none": 0.0, "default": 0.05})
    page = _report(results, tmp_path, [_example(results.arms)])
    assert page.references
    assert all(
        reference.startswith(("data:image/png;base64,", "#")) for reference in page.references
    )
    assert {f"#{name}" for name in page.ids} >= {r for r in page.references if r.startswith("#")}
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    source = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"https?:|@import|url\((?!#)", source)
    assert len(page.ids) == len(set(page.ids))


def test_names_are_shown_literally_and_never_as_markup(tmp_path: Path) -> None:
    arms = {"none": 0.0, "<script>alert(1)</script>&$x^2$": 0.05}
    results = _results(arms, classes=("<b>organ</b>",))
    page = _report(results, tmp_path, [_example(results.arms)])
    assert not {"script", "b", "second"} & set(page.tags)
    for name in [*arms, "<b>organ</b>", "- <second line>"]:
        assert name in page.text


def test_names_in_figures_are_neither_markup_nor_mathematics() -> None:
    results = _results({"none": 0.0, "<$x^2$>": 0.05})
    for figure in (
        figures.loss_figure(results),
        figures.paired_figure(results, _comparison(results)),
    ):
        assert ">&lt;$x^2$&gt;</text>" in to_inline_svg(figure, "id")


def test_report_counts_the_cases_that_lack_a_class(tmp_path: Path) -> None:
    gains = {"none": 0.0, "default": 0.05}
    page = _report(_results(gains, n_undefined=3), tmp_path)
    assert "contains the class: Posterior: 3 of 12 cases." in page.text
    assert "Left out" not in _report(_results(gains), tmp_path).text


def test_report_leaves_out_the_sections_it_has_nothing_for(tmp_path: Path) -> None:
    page = _report(_results({"none": 0.0}, monitored=False), tmp_path)
    assert "Case by case" not in page.text
    assert "Examples" not in page.text
    assert page.tags.count("svg") == 1


def test_report_of_a_quick_run_says_what_it_is(tmp_path: Path) -> None:
    results = _results({"none": 0.0, "default": 0.05})
    assert "quick run" not in _report(results, tmp_path).text
    results.provenance["quick"] = True
    assert "This was a quick run" in _report(results, tmp_path).text


def test_report_is_written_alone(tmp_path: Path) -> None:
    _report(_results({"none": 0.0, "default": 0.05}), tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_colours_belong_to_names_and_differ() -> None:
    arms = ("none", "flip", "affine", "default")
    colours = figures.arm_colours(arms)
    assert len(set(colours.values())) == 4
    assert figures.arm_colours(arms[:2]) == {arm: colours[arm] for arm in arms[:2]}


def test_paired_panels_share_their_range_also_when_drawn_apart() -> None:
    results = _results({"none": 0.0, "default": 0.05, "worse": -0.02})
    comparison = _comparison(results)
    together = figures.paired_figure(results, comparison)
    assert [axes.get_title() for axes in together.axes] == ["mean of the classes", *CLASSES]
    apart = [figures.paired_figure(results, comparison, [name]) for name in CLASSES]
    limits = {figure.axes[0].get_xlim() for figure in [together, *apart]}
    assert len(limits) == 1


def test_loss_curve_averages_neighbouring_steps_and_says_so() -> None:
    results = _results({"none": 0.0, "default": 0.05})
    axes = figures.loss_figure(results).axes[0]
    assert axes.get_ylabel() == "training loss (mean of 2 steps)"
    steps, loss = axes.lines[0].get_data()
    assert steps[0] == 2
    assert loss[0] == pytest.approx((np.exp(-1 / 30) + np.exp(-2 / 30)) / 2)


def test_example_shows_truth_and_prediction_in_their_places(tmp_path: Path) -> None:
    image = np.zeros((40, 20), np.float32)
    image[2:10, 14:18] = 1
    labels = np.zeros((40, 20), np.uint8)
    labels[30:38, 2:8] = 1
    path = tmp_path / "example.png"
    path.write_bytes(figures.example_png(image, labels, n_classes=1))
    picture = imread(path)[..., :3]
    height, width = picture.shape[:2]
    assert width == pytest.approx(2 * height, abs=2)
    coloured = np.argwhere(np.ptp(picture, axis=-1) > 0.2).mean(axis=0)
    bright = np.argwhere(picture.min(axis=-1) > 0.9).mean(axis=0)
    # I runs to the right, from 0 to 40, and J upwards, from 0 to 20.
    np.testing.assert_allclose(coloured / (height, width), [1 - 5 / 20, 34 / 40], atol=0.02)
    np.testing.assert_allclose(bright / (height, width), [1 - 16 / 20, 6 / 40], atol=0.02)


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_figure_is_written_as_its_suffix_says(tmp_path: Path, suffix: str) -> None:
    results = _results({"none": 0.0, "default": 0.05})
    path = tmp_path / f"paired{suffix}"
    figures.write_figure(figures.paired_figure(results, _comparison(results)), path)
    assert path.read_bytes().startswith({".png": b"\x89PNG", ".svg": b"<?xml"}[suffix])
    assert list(tmp_path.iterdir()) == [path]


def test_markdown_has_the_sentence_the_table_and_where_it_comes_from(tmp_path: Path) -> None:
    results = _results({"none": 0.0, "my|arm": 0.05})
    comparison = _comparison(results)
    write_markdown(results, comparison, tmp_path / "summary.md", figure="differences.svg")
    text = (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert headline(comparison) in text
    for row in summary_cells(comparison)[1]:
        assert "| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" in text
    assert "(differences.svg)" in text
    for fact in ("medaug 0.0.7", "a processor", '"steps": 90', "medaug benchmark --long"):
        assert fact in text


def test_markdown_without_a_figure_shows_none(tmp_path: Path) -> None:
    results = _results({"none": 0.0})
    write_markdown(results, _comparison(results), tmp_path / "summary.md", figure=None)
    assert "![" not in (tmp_path / "summary.md").read_text(encoding="utf-8")
