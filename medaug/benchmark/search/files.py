"""The files of a search: the best policy, the trials as a table, and what came out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from optuna import Study
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState

from medaug.benchmark.search.lost import error_of, is_lost
from medaug.io.files import dump_json, write_atomically

BEST_FILE = "best.yaml"
TRIALS_FILE = "trials.csv"
SEARCH_FILE = "search.json"

#: Fewer trials say nothing about importance.
_LEAST_TRIALS = 10


def trials_table(trials: Sequence[FrozenTrial]) -> pd.DataFrame:
    """Return a row for each trial that has begun, those that were lost included.

    Columns are ``trial``, ``state`` (``complete``, ``pruned``, ``failed``, ``lost``, ``running``),
    ``dice`` (mean over the inner folds that were done), ``folds`` (how many were), ``seconds``,
    ``error`` and the value of each tunable.
    """
    rows = []
    for trial in trials:
        if trial.state == TrialState.WAITING:
            continue
        done = trial.intermediate_values
        rows.append(
            {
                "trial": trial.number,
                "state": "lost" if is_lost(trial) else _STATES[trial.state],
                "dice": done[max(done)] if done else float("nan"),
                "folds": len(done),
                "seconds": trial.duration.total_seconds() if trial.duration else float("nan"),
                "error": error_of(trial),
                **trial.params,
            }
        )
    return pd.DataFrame(rows)


def importances(study: Study) -> dict[str, float]:
    """Return how much each tunable has to do with a trial being among the better ones.

    By PED-ANOVA (Watanabe et al. 2023, IJCAI); the numbers sum to 1. Empty with few trials, or if
    all came out alike.
    """
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(complete) < _LEAST_TRIALS or len({trial.value for trial in complete}) == 1:
        return {}
    return get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())


def write_trials(study: Study, folder: Path) -> None:
    """Write ``trials.csv``."""
    table = trials_table(study.get_trials(deepcopy=False))
    write_atomically(folder / TRIALS_FILE, table.to_csv(index=False))


def write_summary(summary: Mapping[str, Any], folder: Path) -> None:
    """Write ``search.json``."""
    write_atomically(folder / SEARCH_FILE, dump_json(summary) + "\n")


_STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
}
