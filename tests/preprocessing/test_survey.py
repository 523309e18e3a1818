"""The survey says what is in each case, and what is wrong with it alone and beside the others."""

from __future__ import annotations

import hashlib
import json
import pickle
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from preprocessing.dataset_makers import SHAPE, cube, ramp, write_case, write_dataset, write_listing
from scan_folders import unprivileged

from medaug.io.files import dump_json
from medaug.io.layouts import survey_dataset
from medaug.io.problems import Problem
from medaug.jobs.progress import Progress
from medaug.jobs.run import Outcome
from medaug.preprocessing.case_survey import count_labels
from medaug.preprocessing.channel_survey import PERCENTILES, format_number, survey_channel
from medaug.preprocessing.comparison import scales_of
from medaug.preprocessing.survey import DatasetSurvey, survey

N_VOXELS = int(np.prod(SHAPE))


def survey_of(root: Path, **options: Any) -> DatasetSurvey:
    return survey(survey_dataset(root), workers=1, **options)


def lines(surveyed: DatasetSurvey, severity: str) -> list[str]:
    return [each.message for each in surveyed.all_problems if each.severity == severity]


def only(problems: Sequence[Problem]) -> Problem:
    (problem,) = problems
    return problem


def test_a_case_is_told_as_it_was_written(tmp_path):
    affine = np.diag([-2.0, 1.5, 3.0, 1.0])
    affine[:3, 3] = 7, 8, 9
    write_listing(tmp_path, channels=("T1", "T2"))
    write_case(tmp_path, "a", [ramp(), ramp(2)], cube(1, 2), affine)
    surveyed = survey_of(tmp_path)
    (case,) = surveyed.cases
    assert (case.name, case.patient) == ("a", "a")
    assert case.shape == SHAPE
    assert case.spacing_mm == (2.0, 1.5, 3.0)
    assert case.affine == tuple(map(tuple, affine))
    assert case.orientation == "LAS"
    assert case.dtype == "float32"
    assert [channel.maximum for channel in case.channels] == [N_VOXELS - 1, 2 * (N_VOXELS - 1)]
    assert case.label_voxels == {0: N_VOXELS - 16, 1: 8, 2: 8}
    assert case.label_values == (0, 1, 2)
    files = ["imagesTr/a_0000.nii.gz", "imagesTr/a_0001.nii.gz", "labelsTr/a.nii.gz"]
    contents = [(tmp_path / file).read_bytes() for file in files]
    sums = [hashlib.sha256(content).hexdigest() for content in contents]
    assert case.sha256 == dict(zip(files, sums, strict=True))
    assert list(case.sha256) == files
    assert case.bytes == sum(map(len, contents))
    assert surveyed.all_problems == ()
    assert pickle.loads(pickle.dumps(case)) == case
    assert json.loads(dump_json(case.to_json()))["label_voxels"] == {
        str(value): count for value, count in case.label_voxels.items()
    }


def test_percentiles_of_numbers_in_a_row_are_those_numbers():
    channel = survey_channel(np.arange(1001, dtype=np.int16).reshape(7, 11, 13))
    assert channel.percentiles == (0, 5, 50, 500, 950, 995, 1000)
    assert channel.width == 990
    assert (channel.background_share, channel.not_finite, channel.every) == (0, 0, 1)


def test_percentiles_leave_an_exact_background_out_and_say_so():
    values = np.concatenate([np.full(3003, -7), np.arange(1001)]).reshape(22, 14, 13)
    channel = survey_channel(values.astype(np.int16))
    assert channel.background_share == 0.75
    assert (channel.minimum, channel.maximum) == (-7, 1000)
    assert channel.percentiles == (0, 5, 50, 500, 950, 995, 1000)


def test_the_whole_range_of_an_integer_type_does_not_overflow():
    values = np.array([-32768, 32767], np.int16).repeat(500).reshape(10, 10, 10)
    channel = survey_channel(values)
    assert channel.width == 65535
    assert channel.percentiles[3] in (-32768, 32767)


def test_a_huge_channel_is_sampled_evenly_and_says_so():
    values = np.random.default_rng(0).permutation(100_000).reshape(100, 100, 10)
    channel = survey_channel(values.astype(np.float32), most_voxels=30_000)
    assert channel.every == 4
    assert (channel.percentiles[0], channel.percentiles[-1]) == (0, 99_999)
    np.testing.assert_allclose(channel.percentiles, np.array(PERCENTILES) * 1000, atol=1500)


