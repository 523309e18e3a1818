"""An inspection tells the same numbers as text, as JSON and on a page that needs nothing else."""

from __future__ import annotations

import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread
from preprocessing.dataset_makers import SHAPE, cube, ramp, write_case, write_dataset, write_listing
from rich.console import Console

from medaug.errors import InputError
from medaug.io.layouts import survey_dataset
from medaug.io.problems import Problem
from medaug.preprocessing.inspection import (
    Summary,
    draw_case,
    inspection_json,
    print_inspection,
    summarise,
    write_page,
)
from medaug.preprocessing.survey import DatasetSurvey, SurveyJob, survey, survey_case

N_VOXELS = int(np.prod(SHAPE))


def survey_of(root: Path) -> DatasetSurvey:
    return survey(survey_dataset(root), workers=1, draw=draw_case)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory) -> DatasetSurvey:
    """Three cases in order, one of another spacing, one without a label, and one that is broken."""
    root = tmp_path_factory.mktemp("sets") / "<mixed & odd>"
    write_dataset(root)
    write_case(root, "case_3", [ramp(1.3)], cube(1), np.diag([-1.0, 1.0, 2.0, 1.0]))
    write_case(root, "case_4", [ramp(1.4)], None)
    write_case(root, "case_5", [ramp(1.5)], cube(1))
    (root / "imagesTr" / "case_5_0000.nii.gz").write_bytes(b"no scan")
    return survey_of(root)


