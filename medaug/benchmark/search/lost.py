"""Trials that were lost with the process that worked on them, and are made again.

A trial that fails for a reason of its own notes it. One that has failed without is lost: it does
not count, and its values are tried again, but not for ever, since they may be why the process died.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from medaug.benchmark.search.heartbeat import is_dead

#: What a trial notes about itself.
ERROR = "error"
HAND_SET = "hand_set"
_RETRY_OF = "retry_of"
_RETRIES = "retries"

_MOST_RETRIES = 2


def count_lost(trials: Iterable[FrozenTrial]) -> int:
    """Return how many of the trials were lost."""
    return sum(is_lost(trial) for trial in trials)


def is_lost(trial: FrozenTrial) -> bool:
    """Return whether a trial does not count."""
    return (
        trial.state == TrialState.FAIL
        and ERROR not in trial.user_attrs
        and trial.user_attrs.get(_RETRIES, 0) < _MOST_RETRIES
    )


def error_of(trial: FrozenTrial) -> str:
    """Return why a trial failed; empty if it did not."""
    if trial.state != TrialState.FAIL:
        return ""
    return str(trial.user_attrs.get(ERROR, "its process died"))


def counted(study: Study) -> list[FrozenTrial]:
    """Return the trials that count: those that have ended and those that somebody works on."""
    trials = study.get_trials(deepcopy=False)
    return [t for t in trials if t.state != TrialState.WAITING and not is_lost(t)]


def enqueue_hand_set(study: Study, values: dict[str, float]) -> None:
    """Let the policy to start from be the first trial."""
    study.enqueue_trial(values, user_attrs={HAND_SET: True}, skip_if_exists=True)


def retry_lost(study: Study, hand_set: dict[str, float]) -> None:
    """Give up the trials of dead workers, and queue what was lost once more.

    Parameters
    ----------
    study : optuna.Study
        The study.
    hand_set : dict of str to float
        The values of the policy to start from, which must be tried whatever happens.
    """
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if is_dead(trial):
            study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
    trials = study.get_trials(deepcopy=False)
    queued = {trial.user_attrs.get(_RETRY_OF) for trial in trials}
    for trial in trials:
        if is_lost(trial) and trial.number not in queued:
            _queue(study, trial, hand_set)


def _queue(study: Study, trial: FrozenTrial, hand_set: dict[str, float]) -> None:
    notes = {_RETRY_OF: trial.number, _RETRIES: trial.user_attrs.get(_RETRIES, 0) + 1}
    if trial.user_attrs.get(HAND_SET):
        study.enqueue_trial(hand_set, user_attrs={**notes, HAND_SET: True})
    elif trial.params:  # a trial that died before it had any left nothing to try again
        study.enqueue_trial(trial.params, user_attrs=notes)


def running(trials: Sequence[FrozenTrial]) -> int:
    """Return how many of the trials somebody works on."""
    return sum(trial.state == TrialState.RUNNING for trial in trials)
