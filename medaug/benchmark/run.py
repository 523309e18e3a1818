"""One run of a benchmark: train on a fold's training cases with one arm, then test."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from torch import nn

from medaug.benchmark.cases.case_set import Case
from medaug.benchmark.cases.folds import Fold, pick_train_cases
from medaug.benchmark.experiment import Experiment
from medaug.benchmark.provenance import environment, now
from medaug.benchmark.run_result import RunResult
from medaug.benchmark.store import RunKey
from medaug.benchmark.streams import Stream
from medaug.benchmark.testing.overlap import dice_per_class
from medaug.benchmark.training.loop import LearningCurve, MonitorPlan, TrainingPlan, train
from medaug.benchmark.training.sampling import PatchDataset
from medaug.errors import InputError
from medaug.rng import derive_seed

#: The class index of every voxel, uint8 [I, J, K], by the name of the case.
Predictions = dict[str, npt.NDArray[np.uint8]]


def execute_run(
    experiment: Experiment, key: RunKey, on_step: Callable[[int], None]
) -> tuple[RunResult, Predictions]:
    """Train and test one network.

    Parameters
    ----------
    experiment : Experiment
        What all runs share.
    key : RunKey
        Arm, fold and seed.
    on_step : callable
        Called with the number of optimiser steps done, after each.

    Returns
    -------
    result : RunResult
        Dice of every test case and the learning curve.
    predictions : dict of str to uint8 array [I, J, K]
        The segmentation of every test case.

    Raises
    ------
    InputError
        If the training loss becomes NaN or infinite; names the run.
    """
    provenance = {**environment(), "started": now()}
    fold = experiment.folds[key.fold]
    network = experiment.network(seed=key.seed, fold=key.fold)
    train_cases = _cases(
        experiment, pick_train_cases(fold, experiment.config.train_cases, key.seed)
    )
    start = time.perf_counter()
    curve = _train(experiment, key, network, train_cases, on_step)
    trained = time.perf_counter()
    test_cases = _cases(experiment, fold.test)
    predictions = {case.name: experiment.segmenter.segment(network, case) for case in test_cases}
    result = RunResult(
        arm=key.arm,
        fold=key.fold,
        seed=key.seed,
        train_cases=tuple(case.name for case in train_cases),
        dice={case.name: _dice(experiment, predictions[case.name], case) for case in test_cases},
        losses=curve.losses,
        monitor=curve.monitor,
        seconds={"train": trained - start, "inference": time.perf_counter() - trained},
        provenance={**provenance, "finished": now()},
    )
    return result, predictions


def _train(
    experiment: Experiment,
    key: RunKey,
    network: nn.Module,
    cases: tuple[Case, ...],
    on_step: Callable[[int], None],
) -> LearningCurve:
    config = experiment.config
    samples = PatchDataset(
        cases,
        experiment.arm(key.arm).policy,
        n_samples=config.steps * config.batch_size,
        patch_size=config.patch_size,
        region_factor=config.region_factor,
        foreground_fraction=config.foreground_fraction,
        seed=key.seed,
        fold=key.fold,
    )
    plan = TrainingPlan(
        steps=config.steps,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        gradient_clip=config.gradient_clip,
        workers=config.workers,
        runtime=experiment.runtime,
    )
    try:
        return train(
            network.to(experiment.runtime.device),
            samples,
            plan,
            _monitor(experiment, experiment.folds[key.fold]),
            seed=derive_seed(Stream.FIT, key.seed, key.fold, 0),
            on_step=on_step,
        )
    except InputError as error:
        raise InputError(f"Run of {key}: {error}") from error


def _monitor(experiment: Experiment, fold: Fold) -> MonitorPlan:
    config = experiment.config.monitor
    return MonitorPlan(
        cases=_cases(experiment, fold.test[: config.cases]),
        points=config.points,
        n_classes=experiment.n_classes,
        segmenter=experiment.segmenter,
    )


def _cases(experiment: Experiment, positions: tuple[int, ...]) -> tuple[Case, ...]:
    return tuple(experiment.case_set.cases[position] for position in positions)


def _dice(
    experiment: Experiment, prediction: npt.NDArray[np.uint8], case: Case
) -> dict[str, float]:
    scores = dice_per_class(prediction, case.label[0], experiment.n_classes)
    return dict(zip(experiment.case_set.classes, scores.tolist(), strict=True))
