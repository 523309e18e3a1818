"""The page answers first, leaves nothing out, loads nothing and takes no name for markup."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import pytest
from benchmark.report.made_up import compare, make_example, make_results

from medaug.benchmark.report import tables
from medaug.benchmark.report.examples import Example
from medaug.benchmark.report.headline import headline
from medaug.benchmark.report.method import method
from medaug.benchmark.report.page import write_page
from medaug.benchmark.results import Results
from medaug.benchmark.runs.key import RunKey

GAINS = {"none": 0.0, "default": 0.05}


class Page(HTMLParser):
    """What a page shows and what it refers to."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.texts: list[str] = []
        self.references: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.feed(source)
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


def page_of(results: Results, folder: Path, examples: Sequence[Example] = ()) -> Page:
    write_page(results, compare(results), examples, folder / "report.html")
    return Page((folder / "report.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def full() -> Results:
    """A benchmark with everything that a report can show."""
    return make_results(
        GAINS,
        sizes=(5, "all"),
        n_undefined=3,
        shifted=True,
        calibrated=True,
        cost={"none": 0.0004, "default": 0.012},
        missing={RunKey("default", 5, 0, 1): "killed by the system"},
    )


@pytest.fixture(scope="module")
def full_page(full: Results, tmp_path_factory: pytest.TempPathFactory) -> Page:
    return page_of(full, tmp_path_factory.mktemp("page"), [make_example(full.arms)])


def test_the_answer_comes_first(full: Results, full_page: Page) -> None:
    answer = headline(full, compare(full))
    assert answer in full_page.text
    titles = ["What is missing", "Dice of each arm", "Case by case", "Accuracy for cost"]
    titles += ["Data efficiency", "Robustness", "Calibration", "Learning curves"]
    titles += ["Best and worst cases", "Method"]
    places = [full_page.text.index(title) for title in (answer, *titles)]
    assert places == sorted(places)


def test_every_table_is_there(full: Results, full_page: Page) -> None:
    comparison = compare(full)
    for table in (
        tables.answer_table(full, comparison),
        tables.measures_table(full, comparison),
        tables.class_table(full, comparison),
        tables.size_table(full, comparison),
        tables.seconds_table(full),
    ):
        assert " ".join(table.columns) in full_page.text
        for row in table.rows:
            assert " ".join(row) in full_page.text
    assert tables.detectable_sentence(full, comparison) in full_page.text


def test_every_picture_is_there(full: Results, full_page: Page) -> None:
    labels = re.findall(r'role="img" aria-label="([^"]*)"', full_page.source)
    # Mean and two classes; cost; two by size; two corruptions; calibration; loss and monitor.
    assert len(labels) == len(set(labels)) == 3 + 1 + 2 + 2 + 1 + 2
    # The image, the truth and each arm.
    assert sum(each.startswith("data:image/png") for each in full_page.references) == 4


def test_what_is_missing_is_told(full_page: Page, tmp_path: Path) -> None:
    assert "default 5 fold 0, seed 1 killed by the system" in full_page.text
    assert "dice of Posterior all 3 no arm has a value" in full_page.text
    results = make_results(GAINS)
    assert "What is missing" not in page_of(results, tmp_path).text
    results.provenance["remarks"] = ["No training case of fold 1 has Posterior."]
    page = page_of(results, tmp_path)
    assert "Remarks No training case of fold 1 has Posterior." in page.text


def test_the_method_has_what_a_paper_needs(full: Results, full_page: Page) -> None:
    for title, text in method(full, compare(full)):
        assert f"{title}. {' '.join(text.split())}" in full_page.text
    for fact in (
        "made up, 12 cases. Tested were 12 cases of 12 patients.",
        "5-fold cross-validation, split at random by patient (seed 3)",
        "5 and all cases of the training part of a fold",
        "15 runs in all",
        "90 optimiser steps",
        "2 patches of 40 x 56 x 40 voxels",
        "probability of 0.33",
        "weight decay of 0.01",
        "peak learning rate of 0.003",
        "overlap of 50%",
        "within 2 mm of the other",
        "in 15 bins of confidence, over the voxels within 5 mm",
        "0.1 to 0.8 standard deviations and 0.8 to 0.35 of the voxels along each axis, each at",
        "(199 resamples of patients",
        "0123abc",
        "a processor",
        "medaug benchmark --long",
        "- name: default",
    ):
        assert fact in full_page.text


def test_the_method_leaves_out_what_is_not_recorded(tmp_path: Path) -> None:
    results = make_results(GAINS)
    results.provenance.clear()
    page = page_of(results, tmp_path)
    assert "None" not in page.text
    assert "optimiser steps, the same" not in page.text
    assert "Shifted test" not in page.text
    assert "Statistics." in page.text


def test_the_method_tells_of_time_network_and_regions() -> None:
    results = make_results(GAINS)
    results.provenance["configuration"] |= {
        "steps": None,
        "train_seconds": 60.0,
        "network": {"_target_": "UNet"},
        "regions": {"whole": [1, 2, "edema"]},
        "groups": "^(p[0-9]+)",
        "shift": None,
    }
    results.provenance["network_parameters"] = 1234567
    sections = dict(method(results, compare(results)))
    assert sections["Training"].startswith("60.0 seconds of wall time")
    assert sections["Network"].startswith("UNet with the arguments")
    assert "1,234,567 parameters" in sections["Network"]
    assert "whole (1, 2 and edema)" in sections["Data"]
    assert "^(p[0-9]+)" in sections["Data"]
    assert "Shifted test" not in sections


def test_the_page_loads_nothing_and_repeats_no_id(full_page: Page) -> None:
    assert all(
        reference.startswith(("data:image/png;base64,", "#")) for reference in full_page.references
    )
    assert {f"#{name}" for name in full_page.ids} >= {
        reference for reference in full_page.references if reference.startswith("#")
    }
    assert not {"script", "link", "iframe", "object"} & set(full_page.tags)
    assert not re.search(r"https?:|@import|url\((?!#)", full_page.source)
    assert len(full_page.ids) == len(set(full_page.ids))
    assert "default-src 'none'" in full_page.source


def test_names_are_shown_literally_and_never_as_markup(tmp_path: Path) -> None:
    arms = {"none": 0.0, "<script>alert(1)</script>&$x^2$": 0.05}
    lost = {RunKey("none", "all", 0, 0): "<i>why</i>"}
    results = make_results(arms, classes=("<b>organ</b>", "other"), missing=lost)
    page = page_of(results, tmp_path, [make_example(results.arms, "<u>case</u>")])
    assert not {"script", "b><", "i", "u", "second"} & set(page.tags)
    assert "<b>organ" not in page.source
    for name in [*arms, "<b>organ</b>", "- <second line>", "<i>why</i>", "<u>case</u>"]:
        assert name in page.text


def test_sections_without_content_are_left_out(tmp_path: Path) -> None:
    results = make_results(GAINS, monitored=False, classes=("tumour",))
    page = page_of(results, tmp_path)
    for title in ("cost", "Data efficiency", "Robustness", "Calibration", "Best and worst"):
        assert title not in page.text
    # The paired picture and the loss; the others are keys of arms.
    assert page.source.count('role="img"') == 2


def test_without_any_comparison_there_still_is_a_page(tmp_path: Path) -> None:
    lost = {
        RunKey("none", "all", fold, seed): "out of memory" for fold in (0, 1) for seed in (0, 1)
    }
    page = page_of(make_results(GAINS, missing=lost), tmp_path)
    assert "There is no answer yet" in page.text
    assert "out of memory" in page.text
    assert "Dice of each arm" not in page.text
    assert "Learning curves" in page.text


def test_a_quick_run_says_what_it_is(full_page: Page, tmp_path: Path) -> None:
    assert "quick run" not in full_page.text
    results = make_results(GAINS)
    results.provenance["quick"] = True
    assert "This was a quick run" in page_of(results, tmp_path).text
