"""Regions that cannot be learned or tested are refused or told of, never averaged over."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from medaug.benchmark.cases.case_set import Case, CaseSet
from medaug.benchmark.cases.checks import check_cases
from medaug.benchmark.cases.folds import Fold, make_folds, pick_train_cases
from medaug.benchmark.cases.regions import Region
from medaug.benchmark.config import BenchmarkConfig
from medaug.benchmark.experiment import prepare
from medaug.errors import InputError

BOTH = Region("both", (1, 2))
RARE = Region("rare", (2,))


def case_set(classes_of_cases: list[tuple[int, ...]]) -> CaseSet:
    """Return cases of which each shows these classes."""
    cases = []
    for index, classes in enumerate(classes_of_cases):
        label = np.zeros((1, 4, 4, 4), np.uint8)
        label.flat[: len(classes)] = classes
        image = np.zeros((1, 4, 4, 4), np.float32)
        cases.append(Case(f"case {index}", image, label, (1.0, 1.0, 1.0), str(index)))
    return CaseSet("set", tuple(cases), ("common", "rare"), (1, 2), "")


def remarks_of(classes_of_cases: list[tuple[int, ...]], **changes: Any) -> tuple[str, ...]:
    settings: dict[str, Any] = {
        "folds": (Fold(0, (0, 1, 2), (3, 4)), Fold(1, (3, 4), (0, 1, 2))),
        "sizes": ("all",),
        "seeds": (0,),
    }
    return check_cases(case_set(classes_of_cases), (BOTH, RARE), **{**settings, **changes})


def test_nothing_is_said_where_every_case_shows_everything() -> None:
    assert remarks_of([(1, 2)] * 5) == ()


def test_empty_labels_of_all_cases_are_refused() -> None:
    with pytest.raises(InputError, match="set: the labels of all 5 cases are empty"):
        remarks_of([()] * 5)


def test_a_region_that_occurs_in_no_case_is_refused() -> None:
    with pytest.raises(InputError, match="set: region 'rare' occurs in none of the 5 cases"):
        remarks_of([(1,)] * 5)


def test_cases_without_a_region_are_counted_and_named() -> None:
    remark, *more = remarks_of([(1, 2), (1,), (1, 2), (1, 2), (1, 2)])
    assert more == []
    assert remark.startswith("Region 'rare' does not occur in 1 of 5 cases ('case 1'), where")
    first, *_ = remarks_of([(1, 2), (1,), (1,), (1,), (1,)])
    assert "in 4 of 5 cases ('case 1', 'case 2', 'case 3' and 1 more), where" in first


def test_a_case_whose_label_is_empty_lacks_every_region() -> None:
    remarks = remarks_of([(1, 2), (), (1, 2), (1, 2), (1, 2)])
    assert [remark[: remark.index(",")] for remark in remarks] == [
        "Region 'both' does not occur in 1 of 5 cases ('case 1')",
        "Region 'rare' does not occur in 1 of 5 cases ('case 1')",
    ]


def test_a_fold_that_cannot_test_or_learn_a_region_is_told_of() -> None:
    _, *remarks = remarks_of([(1, 2), (1,), (1,), (1,), (1,)])
    untested, untrained = remarks
    assert untested == "Region 'rare' occurs in none of the 2 test cases of fold 0."
    assert untrained == (
        "With all training cases, region 'rare' occurs in none of those of fold 1, seed 0: no "
        "network can learn it there."
    )


def test_the_picks_of_every_size_fold_and_seed_are_looked_at() -> None:
    """One of ten cases shows the region: only runs that pick it can learn it."""
    folds = make_folds([str(n) for n in range(10)], 2, split_seed=0)
    home = next(fold for fold in folds if 0 in fold.train)
    remarks = check_cases(
        case_set([(1, 2), *[(1,)] * 9]), (BOTH, RARE), (home,), sizes=(1, 3, "all"), seeds=range(4)
    )
    for size in (1, 3, "all"):
        lacking = [seed for seed in range(4) if 0 not in pick_train_cases(home, size, seed)]
        places = "; ".join(f"fold {home.index}, seed {seed}" for seed in lacking)
        told = [remark for remark in remarks if remark.startswith(f"With {size} training")]
        assert len(told) == bool(lacking)
        assert all(f"none of those of {places}:" in remark for remark in told)
    assert any("With 1 training" in remark for remark in remarks)


def test_a_benchmark_carries_the_remarks_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made = case_set([(1, 2), (1,), (1, 2), (1,)])
    monkeypatch.setattr("medaug.benchmark.experiment.make_phantom", lambda *_, **__: made)
    config = BenchmarkConfig(
        name="tiny",
        phantom={"cases": 4},
        arms=["none"],
        folds=2,
        steps=1,
        patch_size=(16, 16, 16),
        precision="32-true",
    )
    experiment = prepare(config)
    assert experiment.remarks == check_cases(
        experiment.case_set, experiment.regions, experiment.folds, sizes=("all",), seeds=(0,)
    )
    assert "in 2 of 4 cases ('case 1', 'case 3')" in experiment.remarks[0]
