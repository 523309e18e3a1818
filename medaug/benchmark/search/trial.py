"""One trial of a search: a policy, trained and tested on the inner folds."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from optuna import Study
from optuna.trial import Trial, TrialState

from medaug.benchmark.arms.arm import Arm
from medaug.benchmark.experiment import Experiment
from medaug.benchmark.runs.key import RunKey
from medaug.benchmark.runs.run import execute_run
from medaug.benchmark.search.config import SearchConfig
from medaug.benchmark.search.heartbeat import beating
from medaug.benchmark.search.inner import identity_of, prepare_inner
from medaug.benchmark.search.lost import ERROR, HAND_SET, counted, retry_lost
from medaug.benchmark.search.policy_text import as_text
from medaug.benchmark.search.storage import claim_study, open_study
from medaug.errors import InputError
from medaug.policy import build_policy, parse_policy
from medaug.policy.search_space import Tunable, apply, tunables_of


@dataclass(frozen=True)
class TrialJob:
    """What a worker needs to know; which policy it tries is decided when it starts.

    Attributes
    ----------
    config : SearchConfig
        The configuration.
    storage : str
        Where the study is.
    trust : bool
        Policies and the network's definition may name and run any code.
    """

    config: SearchConfig
    storage: str
    trust: bool


def perform_trial(job: TrialJob) -> int | None:
    """Make the next trial of the study and keep what came out.

    Returns
    -------
    int or None
        The number of the trial; None if there are enough.
    """
    experiment = _inner_experiment(job.config.model_dump_json(), job.trust)
    entries = parse_policy(experiment.arms[0].text, job.config.policy)
    tunables = tunables_of(entries)
    study = open_study(job.config, job.storage)
    claim_study(study, identity_of(job.config, experiment))  # files may have changed meanwhile
    retry_lost(study, starts_of(tunables))
    # Machines that ask at the very same moment may make a trial too many; nothing hangs on it.
    if len(counted(study)) >= job.config.trials:
        return None
    trial = study.ask()
    with beating(trial):
        values = {each.name: _suggest(trial, each) for each in tunables}
        try:
            _run(study, trial, experiment, apply(entries, values), trust=job.trust)
        except Exception as error:
            # Whatever it is, such as a loss that became NaN: the other trials go on.
            trial.set_user_attr(ERROR, " ".join(str(error).split()) or type(error).__name__)
            study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
            if not isinstance(error, InputError):
                raise
    return trial.number


def load_inner(config: SearchConfig, *, trust: bool) -> Experiment:
    """Return what `prepare_inner` does, and keep it for the trials of this process."""
    _inner_experiment.cache_clear()
    return _inner_experiment(config.model_dump_json(), trust)


@lru_cache(maxsize=1)
def _inner_experiment(config: str, trust: bool) -> Experiment:
    return prepare_inner(SearchConfig.model_validate_json(config), trust=trust)


def starts_of(tunables: list[Tunable]) -> dict[str, float]:
    """Return the values that leave a policy as it is."""
    return {tunable.name: tunable.start for tunable in tunables}


def _suggest(trial: Trial, tunable: Tunable) -> float:
    return trial.suggest_float(tunable.name, tunable.low, tunable.high, log=tunable.log)


def _run(
    study: Study, trial: Trial, experiment: Experiment, entries: list[Any], *, trust: bool
) -> None:
    """Train on one inner fold after the other until all are done or the trial is given up."""
    arm = _arm(f"trial-{trial.number}", entries, experiment, trust=trust)
    experiment = replace(experiment, arms=(arm,))
    dice: list[float] = []
    for step, fold in enumerate(experiment.folds):
        dice.append(_fold_dice(experiment, fold.index))
        # All trials have the same folds in the same order, so that means so far can be compared.
        trial.report(float(np.mean(dice)), step)
        last = step == len(experiment.folds) - 1
        if not last and HAND_SET not in trial.user_attrs and trial.should_prune():
            study.tell(trial, state=TrialState.PRUNED, skip_if_finished=True)
            return
    study.tell(trial, float(np.mean(dice)), skip_if_finished=True)


def _arm(label: str, entries: list[Any], experiment: Experiment, *, trust: bool) -> Arm:
    text = as_text(entries)
    policy = build_policy(text, label, spatial_size=experiment.config.patch_size, trust=trust)
    return Arm(label, text, policy)


def _fold_dice(experiment: Experiment, fold: int) -> float:
    """Return the mean Dice on the test cases of an inner fold, over seeds, cases and regions."""
    (size,) = experiment.sizes
    means = []
    for seed in experiment.config.seeds:
        key = RunKey(experiment.arms[0].label, size, fold, seed)
        with tempfile.TemporaryDirectory(prefix="medaug-search-") as folder:
            result, _ = execute_run(experiment, key, Path(folder) / "checkpoint.pt")
        means.append(result.scores.groupby("class")["dice"].mean().mean())
    if np.isnan(means).any():
        raise InputError(f"no test case of inner fold {fold} has anything to segment")
    return float(np.mean(means))
