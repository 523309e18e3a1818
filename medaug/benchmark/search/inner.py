"""The inner experiment: the training part of the outer fold, split again; its test part is gone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from medaug.benchmark.cases.case_set import fingerprint_of
from medaug.benchmark.cases.checks import check_cases
from medaug.benchmark.cases.folds import check_train_cases
from medaug.benchmark.experiment import Experiment, assemble, prepare
from medaug.benchmark.search.config import SearchConfig
from medaug.errors import InputError

#: Settings of a search that trials do not depend on. What the paths lead to is part of the identity
#: by its content.
_NOT_IDENTITY = {"benchmark", "data", "policy", "trials", "judge_seeds", "storage"}


def prepare_inner(config: SearchConfig, *, trust: bool = False) -> Experiment:
    """Load and check all input of a search, and leave the outer test cases behind.

    Parameters
    ----------
    config : SearchConfig
        The configuration.
    trust : bool
        Let policies and the network's definition name and run any code.

    Returns
    -------
    Experiment
        Of the inner folds, with the policy to start from as its arm. Its cases are those of the
        outer fold's training part, and no others.

    Raises
    ------
    InputError
        If anything that a user gave is wrong.
    """
    outer = prepare(config.benchmark_config(), trust=trust)
    cases = tuple(outer.case_set.cases[position] for position in outer.folds[0].train)
    classes = outer.case_set.classes
    case_set = replace(outer.case_set, cases=cases, fingerprint=fingerprint_of(cases, classes))
    settings = config.inner_config()
    try:
        inner = assemble(settings, case_set, outer.arms, outer.runtime, trust=trust)
        check_train_cases(inner.folds, settings.train_cases)
        remarks = check_cases(
            case_set, inner.regions, inner.folds, sizes=settings.train_cases, seeds=settings.seeds
        )
    except InputError as error:
        raise InputError(f"inner_folds, in the training part of the outer fold: {error}") from error
    return replace(inner, remarks=remarks)


def identity_of(config: SearchConfig, experiment: Experiment) -> dict[str, Any]:
    """Return, as plain JSON, everything that the trials of a search depend on."""
    own = config.model_dump(mode="json", exclude=_NOT_IDENTITY)
    runs = {"seeds": experiment.config.seeds, "train_cases": experiment.sizes}
    return {"search": own, **runs, **experiment.identity()}
