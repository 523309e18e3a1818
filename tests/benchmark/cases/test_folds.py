from __future__ import annotations

import pytest

from medaug.benchmark.cases.folds import Fold, check_train_cases, make_folds, pick_train_cases
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
    with pytest.raises(InputError, match=r"there are 6 of 2 patients; .* at most 2"):
        make_folds(["a", "b"] * 3, 3, split_seed=0)


def test_fewer_cases_than_folds_are_refused_with_both_numbers() -> None:
    with pytest.raises(InputError, match=r"5 folds .* there are 4"):
        make_folds(names(4), 5, split_seed=0)


def test_more_training_cases_than_the_smallest_training_part_are_refused() -> None:
    folds = make_folds(names(7), 2, split_seed=0)
    check_train_cases(folds, 3)
    with pytest.raises(InputError, match=r"train_cases: 4 .* has 3"):
        check_train_cases(folds, 4)


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


def test_without_a_number_the_whole_training_part_is_used() -> None:
    fold = Fold(0, (3, 4, 5), (1, 2))
    assert pick_train_cases(fold, None, seed=0) == fold.train
