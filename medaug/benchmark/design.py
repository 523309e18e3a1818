"""Whether runs form a complete paired design, without which arms cannot be compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import product

from medaug.benchmark.run_result import RunResult
from medaug.errors import InputError


def check_design(arms: Sequence[str], runs: Sequence[RunResult]) -> None:
    """Refuse runs that are not each combination of arm, fold and seed exactly once."""
    if not runs:
        raise InputError("There are no finished runs to compare. Run the benchmark first.")
    times = Counter((run.arm, run.fold, run.seed) for run in runs)
    folds = {run.fold for run in runs}
    seeds = {run.seed for run in runs}
    expected = set(product(arms, folds, seeds))
    problems = {
        "is missing": expected - times.keys(),
        "belongs to no arm of this benchmark": times.keys() - expected,
        "is there more than once": {key for key, count in times.items() if count > 1},
    }
    for problem, keys in problems.items():
        for arm, fold, seed in sorted(keys)[:1]:
            raise InputError(
                f"The run of arm '{arm}', fold {fold}, seed {seed} {problem}; "
                "arms can only be compared over the same folds and seeds, one run each."
            )


def check_same_cases(
    arms: Sequence[str], classes: Sequence[str], runs: Sequence[RunResult]
) -> None:
    """Refuse arms that were trained or tested on different cases, or on different classes."""
    reference = {(run.fold, run.seed): run for run in runs if run.arm == arms[0]}
    for run in runs:
        expected = reference[run.fold, run.seed]
        where = f"in fold {run.fold}, seed {run.seed}"
        if sorted(run.train_cases) != sorted(expected.train_cases):
            raise InputError(
                f"Arms '{arms[0]}' and '{run.arm}' were trained on different cases {where}; "
                "make their runs again with one configuration."
            )
        different = run.dice.keys() ^ expected.dice.keys()
        if different:
            raise InputError(
                f"Case '{min(different)}' was tested in only one of the arms '{arms[0]}' and "
                f"'{run.arm}' {where}; make their runs again with one configuration."
            )
        for case, scores in run.dice.items():
            if set(scores) != set(classes):
                raise InputError(
                    f"Case '{case}' of arm '{run.arm}' {where} has the classes "
                    f"{', '.join(scores)} instead of {', '.join(classes)}."
                )