@pytest.fixture(scope="module")
def page(mixed, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("page") / "page.html"
    write_page(path, mixed, summarise(mixed))
    return path.read_text(encoding="utf-8")


def text_of(summary: Summary, problems: tuple[Problem, ...] = (), width: int = 140) -> str:
    console = Console(file=io.StringIO(), width=width)
    print_inspection(console, summary, problems)
    return console.file.getvalue()


def row_of(text: str, start: str) -> list[str]:
    """Return the cells of the line that starts so."""
    (line,) = [line for line in text.splitlines() if line.startswith(start)]
    return re.split(r"  +", line.strip())


def test_the_summary_counts_what_was_written(mixed):
    summary = summarise(mixed)
    assert (summary.name, summary.layout) == ("made", "nnunet")
    assert (summary.cases, summary.readable, summary.labelled) == (6, 5, 4)
    assert summary.orientations == {"RAS": 4, "LAS": 1}
    assert summary.dtypes == {"float32": 5}
    assert summary.distinct_spacings == 2
    k = summary.spacing_mm[2]
    assert (k.lowest, k.median, k.highest) == (1, 1, 2)
    assert summary.bytes == sum(case.bytes for case in mixed.cases)
    (channel,) = summary.channels
    assert channel.name == "T1"
    highest = channel.percentiles[-1]
    scales = [1, 1.1, 1.2, 1.3, 1.4]
    np.testing.assert_allclose(
        [highest.lowest, highest.median, highest.highest],
        np.array([scales[0], scales[2], scales[-1]]) * (N_VOXELS - 1),
    )
    assert summary.problems == {"error": 2, "warning": 0, "note": 0}


def test_the_summary_of_labels_counts_voxels_and_their_volume(mixed):
    background, organ, lesion = summarise(mixed).labels
    assert (organ.value, organ.name, organ.cases) == (1, "organ", 4)
    assert (organ.voxels.lowest, organ.voxels.highest) == (8, 8)
    assert (organ.volume_ml.lowest, organ.volume_ml.highest) == (0.008, 0.016)
    assert organ.share == 32 / (4 * N_VOXELS)
    assert (lesion.cases, background.cases) == (3, 4)
    share = summarise(mixed).foreground_share
    np.testing.assert_allclose([share.lowest, share.highest], np.array([8, 16]) / N_VOXELS)


def test_the_text_tells_the_numbers(mixed):
    text = text_of(summarise(mixed), mixed.all_problems)
    cases = "6 cases, 5 of them readable, 4 labelled, 1 without; 5 patients"
    assert row_of(text, "cases")[1] == cases
    assert row_of(text, "orientation")[1] == "RAS in 4 cases, LAS in 1 case"
    assert row_of(text, "spacing, mm along K")[1:] == ["1", "1", "2"]
    assert row_of(text, "1      organ")[:4] == ["1", "organ", "4 of 4", "8 (8 to 8)"]
    lowest = row_of(text, "T1       lowest")
    assert (lowest[2], lowest[-1]) == ("0", "1,679")
    assert "2 errors" in text
    assert len([line for line in text.splitlines() if line.startswith("error: ")]) == 2


def test_a_problem_stays_on_one_line_and_the_worst_come_first(tmp_path):
    write_dataset(tmp_path)
    file = tmp_path / "a long [name] with brackets"
    problems = tuple(Problem(s, file, f"{file}: of {s}") for s in ("note", "error", "warning"))
    text = text_of(summarise(survey_of(tmp_path)), problems, width=40)
    assert [line for line in text.splitlines() if "brackets" in line] == [
        f"{severity}: {file}: of {severity}" for severity in ("error", "warning", "note")
    ]


def test_so_many_problems_that_nobody_reads_them_are_cut(tmp_path):
    write_dataset(tmp_path)
    problems = (Problem("note", tmp_path, "x"),) * 25
    text = text_of(summarise(survey_of(tmp_path)), problems)
    assert text.count("note: x") == 20
    assert "note: 5 more" in text


def test_json_has_everything(mixed):
    content = json.loads(inspection_json(mixed, summarise(mixed)))
    assert set(content) == {"summary", "percentages", "cases", "problems"}
    assert content["summary"]["readable"] == 5
    assert [case["name"] for case in content["cases"]] == [f"case_{n}" for n in range(5)]
    assert content["cases"][0]["label_voxels"] == {"0": N_VOXELS - 16, "1": 8, "2": 8}
    assert content["percentages"] == [0, 0.5, 5, 50, 95, 99.5, 100]
    assert {problem["case"] for problem in content["problems"]} == {"case_4", "case_5"}
    assert all(problem["file"] in problem["message"] for problem in content["problems"])


def test_a_set_of_which_nothing_can_be_read_is_told_all_the_same(tmp_path):
    write_dataset(tmp_path, n_cases=1)
    (tmp_path / "imagesTr" / "case_0_0000.nii.gz").write_bytes(b"")
    surveyed = survey_of(tmp_path)
    summary = summarise(surveyed)
    assert row_of(text_of(summary), "cases")[1].startswith("1 case, 0 of them readable")
    assert json.loads(inspection_json(surveyed, summary))["summary"]["shape"][0]["median"] is None
    write_page(tmp_path / "page.html", surveyed, summary)
    assert "cannot be read" in (tmp_path / "page.html").read_text(encoding="utf-8")


class _Page(HTMLParser):
    """What a page is made of; fails on tags that do not close."""

    VOID = ("meta", "img", "br", "use", "path")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href"):
                self.addresses.append(value)
            if name == "id":
                self.ids.append(value)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_the_page_is_well_formed_and_loads_nothing(page):
    parsed = _Page(page)
    assert all(address.startswith(("data:image/png;base64,", "#")) for address in parsed.addresses)
    assert not re.search(r"@import|url\((?!#)|<script|https?://", page)
    assert len(parsed.ids) == len(set(parsed.ids))
    links = {address[1:] for address in parsed.addresses if address.startswith("#")}
    assert links <= set(parsed.ids)


def test_the_page_shows_every_case_and_escapes_what_it_shows(page):
    for n in range(6):
        assert f"<h3>case_{n}</h3>" in page
    assert page.count("data:image/png;base64,") == 5
    assert page.count("cannot be read</div>") == 1
    assert "&lt;mixed &amp; odd&gt;" in page
    assert "<mixed" not in page
    assert "organ 8, lesion 8" in page


def test_the_page_plots_what_varies_only(page, tmp_path):
    assert "Spacing along each axis" in page
    assert "Voxels along each axis" not in page
    write_dataset(tmp_path)
    surveyed = survey_of(tmp_path)
    write_page(tmp_path / "page.html", surveyed, summarise(surveyed))
    assert "Spacing along each axis" not in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_intensities_on_several_scales_are_plotted_with_plain_numbers(tmp_path):
    write_listing(tmp_path)
    for n, scale in enumerate([1, 1.5, 1000]):
        write_case(tmp_path, f"case_{n}", [ramp(scale)], cube(1))
    surveyed = survey_of(tmp_path)
    write_page(tmp_path / "page.html", surveyed, summarise(surveyed))
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "100,000</text>" in text
    assert "mathdefault" not in text


def test_a_page_that_cannot_be_written_is_refused(mixed, tmp_path):
    with pytest.raises(InputError, match=r"page\.html: cannot write \(No such file"):
        write_page(tmp_path / "no folder" / "page.html", mixed, summarise(mixed))


def test_the_picture_shows_the_slice_with_most_label_as_radiologists_look(tmp_path):
    shape = (40, 30, 20)
    image = np.zeros(shape, np.float32)
    image[:20, :, 11] = ramp(shape=(20, 30)) + 100  # the left half of the patient, in one slice
    label = np.zeros(shape, np.uint8)
    label[5:15, 5:25, 11] = 1
    write_listing(tmp_path)
    write_case(tmp_path, "a", [image], label, np.diag([-1.0, 1.0, 1.0, 1.0]))
    picture = picture_of(tmp_path)
    grey = np.ptp(picture[..., :3], axis=-1) < 0.05
    height, width = grey.shape
    assert abs(height / width - 30 / 40) < 0.02
    bright = grey & (picture[..., 0] > 0.15)
    # I grows to the left of the patient's body (L): its low end is the right, seen on the left.
    assert bright[:, : width // 2].mean() > 0.5
    assert not bright[:, width // 2 + 2 :].any()
    outline = ~grey
    assert outline.any()
    columns = np.flatnonzero(outline.any(axis=0)) / width
    np.testing.assert_allclose([columns.min(), columns.max()], [5 / 40, 15 / 40], atol=0.02)


def test_thick_slices_are_shown_as_they_were_taken(tmp_path):
    write_listing(tmp_path)
    affine = np.diag([5.0, 1.0, 1.0, 1.0])
    write_case(tmp_path, "a", [ramp(shape=(8, 60, 30))], None, affine)
    height, width, _ = picture_of(tmp_path).shape
    assert abs(height / width - 30 / 60) < 0.02  # sagittal: the front to the left, the head up


def picture_of(root: Path) -> Any:
    files = survey_dataset(root)
    surveyed = survey_case(SurveyJob(files.cases[0], root, draw=draw_case))
    return imread(io.BytesIO(surveyed.picture))


def test_a_constant_or_an_infinite_channel_can_be_drawn(tmp_path):
    write_listing(tmp_path)
    write_case(tmp_path, "a", [np.full(SHAPE, 3, np.float32)], cube(1))
    write_case(tmp_path, "b", [np.full(SHAPE, np.nan, np.float32)], cube(1))
    surveyed = survey_of(tmp_path)
    assert list(surveyed.pictures) == ["a", "b"]
    write_page(tmp_path / "page.html", surveyed, summarise(surveyed))
