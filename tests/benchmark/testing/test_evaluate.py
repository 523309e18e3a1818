"""The test of a network as a whole, and the tables that it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from made_cases import SPACING_MM, ByBrightness, make_case, make_segmenter

from medaug.benchmark.cases.regions import Region
from medaug.benchmark.config import ShiftConfig
from medaug.benchmark.runs.key import RunKey
from medaug.benchmark.runs.result import RunResult
from medaug.benchmark.testing.calibration import calibration_of
from medaug.benchmark.testing.corruptions import corrupt
from medaug.benchmark.testing.evaluate import Evaluation, evaluate
from medaug.benchmark.testing.overlap import dice_of
from medaug.benchmark.testing.scores import score

CASES = (
    make_case("a"),
    make_case("bb"),
    # What is seen lies a voxel beside what is said to be true.
    replace(make_case("ccc"), label=np.roll(make_case("ccc").label, 1, axis=3)),
)
REGIONS = (Region("both", (1, 2)), Region("two", (2,)))
SHIFT = ShiftConfig(corruptions=("rotation", "noise"), severities=(1, 4), cases=2, seed=7)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def run(shift: ShiftConfig | None = None, cases=CASES) -> Evaluation:
    return evaluate(
        ByBrightness(), cases, REGIONS, make_segmenter(), surface_tolerance_mm=1.5, shift=shift
    )


def test_scores_and_calibration_are_those_of_the_segmentation() -> None:
    evaluation = run()
    assert list(evaluation.predictions) == ["a", "bb", "ccc"]
    expected = [
        {
            "case": case.name,
            "class": region.name,
            **score(
                region.mask(evaluation.predictions[case.name]),
                region.mask(case.label[0]),
                spacing_mm=SPACING_MM,
                surface_tolerance_mm=1.5,
            ),
        }
        for case in CASES
        for region in REGIONS
    ]
    pd.testing.assert_frame_equal(evaluation.scores, pd.DataFrame(expected))
    assert (evaluation.scores["dice"][:4] > 0.9).all()
    assert evaluation.scores["hd95_mm"][4] == pytest.approx(2.0)
    parts = [calibration_of(make_segmenter().predict(ByBrightness(), case), case) for case in CASES]
    pd.testing.assert_frame_equal(evaluation.calibration, pd.concat(parts, ignore_index=True))


def test_overlapping_regions_are_scored_each_for_itself() -> None:
    """A network that takes class 1 for class 2 finds the union, but not the part."""

    class AllTwo(ByBrightness):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            bright = image[:, :1].abs() * 2
            return torch.cat([torch.ones_like(bright) * 2, bright * 0, bright], dim=1)

    evaluation = evaluate(
        AllTwo(), CASES[:1], REGIONS, make_segmenter(), surface_tolerance_mm=1.5, shift=None
    )
    both, two = evaluation.scores["dice"]
    truth = CASES[0].label[0]
    assert both > 0.95
    assert two == pytest.approx(2 * (truth == 2).sum() / ((truth == 2).sum() + (truth > 0).sum()))


def test_the_shifted_test_is_of_the_first_cases_at_every_severity() -> None:
    shifted = run(SHIFT).shifted
    expected = []
    for case in CASES[:2]:
        for name in ("rotation", "noise"):
            for severity in (1, 4):
                other = corrupt(case, name, severity, seed=7)
                segmented = make_segmenter().segment(ByBrightness(), other)
                for region in REGIONS:
                    dice = dice_of(region.mask(segmented), region.mask(other.label[0]))
                    expected.append((name, severity, case.name, region.name, dice))
    columns = ["corruption", "severity", "case", "class", "dice"]
    pd.testing.assert_frame_equal(shifted, pd.DataFrame(expected, columns=columns))
    assert (shifted.loc[shifted["corruption"] == "rotation", "dice"] > 0.9).all()


def test_a_shifted_test_leaves_the_test_itself_alone() -> None:
    plain, shifted = run(), run(SHIFT)
    pd.testing.assert_frame_equal(plain.scores, shifted.scores)
    pd.testing.assert_frame_equal(plain.calibration, shifted.calibration)
    pd.testing.assert_frame_equal(run(SHIFT).shifted, shifted.shifted)


@pytest.mark.parametrize("shift", [None, SHIFT])
def test_the_tables_survive_the_file_of_a_run(shift: ShiftConfig | None) -> None:
    empty = make_case("empty", label=np.zeros((16, 16, 16), np.uint8))
    evaluation = run(shift, (*CASES, empty))
    tables = {name: getattr(evaluation, name) for name in ("scores", "shifted", "calibration")}
    result = RunResult(
        key=RunKey("none", "all", 0, 0),
        train_cases=("x",),
        **tables,
        losses=[],
        monitor=[],
        steps=1,
        seconds={},
    )
    again = RunResult.from_json(result.to_json())
    for name, table in tables.items():
        pd.testing.assert_frame_equal(
            getattr(again, name), table, check_exact=True, check_dtype=not table.empty
        )
    assert again.to_json() == result.to_json()
