"""A few test cases to look at: image, truth and what each arm predicted."""

from __future__ import annotations

import numpy as np

from medaug.benchmark.cases.case_set import Case
from medaug.benchmark.experiment import Experiment
from medaug.benchmark.results import Example
from medaug.benchmark.store import RunKey, RunStore
from medaug.benchmark.testing.inference import mean_dice

#: How many cases are shown: the first ones of the first fold, so that nobody picked them by their
#: result.
N_EXAMPLES = 3


def pick_examples(experiment: Experiment, store: RunStore) -> list[Example]:
    """Return the first test cases of the first fold and seed, as every arm segmented them.

    Parameters
    ----------
    experiment : Experiment
        The benchmark.
    store : RunStore
        Its finished runs.

    Returns
    -------
    list of Example
        Each with the slice, across the last axis, that has the most foreground.
    """
    fold, seed = experiment.folds[0], experiment.config.seeds[0]
    return [
        _example(experiment, store, experiment.case_set.cases[position], fold.index, seed)
        for position in fold.test[:N_EXAMPLES]
    ]


def _example(experiment: Experiment, store: RunStore, case: Case, fold: int, seed: int) -> Example:
    volumes = {
        arm.label: store.prediction(RunKey(arm.label, fold, seed), case.name)
        for arm in experiment.arms
    }
    truth = case.label[0]
    at = int(np.count_nonzero(truth, axis=(0, 1)).argmax())
    return Example(
        case=case.name,
        fold=fold,
        seed=seed,
        image=case.image[0, :, :, at],
        truth=truth[:, :, at],
        predictions={arm: volume[:, :, at] for arm, volume in volumes.items()},
        dice={
            arm: mean_dice(volume, case, experiment.n_classes) for arm, volume in volumes.items()
        },
    )
