"""One run of a benchmark: train on a fold's training cases with one arm, then test."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from medaug.benchmark.cases.case_set import Case
from medaug.benchmark.cases.folds import Fold, pick_train_cases
from medaug.benchmark.experiment import Experiment
from medaug.benchmark.provenance import environment, now
from medaug.benchmark.runs.key import RunKey
from medaug.benchmark.runs.result import RunResult
from medaug.benchmark.streams import Stream
from medaug.benchmark.testing.evaluate import evaluate
from medaug.benchmark.training.curve import LearningCurve
from medaug.benchmark.training.loop import train
from medaug.benchmark.training.monitor import MonitorPlan
from medaug.benchmark.training.plan import TrainingPlan
from medaug.benchmark.training.sampling import PatchDataset
from medaug.rng import derive_seed

#: The class index of every voxel, uint8 [I, J, K], by the name of the case.
Predictions = dict[str, npt.NDArray[np.uint8]]


def execute_run(
    experiment: Experiment, key: RunKey, checkpoint: Path
) -> tuple[RunResult, Predictions]:
    """Train and test one network.

    Parameters
    ----------
    experiment : Experiment
        What all runs share.
    key : RunKey
        Which run.
    checkpoint : Path
        Where the training writes down where it is, and goes on from if the file is there.

    Returns
    -------
    result : RunResult
        Scores of every test case and the learning curve.
    predictions : dict of str to uint8 array [I, J, K]
        The segmentation of every test case.

    Raises
    ------
    InputError
        If the training loss becomes NaN or infinite, or the checkpoint is not that of this run.
    """
    with _threads(experiment.config.threads):
        return _execute(experiment, key, checkpoint)


def _execute(
    experiment: Experiment, key: RunKey, checkpoint: Path
) -> tuple[RunResult, Predictions]:
    provenance = {**environment(), "started": now()}
    fold = experiment.fold(key.fold)
    network = experiment.network(seed=key.seed, fold=key.fold)
    train_cases = _cases(experiment, pick_train_cases(fold, key.train_cases, key.seed))
    curve = _train(experiment, key, network, train_cases, checkpoint)
    start = time.perf_counter()
    evaluation = evaluate(
        network,
        _cases(experiment, fold.test),
        experiment.regions,
        experiment.segmenter,
        surface_tolerance_mm=experiment.config.surface_tolerance_mm,
        shift=experiment.config.shift,
    )
    result = RunResult(
        key=key,
        train_cases=tuple(case.name for case in train_cases),
        scores=evaluation.scores,
        shifted=evaluation.shifted,
        calibration=evaluation.calibration,
        losses=curve.losses,
        monitor=curve.monitor,
        steps=curve.steps,
        seconds={"train": curve.seconds, "test": time.perf_counter() - start},
        provenance={**provenance, "finished": now()},
    )
    return result, evaluation.predictions


def _train(
    experiment: Experiment,
    key: RunKey,
    network: nn.Module,
    cases: tuple[Case, ...],
    checkpoint: Path,
) -> LearningCurve:
    config = experiment.config
    samples = PatchDataset(
        cases,
        experiment.arm(key.arm).policy,
        patch_size=config.patch_size,
        region_factor=config.region_factor,
        foreground_fraction=config.foreground_fraction,
        seed=key.seed,
        fold=key.fold,
    )
    plan = TrainingPlan(
        steps=config.steps,
        seconds=config.train_seconds,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        gradient_clip=config.gradient_clip,
        loader_workers=config.loader_workers,
        runtime=experiment.runtime,
        checkpoint_steps=config.checkpoint_steps,
    )
    return train(
        network,
        samples,
        plan,
        _monitor(experiment, experiment.fold(key.fold)),
        seed=derive_seed(Stream.FIT, key.seed, key.fold, 0),
        checkpoint=checkpoint,
    )


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """Let torch compute on so many threads within the block, wherever that is.

    More or fewer sum in another order, which shows in the last digits.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _monitor(experiment: Experiment, fold: Fold) -> MonitorPlan:
    config = experiment.config.monitor
    return MonitorPlan(
        cases=_cases(experiment, fold.test[: config.cases]),
        points=config.points,
        regions=experiment.regions,
        segmenter=experiment.segmenter,
    )


def _cases(experiment: Experiment, positions: Iterable[int]) -> tuple[Case, ...]:
    return tuple(experiment.case_set.cases[position] for position in positions)
