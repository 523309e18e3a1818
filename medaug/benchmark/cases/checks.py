"""What is wrong, or worth knowing, about the structures that the cases of a benchmark show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product

import numpy as np
import numpy.typing as npt

from medaug.benchmark.cases.case_set import Case, CaseSet
from medaug.benchmark.cases.folds import Fold, pick_train_cases
from medaug.benchmark.cases.regions import Region
from medaug.errors import InputError

#: Names of cases that a remark lists.
_CASES_SHOWN = 3


def check_cases(
    case_set: CaseSet,
    regions: Sequence[Region],
    folds: Sequence[Fold],
    *,
    sizes: Sequence[int | str],
    seeds: Sequence[int],
) -> tuple[str, ...]:
    """Look for regions that cannot be learned or tested.

    Parameters
    ----------
    case_set : CaseSet
        All cases.
    regions : sequence of Region
        What is scored.
    folds : sequence of Fold
        Those that are tested.
    sizes : sequence of int or 'all'
        Of the training set.
    seeds : sequence of int
        Of the runs.

    Returns
    -------
    tuple of str
        Remarks, a sentence each, for the report: cases that lack a region, folds without a region
        among the test cases, and runs without a region among their training cases.

    Raises
    ------
    InputError
        If all labels are empty, or a region occurs in no case.
    """
    cases = case_set.cases
    occurs = np.array([_regions_of(case, regions) for case in cases])
    _check_each_occurs(case_set, regions, occurs)
    remarks = [
        f"Region '{region.name}' does not occur in {_listed(cases, np.flatnonzero(~there))}, where "
        "only what is predicted falsely can be scored."
        for region, there in zip(regions, occurs.T, strict=True)
        if not there.all()
    ]
    remarks += _untested(regions, occurs, folds)
    remarks += _untrained(regions, occurs, folds, sizes, seeds)
    return tuple(remarks)


def _regions_of(case: Case, regions: Sequence[Region]) -> list[bool]:
    found = np.flatnonzero(np.bincount(case.label.ravel())).tolist()
    return [not set(region.classes).isdisjoint(found) for region in regions]


def _check_each_occurs(
    case_set: CaseSet, regions: Sequence[Region], occurs: npt.NDArray[np.bool_]
) -> None:
    n_cases = len(case_set.cases)
    if not any(case.label.any() for case in case_set.cases):
        raise InputError(
            f"{case_set.name}: the labels of all {n_cases} cases are empty, so there is nothing to "
            "learn; check the label files."
        )
    for region, there in zip(regions, occurs.T, strict=True):
        if not there.any():
            raise InputError(
                f"{case_set.name}: region '{region.name}' occurs in none of the {n_cases} cases; "
                "correct the labels, or list under regions only what there is."
            )


def _untested(
    regions: Sequence[Region], occurs: npt.NDArray[np.bool_], folds: Sequence[Fold]
) -> list[str]:
    return [
        f"Region '{region.name}' occurs in none of the {len(fold.test)} test cases of fold "
        f"{fold.index}."
        for fold, (region, there) in product(folds, zip(regions, occurs.T, strict=True))
        if not there[list(fold.test)].any()
    ]


def _untrained(
    regions: Sequence[Region],
    occurs: npt.NDArray[np.bool_],
    folds: Sequence[Fold],
    sizes: Sequence[int | str],
    seeds: Sequence[int],
) -> list[str]:
    remarks = []
    for size, (position, region) in product(sizes, enumerate(regions)):
        picks = [
            (fold, seed, pick_train_cases(fold, size, seed)) for fold in folds for seed in seeds
        ]
        lacking = [
            f"fold {fold.index}, seed {seed}"
            for fold, seed, picked in picks
            if not occurs[list(picked), position].any()
        ]
        if lacking:
            remarks.append(
                f"With {size} training cases, region '{region.name}' occurs in none of those of "
                f"{'; '.join(lacking)}: no network can learn it there."
            )
    return remarks


def _listed(cases: Sequence[Case], positions: Iterable[int]) -> str:
    names = [f"'{cases[position].name}'" for position in positions]
    shown = ", ".join(names[:_CASES_SHOWN])
    more = f" and {len(names) - _CASES_SHOWN} more" if len(names) > _CASES_SHOWN else ""
    return f"{len(names)} of {len(cases)} cases ({shown}{more})"
