"""Which cases a run trains on and which it is tested on. Nothing here knows of arms."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from medaug.benchmark.cases.case_set import Case
from medaug.benchmark.streams import Stream
from medaug.errors import InputError
from medaug.rng import generator


@dataclass(frozen=True)
class Fold:
    """One part of a K-fold split.

    Attributes
    ----------
    index : int
        Number of the fold, from 0.
    train, test : tuple of int
        Positions of the cases in the case set, ascending. Together they are all cases, each once.
    """

    index: int
    train: tuple[int, ...]
    test: tuple[int, ...]


def make_folds(patients: Sequence[str], n_folds: int, split_seed: int) -> tuple[Fold, ...]:
    """Split the cases into folds, each case being tested exactly once.

    All scans of a patient are in one part: a network that has seen the patient knows too much.

    Parameters
    ----------
    patients : sequence of str
        Whose scan each case is.
    n_folds : int
        Number of folds, at least 2.
    split_seed : int
        Seed of the shuffle that comes before the split.

    Returns
    -------
    tuple of Fold
        Test parts differ in size by one patient at most.

    Raises
    ------
    InputError
        If there are fewer patients than folds.
    """
    cases_of: dict[str, list[int]] = {}
    for case, patient in enumerate(patients):
        cases_of.setdefault(patient, []).append(case)
    scans = list(cases_of.values())
    if len(scans) < n_folds:
        raise InputError(_too_few(len(patients), len(scans), n_folds))
    order = generator(Stream.FOLDS, split_seed, 0, 0).permutation(len(scans))
    parts = [
        tuple(sorted(case for patient in part for case in scans[patient]))
        for part in np.array_split(order, n_folds)
    ]
    everything = set(range(len(patients)))
    return tuple(
        Fold(index, tuple(sorted(everything.difference(test))), test)
        for index, test in enumerate(parts)
    )


def _too_few(cases: int, patients: int, folds: int) -> str:
    if cases == 1:
        return (
            "The data set has one case only; a benchmark trains on some cases and tests on others: "
            "add cases."
        )
    if patients == 1:
        return (
            f"All {cases} cases are of one patient; a benchmark trains on some patients and tests "
            "on others: add patients, or correct groups."
        )
    of_patients = "" if patients == cases else f" of {patients} patients"
    return (
        f"folds: {folds} folds need at least {folds} patients, but there are {cases} cases"
        f"{of_patients}; add cases or set folds to at most {patients}."
    )


def check_train_cases(folds: Sequence[Fold], sizes: Sequence[int | str]) -> None:
    """Raise InputError if a fold has fewer training cases than a run shall train on."""
    available = min(len(fold.train) for fold in folds)
    wanted = max((size for size in sizes if isinstance(size, int)), default=0)
    if wanted > available:
        raise InputError(
            f"train_cases: {wanted} training cases are asked for, but the training part of a "
            f"fold has {available}; lower train_cases or use more folds or data."
        )


def pick_train_cases(fold: Fold, train_cases: int | str, seed: int) -> tuple[int, ...]:
    """Return the cases of the fold's training part that a run trains on.

    Parameters
    ----------
    fold : Fold
        The fold.
    train_cases : int or 'all'
        How many to pick.
    seed : int
        Seed of the run. The choice depends on it and on the fold.

    Returns
    -------
    tuple of int
        Ascending. A smaller pick is contained in a larger one of the same seed and fold.
    """
    if not isinstance(train_cases, int):
        return fold.train
    order = generator(Stream.TRAIN_CASES, seed, fold.index, 0).permutation(fold.train)
    return tuple(sorted(order[:train_cases].tolist()))


def regroup(cases: Sequence[Case], pattern: str | None) -> tuple[Case, ...]:
    """Return the cases with the patients that a pattern finds in their names.

    Parameters
    ----------
    cases : sequence of Case
        The cases.
    pattern : str or None
        A regular expression with one group; None leaves the patients as they are.

    Raises
    ------
    InputError
        If it finds no patient in a name, or one and the same in all of them.
    """
    if pattern is None:
        return tuple(cases)
    found = {case.name: re.search(pattern, case.name) for case in cases}
    strangers = [name for name, match in found.items() if not (match and match[1])]
    if strangers:
        raise InputError(
            f"groups: the pattern {pattern!r} finds no patient in {len(strangers)} of "
            f"{len(cases)} names of cases, such as '{strangers[0]}'; correct the pattern."
        )
    regrouped = tuple(
        replace(case, patient=match[1]) for case in cases if (match := found[case.name])
    )
    patients = {case.patient for case in regrouped}
    if len(patients) == 1 < len(cases):
        raise InputError(
            f"groups: the pattern {pattern!r} finds the patient '{regrouped[0].patient}' in all "
            f"{len(cases)} names of cases; correct the pattern."
        )
    _check_keeps_known_patients(cases, regrouped, pattern)
    return regrouped


def _check_keeps_known_patients(
    before: Sequence[Case], after: Sequence[Case], pattern: str
) -> None:
    """Refuse a pattern that tears apart scans that the data set itself gives to one patient."""
    seen: dict[str, Case] = {}
    for old, new in zip(before, after, strict=True):
        other = seen.setdefault(old.patient, new)
        if other.patient != new.patient:
            raise InputError(
                f"groups: by the pattern {pattern!r} the cases '{other.name}' and '{new.name}' are "
                f"of the patients '{other.patient}' and '{new.patient}', but the data set gives "
                f"both to '{old.patient}'; one patient must not be in training and test alike."
            )
