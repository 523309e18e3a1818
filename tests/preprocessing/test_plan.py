"""What is decided from all cases of a set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medaug.errors import InputError
from medaug.io.cases import DatasetFiles
from medaug.preprocessing.case_survey import CaseSurvey
from medaug.preprocessing.channel_survey import survey_channel
from medaug.preprocessing.config import Intensity, PreprocessConfig
from medaug.preprocessing.plan import Plan, make_plan, median_spacing

CHANNEL = survey_channel(np.arange(8.0).reshape(2, 2, 2))


def surveyed(name="a", *, spacing=(1, 1, 1), shape=(9, 9, 9), orientation="RAS", values=(0, 1)):
    return CaseSurvey(
        name=name,
        patient=name,
        shape=shape,
        spacing_mm=spacing,
        affine=tuple(map(tuple, np.eye(4).tolist())),
        orientation=orientation,
        dtype="int16",
        channels=(CHANNEL, CHANNEL),
        label_voxels=dict.fromkeys(values, 1),
        sha256={},
        bytes=1,
    )


def dataset(**changes) -> DatasetFiles:
    return DatasetFiles("Set", Path("set"), "brats", (), **changes)


def plan(*surveys, files=None, **options) -> Plan:
    return make_plan(files or dataset(), surveys or [surveyed()], PreprocessConfig(**options))


def test_the_spacing_is_the_median_along_each_axis():
    spacings = [(1, 2, 3), (2, 2, 5), (3, 8, 4)]
    assert median_spacing(spacings, [(9, 9, 9)] * 3) == (2, 2, 4)


@pytest.mark.parametrize(
    ("coarse", "slices", "expected"),
    [
        ([4, 4, 4, 10], 10, 4),  # the tenth percentile of 4, 4, 4, 10
        ([2, 5, 6, 10], 10, 2.9),
        ([0.1, 0.1, 6, 10], 10, 1),  # the median is 3.05, but nothing finer than the others
        ([3, 3, 3, 3], 10, 3),  # not more than three times as coarse
        ([4, 4, 4, 10], 100, 4),
        ([6, 6, 7, 7], 100, 6.5),  # coarse, but with too many slices
    ],
)
def test_a_coarse_axis_gets_the_tenth_percentile(coarse, slices, expected):
    spacings = [(1, 1, each) for each in coarse]
    found = median_spacing(spacings, [(100, 100, slices)] * len(coarse))
    assert found == pytest.approx((1, 1, expected))


def test_spacings_are_compared_along_the_body_not_along_the_arrays():
    cases = [surveyed(spacing=(1, 1, 5)), surveyed(spacing=(5, 1, 1), orientation="SRA")]
    assert plan(*cases).spacing_mm == (1, 1, 5)
    assert plan(*cases, orientation="IPL").spacing_mm == (5, 1, 1)
    assert plan(*cases, orientation=None).spacing_mm == (3, 1, 3)


def test_the_noise_of_float32_headers_is_rounded_away():
    noisy = tuple(np.float32([0.8, 0.8, 1.2]).tolist())
    assert plan(surveyed(spacing=noisy)).spacing_mm == (0.8, 0.8, 1.2)


def test_a_spacing_can_be_kept_or_given():
    assert plan(spacing_mm="keep").spacing_mm is None
    assert plan(spacing_mm=(1, 2, 3)).spacing_mm == (1, 2, 3)


@pytest.mark.parametrize(
    ("remap", "label_map", "names"),
    [
        (
            "consecutive",
            {0: 0, 1: 1, 2: 2, 4: 3},
            {0: "background", 1: "one", 2: "label 2", 3: "four"},
        ),
        (None, {0: 0, 1: 1, 2: 2, 4: 4}, {0: "background", 1: "one", 2: "label 2", 4: "four"}),
        ({4: 1}, {0: 0, 1: 1, 2: 2, 4: 1}, {0: "background", 1: "one + four", 2: "label 2"}),
        ({1: 0}, {0: 0, 1: 0, 2: 2, 4: 4}, {0: "background", 2: "label 2", 4: "four"}),
    ],
)
def test_labels_get_new_values_and_keep_their_names(remap, label_map, names):
    files = dataset(labels={0: "background", 1: "one", 4: "four"})
    made = plan(surveyed(values=(0, 2)), files=files, remap_labels=remap)
    assert (made.label_map, made.labels) == (label_map, names)


def test_many_labels_need_a_wider_dtype():
    assert plan(surveyed(values=(0, 255)), remap_labels=None).label_dtype == "uint8"
    assert plan(surveyed(values=(0, 256)), remap_labels=None).label_dtype == "uint16"


def test_channels_are_named_by_the_layout_or_numbered():
    special = Intensity(normalise="none")
    named = plan(files=dataset(channels=("t1", "t2")), channels={"t2": special})
    assert [each.name for each in named.channels] == ["t1", "t2"]
    assert [each.intensity == special for each in named.channels] == [False, True]
    assert [each.name for each in plan(channels={"1": special}).channels] == ["0", "1"]
    with pytest.raises(InputError, match="'t3' is no channel of set; the channels are 0, 1"):
        plan(channels={"t3": special})


def test_a_plan_goes_to_json_and_back():
    made = plan(spacing_mm=(1, 2, 3), intensity={"normalise": {"subtract": 1, "divide": 2}})
    assert Plan.model_validate_json(made.model_dump_json()) == made
