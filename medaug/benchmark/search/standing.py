"""How a study stands: its best trial, that of the policy to start from, and a line for each."""

from __future__ import annotations

from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from medaug.benchmark.search.lost import HAND_SET, counted, error_of


def best_trial(study: Study) -> FrozenTrial | None:
    """Return the trial of the best value, of equal ones the first; None if none is finished."""
    return max(_complete(study), key=lambda trial: (trial.value, -trial.number), default=None)


def hand_set_trial(study: Study) -> FrozenTrial | None:
    """Return the trial of the policy to start from; None if it is not finished."""
    return next((trial for trial in _complete(study) if HAND_SET in trial.user_attrs), None)


def dice_of(trial: FrozenTrial | None) -> float | None:
    """Return the mean inner Dice of a finished trial."""
    return None if trial is None else trial.value


def line_of(study: Study, number: int, total: int) -> str:
    """Say how a trial ended and which one is the best so far.

    Parameters
    ----------
    study : optuna.Study
        The study.
    number : int
        Of the trial.
    total : int
        How many trials there will be.
    """
    trial = study.get_trials(deepcopy=False)[number]
    ended = sum(each.state.is_finished() for each in counted(study))
    folds = len(trial.intermediate_values)
    value = trial.intermediate_values[folds - 1] if folds else float("nan")
    what = {
        TrialState.COMPLETE: f"inner Dice {value:.4f}",
        TrialState.PRUNED: f"given up at {value:.4f} ({folds} of the inner folds)",
    }.get(trial.state, f"failed: {error_of(trial)}")
    best = best_trial(study)
    so_far = f"; best {best.value:.4f} (trial {best.number})" if best else ""
    hand_set = " (the policy to start from)" if HAND_SET in trial.user_attrs else ""
    return f"{ended}/{total}: trial {number}{hand_set}, {what}{so_far}"


def _complete(study: Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
