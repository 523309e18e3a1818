from __future__ import annotations

import numpy as np
import pytest

from medaug.benchmark.cases.case_set import Case
from medaug.benchmark.cases.folds import (
    Fold,
    check_train_cases,
    make_folds,
    pick_train_cases,
    regroup,
)
from medaug.errors import InputError


def names(n_cases: int) -> list[str]:
    return [f"case {n}" for n in range(n_cases)]


def test_every_case_is_tested_exactly_once() -> None:
    folds = make_folds(names(11), 3, split_seed=0)
    tested = [case for fold in folds for case in fold.test]
    assert sorted(tested) == list(range(11))


def test_training_part_is_everything_that_is_not_tested() -> None:
    for fold in make_folds(names(11), 3, split_seed=0):
        assert sorted(fold.train + fold.test) == list(range(11))


def test_folds_differ_in_size_by_one_at_most() -> None:
    sizes = [len(fold.test) for fold in make_folds(names(11), 3, split_seed=0)]
    assert max(sizes) - min(sizes) <= 1


def test_the_split_is_a_function_of_its_seed() -> None:
    assert make_folds(names(20), 4, split_seed=3) == make_folds(names(20), 4, split_seed=3)
    assert make_folds(names(20), 4, split_seed=3) != make_folds(names(20), 4, split_seed=4)


def test_scans_of_a_patient_stay_together() -> None:
    patients = [f"patient {n // 3}" for n in range(21)]
    folds = make_folds(patients, 3, split_seed=0)
    for fold in folds:
        assert not {patients[case] for case in fold.train} & {patients[case] for case in fold.test}
        assert sorted(fold.train + fold.test) == list(range(21))
    assert sorted(len(fold.test) for fold in folds) == [6, 6, 9]


def test_fewer_patients_than_folds_are_refused() -> None:
    with pytest.raises(InputError, match=r"there are 6 cases of 2 patients; .* at most 2"):
        make_folds(["a", "b"] * 3, 3, split_seed=0)


def test_fewer_cases_than_folds_are_refused_with_both_numbers() -> None:
    with pytest.raises(InputError, match=r"5 folds .* there are 4 cases; .* at most 4"):
        make_folds(names(4), 5, split_seed=0)


def test_one_case_is_refused() -> None:
    with pytest.raises(InputError, match="has one case only"):
        make_folds(names(1), 2, split_seed=0)


def test_cases_of_one_patient_are_refused() -> None:
    with pytest.raises(InputError, match="All 6 cases are of one patient"):
        make_folds(["a"] * 6, 2, split_seed=0)


def test_more_training_cases_than_the_smallest_training_part_are_refused() -> None:
    folds = make_folds(names(7), 2, split_seed=0)
    check_train_cases(folds, (2, 3, "all"))
    with pytest.raises(InputError, match=r"train_cases: 4 .* has 3"):
        check_train_cases(folds, (2, 4, "all"))


def test_picked_cases_belong_to_the_training_part_and_depend_on_seed_and_fold() -> None:
    fold = Fold(0, tuple(range(10, 40)), (1, 2))
    picked = pick_train_cases(fold, 6, seed=0)
    assert len(set(picked)) == 6
    assert set(picked) <= set(fold.train)
    assert picked == pick_train_cases(fold, 6, seed=0)
    assert picked != pick_train_cases(fold, 6, seed=1)
    assert picked != pick_train_cases(Fold(1, fold.train, fold.test), 6, seed=0)


def test_a_smaller_pick_is_part_of_a_larger_one() -> None:
    fold = Fold(0, tuple(range(30)), ())
    assert set(pick_train_cases(fold, 4, seed=0)) <= set(pick_train_cases(fold, 9, seed=0))


def test_all_is_the_whole_training_part() -> None:
    fold = Fold(0, (3, 4, 5), (1, 2))
    assert pick_train_cases(fold, "all", seed=0) == fold.train
    assert pick_train_cases(fold, 3, seed=0) == fold.train


# --- groups -------------------------------------------------------------------------------------


def cases(**patients: str) -> list[Case]:
    voxel = np.zeros((1, 1, 1, 1))
    return [Case(name, voxel, voxel, (1.0, 1.0, 1.0), whose) for name, whose in patients.items()]


def test_without_a_pattern_the_patients_are_those_of_the_layout() -> None:
    given = cases(a="1", b="1")
    assert regroup(given, None) == tuple(given)


def test_the_group_of_the_pattern_is_the_patient() -> None:
    given = cases(site1_p03_t0="x", site1_p03_t1="x", site2_p04_t0="z")
    assert [case.patient for case in regroup(given, r"_(p\d+)_")] == ["p03", "p03", "p04"]
    assert [case.name for case in regroup(given, r"_(p\d+)_")] == [case.name for case in given]


def test_scans_that_a_pattern_puts_together_stay_together() -> None:
    given = cases(**{f"p{n // 2}_t{n % 2}": str(n) for n in range(12)})
    patients = [case.patient for case in regroup(given, "^(p[0-9]+)")]
    for fold in make_folds(patients, 3, split_seed=0):
        assert not {patients[case] for case in fold.train} & {patients[case] for case in fold.test}


def test_one_case_may_have_one_patient() -> None:
    assert regroup(cases(p1_a="x"), "^(p1)")[0].patient == "p1"


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("^(q[0-9])", r"finds no patient in 2 of 3 names of cases, such as 'p1_a'"),
        ("^[pq][0-9]_(b?)", r"finds no patient in 2 of 3 names of cases, such as 'p1_a'"),
        ("(_)", r"finds the patient '_' in all 3 names of cases"),
        ("([ab])$", r"'p1_a' and 'p1_b' are of the patients 'a' and 'b', .* gives both to 'one'"),
    ],
)
def test_a_pattern_that_tells_no_patients_apart_or_tears_one_is_refused(
    pattern: str, message: str
) -> None:
    given = cases(p1_a="one", p1_b="one", q2_a="two")
    with pytest.raises(InputError, match=f"^groups: .*{message}"):
        regroup(given, pattern)