def test_voxels_that_are_not_finite_are_counted_and_left_out():
    values = np.arange(1004, dtype=np.float32)
    values[[3, 5, 7]] = np.nan, np.inf, -np.inf
    channel = survey_channel(values.reshape(251, 2, 2))
    assert channel.not_finite == 3
    assert (channel.minimum, channel.maximum) == (0, 1003)
    nothing = survey_channel(np.full((2, 2, 2), np.nan, np.float32))
    assert nothing.not_finite == 8
    assert np.isnan(nothing.percentiles).all()


def test_labels_are_counted():
    assert count_labels(np.array([[[[3, 0], [3, 3]], [[9, 0], [0, 0]]]])) == {0: 4, 3: 3, 9: 1}


def test_memory_stays_below_three_times_that_of_the_case(tmp_path):
    shape = (128, 128, 96)
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    write_listing(tmp_path)
    write_case(tmp_path, "a", [values], cube(1, shape=shape))
    survey_of(tmp_path)  # what is loaded once
    tracemalloc.start()
    survey_of(tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2.5 * (values.nbytes + values.size)


def test_a_case_that_cannot_be_read_is_an_error_and_the_others_are_told(tmp_path):
    write_dataset(tmp_path)
    broken = tmp_path / "imagesTr" / "case_1_0000.nii.gz"
    broken.write_bytes(broken.read_bytes()[:200])
    counted = CountingProgress()
    surveyed = survey_of(tmp_path, progress=counted)
    assert [case.name for case in surveyed.cases] == ["case_0", "case_2"]
    problem = only(surveyed.problems)
    assert (problem.severity, problem.file, problem.case) == ("error", broken, "case_1")
    assert problem.message.startswith(f"{broken}: ")
    assert counted.total == 3
    assert counted.errors == ["", problem.message, ""]


class CountingProgress(Progress):
    def __init__(self) -> None:
        self.total, self.errors = 0, []

    def started(self, task: str, total: int) -> None:
        assert task == "check"
        self.total = total

    def job_done(self, outcome: Outcome[Any]) -> None:
        self.errors.append(outcome.error)


def test_a_label_that_cannot_be_used_is_an_error_of_the_label(tmp_path):
    write_dataset(tmp_path)
    write_case(tmp_path, "case_1", [ramp(1.1)], cube(1).astype(np.float32) / 2)
    surveyed = survey_of(tmp_path)
    problem = only(surveyed.problems)
    assert problem.file == tmp_path / "labelsTr" / "case_1.nii.gz"
    assert (problem.severity, problem.case) == ("error", "case_1")
    assert surveyed.cases[1].label_voxels is None
    assert surveyed.cases[1].shape == SHAPE


def test_a_label_that_may_not_be_read_is_told_once(tmp_path):
    write_dataset(tmp_path)
    label = tmp_path / "labelsTr" / "case_1.nii.gz"
    label.chmod(0)
    with unprivileged(label):
        surveyed = survey_of(tmp_path)
    problem = only(surveyed.problems)
    assert problem.message == (
        f"{label}: cannot read (Permission denied); check the file and its permissions."
    )
    assert [case.name for case in surveyed.cases] == ["case_0", "case_2"]


def test_what_was_noticed_while_reading_is_told(tmp_path):
    write_dataset(tmp_path)
    label = tmp_path / "labelsTr" / "case_0.nii.gz"
    write_case(tmp_path / "other", "case_0", [], cube(1, shape=(24, 28, 20)), half_voxels())
    label.write_bytes((tmp_path / "other" / "labelsTr" / "case_0.nii.gz").read_bytes())
    problem = only(survey_of(tmp_path).problems)
    assert (problem.severity, problem.file, problem.case) == ("warning", label, "case_0")
    assert "another grid" in problem.message


def half_voxels() -> Any:
    affine = np.diag([0.5, 0.5, 0.5, 1.0])
    affine[:3, 3] = -0.25
    return affine


@pytest.mark.parametrize(
    ("voxels", "words"),
    [(np.full(SHAPE, 5, np.float32), "all voxels are 5"), (ramp(np.nan), "are NaN or infinite")],
)
def test_voxels_that_nothing_can_be_learned_from_are_errors(tmp_path, voxels, words):
    write_dataset(tmp_path)
    write_case(tmp_path, "case_2", [voxels], cube(1, 2))
    problem = only(survey_of(tmp_path).problems)
    assert (problem.severity, problem.case) == ("error", "case_2")
    assert words in problem.message
    assert problem.file == tmp_path / "imagesTr" / "case_2_0000.nii.gz"


def test_an_empty_label_is_a_warning(tmp_path):
    write_dataset(tmp_path)
    write_case(tmp_path, "case_2", [ramp(1.2)], cube())
    problem = only(survey_of(tmp_path).problems)
    assert (problem.severity, problem.case) == ("warning", "case_2")
    assert "no voxel is labelled" in problem.message


def test_a_label_value_that_is_not_listed_is_an_error_and_one_without_a_case_a_note(tmp_path):
    write_dataset(tmp_path)
    write_listing(tmp_path, labels={"background": 0, "organ": 1, "lesion": 2, "cyst": 3})
    write_case(tmp_path, "case_1", [ramp(1.1)], cube(1, 7))
    error, note = survey_of(tmp_path).problems
    assert (error.severity, error.case) == ("error", "case_1")
    assert "label value 7" in error.message
    assert note.severity == "note"
    assert "label 3 (cyst)" in note.message


def test_a_4d_file_where_one_channel_is_listed_is_an_error(tmp_path):
    write_dataset(tmp_path)
    write_case(tmp_path, "case_1", [np.stack([ramp(), ramp(2)])], cube(1, 2))
    (error,) = lines(survey_of(tmp_path), "error")
    assert "the number of channels is 2, but the data set lists 1" in error


def test_the_same_image_twice_is_a_warning(tmp_path):
    write_dataset(tmp_path)
    write_case(tmp_path, "case_2", [ramp()], cube(2, 1))
    problem = only(survey_of(tmp_path).problems)
    assert (problem.severity, problem.case) == ("warning", "case_2")
    assert "very image of case case_0" in problem.message


def test_an_odd_spacing_is_found_whatever_the_orientation(tmp_path):
    write_listing(tmp_path)
    thick = np.diag([1.0, 1.0, 4.0, 1.0])
    turned = np.array([[0.0, 1, 0, 0], [0, 0, 1, 0], [4, 0, 0, 0], [0, 0, 0, 1]])  # I runs up
    affines = [thick, thick, turned, np.diag([4.0, 1.0, 4.0, 1.0])]
    shapes = [SHAPE, SHAPE, (SHAPE[2], *SHAPE[:2]), SHAPE]
    for n, (affine, shape) in enumerate(zip(affines, shapes, strict=True)):
        images = [ramp(1 + n / 10, shape)]
        write_case(tmp_path, f"case_{n}", images, cube(1, 2, shape=shape), affine)
    spacing, field_of_view = lines(survey_of(tmp_path), "warning")
    assert "case_3_0000" in spacing
    assert "unusual spacing to the right, front and up (4 x 1 x 4 mm, usually 1 x 1 x 4 mm)" in (
        spacing
    )
    assert "unusual field of view to the right, front and up (48 x 14 x 40 mm, usually" in (
        field_of_view
    )


def test_scales_are_parted_by_gaps_the_most_common_first():
    assert scales_of([900, 1000, 0, 250, 1e6, float("nan"), 2700]) == [[0, 1, 6], [3], [4]]
    assert scales_of([300, 100, 899]) == [[1, 0, 2]]
    assert scales_of([100, 301]) == [[0], [1]]
    assert scales_of([0, 0]) == []


def test_another_scale_of_intensities_is_one_line_for_all_channels_of_a_case(tmp_path):
    write_listing(tmp_path, channels=("T1", "T2"))
    for n, scale in enumerate([1, 1.1, 1.2, 50]):
        write_case(tmp_path, f"case_{n}", [ramp(scale), ramp(2 * scale)], cube(1, 2))
    problem = only(survey_of(tmp_path).problems)
    assert (problem.severity, problem.case) == ("warning", "case_3")
    assert "intensities of T1, T2 on another scale" in problem.message


def test_many_cases_on_another_scale_share_a_line(tmp_path):
    write_listing(tmp_path)
    for n in range(9):
        write_case(tmp_path, f"case_{n}", [ramp((1 + n / 100) * (50 if n < 4 else 1))], cube(1, 2))
    problem = only(survey_of(tmp_path).problems)
    assert problem.case == ""
    assert problem.message.endswith("Cases: case_0, case_1, case_2, case_3.")


def test_numbers_have_the_digits_that_matter():
    assert list(map(format_number, (376_623.4, -1000, 0.03124, 12.0))) == [
        "376,623",
        "-1,000",
        "0.0312",
        "12",
    ]


def test_both_exports_of_the_hippocampus_scans_are_found(hippocampus):
    (small, large) = lines(survey_of(hippocampus), "warning")
    assert "intensities on another scale in 43 cases" in small
    assert "hippocampus_001," in small
    assert "intensities on another scale in 29 cases" in large
    assert "hippocampus_135," in large
