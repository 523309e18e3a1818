"""What the augmentation of each arm costs: CPU seconds a sample."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from medaug.benchmark.cases.folds import pick_train_cases
from medaug.benchmark.experiment import Experiment
from medaug.benchmark.training.sampling import PatchDataset


def measure_cost(experiment: Experiment, *, n_samples: int = 40) -> dict[str, float]:
    """Measure the mean CPU time that the policy of each arm takes for a sample.

    All arms get the regions and seeds of the first samples of a training: that of the first fold
    and seed. Cutting the region out of the scan is not counted; making the patch of it is, whatever
    threads do it. Every sample is made once before it is timed, so that compilation and filling of
    caches are not counted either. The arms take turns, sample by sample, so that what else the
    machine does hits all alike.

    Parameters
    ----------
    experiment : Experiment
        Its arms and cases.
    n_samples : int
        How many samples are timed for each arm.

    Returns
    -------
    dict of str to float
        CPU seconds a sample, by the label of the arm.
    """
    datasets = {arm.label: _samples(experiment, arm.label) for arm in experiment.arms}
    seconds = dict.fromkeys(datasets, 0.0)
    with _one_thread():
        for sample in range(n_samples):
            for label, dataset in datasets.items():
                dataset.augment(dataset.region(sample), sample)
                region = dataset.region(sample)
                start = time.process_time()
                dataset.augment(region, sample)
                seconds[label] += time.process_time() - start
    return {label: total / n_samples for label, total in seconds.items()}


def _samples(experiment: Experiment, label: str) -> PatchDataset:
    config = experiment.config
    fold, seed = experiment.folds[0], config.seeds[0]
    positions = pick_train_cases(fold, config.main_size, seed)
    return PatchDataset(
        [experiment.case_set.cases[position] for position in positions],
        experiment.arm(label).policy,
        patch_size=config.patch_size,
        region_factor=config.region_factor,
        foreground_fraction=config.foreground_fraction,
        seed=seed,
        fold=fold.index,
    )


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let torch compute on one thread for a while."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
