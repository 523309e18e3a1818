"""Training one network within a budget of optimiser steps or wall time.

Whatever a training draws is addressed by its step, and whatever it carries from step to step is in
its checkpoint. A training that was killed and goes on therefore ends like one that was not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from monai.losses import DiceCELoss
from torch import nn
from torch.utils.data import DataLoader

from medaug.benchmark.training.budget import Stopwatch, points_passed
from medaug.benchmark.training.checkpoint import (
    Progress,
    load_checkpoint,
    save_checkpoint,
    training_identity,
)
from medaug.benchmark.training.curve import LearningCurve, binned
from medaug.benchmark.training.devices import launch
from medaug.benchmark.training.monitor import MonitorPlan
from medaug.benchmark.training.network import seeded
from medaug.benchmark.training.plan import TrainingPlan
from medaug.benchmark.training.sampling import PatchDataset, Sample, batches
from medaug.benchmark.training.schedule import set_one_cycle
from medaug.errors import InputError
from medaug.rng import derive_seed


def train(
    network: nn.Module,
    samples: PatchDataset,
    plan: TrainingPlan,
    monitor: MonitorPlan,
    *,
    seed: int,
    checkpoint: Path,
) -> LearningCurve:
    """Train a network in place, from the start or from its checkpoint on.

    Parameters
    ----------
    network : torch.nn.Module
        Maps images to logits. It ends on the device of ``plan.runtime``.
    samples : PatchDataset
        Its samples are taken in order, ``plan.batch_size`` a step.
    plan : TrainingPlan
        Optimiser, budget, devices.
    monitor : MonitorPlan
        What to look at during training.
    seed : int
        Of whatever the network draws itself, such as dropout.
    checkpoint : Path
        Where the training writes down where it is, every ``plan.checkpoint_steps`` and at its end,
        and goes on from if the file is there.

    Returns
    -------
    LearningCurve
        Training loss and monitored Dice.

    Raises
    ------
    InputError
        If the loss or its gradient becomes NaN or infinite, if the devices cannot share a batch, or
        if the checkpoint is damaged or belongs to another training.
    """
    plan.runtime.check_batch(plan.batch_size)
    job = _Job(samples, plan, monitor, seed, checkpoint, torch.get_num_threads())
    outcome = launch(plan.runtime, partial(_fit, job), network)
    if isinstance(outcome, InputError):
        raise outcome
    if plan.runtime.devices > 1:
        _fetch_weights(job, network)
    return LearningCurve(binned(outcome.losses), outcome.monitor, outcome.steps, outcome.seconds)


@dataclass(frozen=True)
class _Job:
    """What a device needs to know of a training."""

    samples: PatchDataset
    plan: TrainingPlan
    monitor: MonitorPlan
    seed: int
    checkpoint: Path
    threads: int

    @property
    def identity(self) -> dict[str, Any]:
        """By what the training knows its checkpoint."""
        return training_identity(self.plan, self.seed)


def _fit(job: _Job, fabric: Fabric, network: nn.Module) -> Progress | InputError:
    """Train on one device; an error is returned, as only that finds its way between processes."""
    torch.set_num_threads(job.threads)
    with seeded(job.seed):
        try:
            return _Training(fabric, job, network).run()
        except InputError as error:
            return error


class _Training:
    """One device's part of a training."""

    def __init__(self, fabric: Fabric, job: _Job, network: nn.Module) -> None:
        plan = job.plan
        optimizer = torch.optim.AdamW(
            network.parameters(),
            lr=plan.learning_rate,
            weight_decay=plan.weight_decay,
            # One pass instead of a dozen for each tensor. CUDA has a fast way of its own, which
            # goes with clipped gradients in float16.
            fused=True if plan.runtime.device == "cpu" else None,
        )
        self._fabric = fabric
        self._job = job
        self._network = network
        self._trained, self._optimizer = fabric.setup(network.train(), optimizer)
        self._loss = DiceCELoss(include_background=False, to_onehot_y=True, softmax=True)
        self._progress = self._resume()
        self._watch = Stopwatch(self._progress.seconds)

    def run(self) -> Progress:
        """Train until the budget is spent."""
        progress, left = self._progress, self._batches()
        while progress.spent < 1:
            progress.losses.append(self._step(next(left)))
            spent_before = progress.spent
            self._spend()
            with self._watch.paused():
                self._look(spent_before)
                if progress.spent == 1 or progress.steps % self._job.plan.checkpoint_steps == 0:
                    self._save()
        return progress

    def _spend(self) -> None:
        """Note what is spent after a step, by the clock of the first device."""
        progress = self._progress
        progress.seconds = self._watch.seconds
        spent = self._job.plan.budget.spent(progress.steps, progress.seconds)
        progress.spent = self._fabric.broadcast(spent)

    def _batches(self) -> Iterator[Sample]:
        """Return this device's share of the batches that are left."""
        plan = self._job.plan
        numbers = batches(
            self._progress.steps,
            plan.batch_size,
            rank=self._fabric.global_rank,
            devices=plan.runtime.devices,
        )
        return iter(
            DataLoader(
                self._job.samples,
                batch_sampler=numbers,
                num_workers=plan.loader_workers,
                pin_memory=plan.runtime.device == "cuda",
            )
        )

    def _step(self, batch: Sample) -> float:
        """Make an optimiser step and return the loss, averaged over the devices."""
        fabric, plan, progress = self._fabric, self._job.plan, self._progress
        set_one_cycle(self._optimizer, progress.spent, plan.learning_rate)
        _seed_draws(fabric.device, derive_seed(self._job.seed, progress.steps, fabric.global_rank))
        batch = fabric.to_device(batch)
        # The loss sums over many voxels: half precision is for the network only.
        loss = self._loss(self._trained(batch["image"]).float(), batch["label"])
        self._optimizer.zero_grad()
        fabric.backward(loss)
        norm = fabric.clip_gradients(
            self._trained, self._optimizer, max_norm=plan.gradient_clip, error_if_nonfinite=False
        )
        mean_loss = fabric.all_reduce(loss.detach(), reduce_op="mean")
        value = float(torch.as_tensor(mean_loss))
        _check_finite("training loss", value, progress.steps)
        # Float16 finds its loss scale by gradients that overflow; such steps change no weights.
        if norm is not None and plan.runtime.precision != "16-mixed":
            _check_finite("gradient of the training loss", float(norm), progress.steps)
        self._optimizer.step()
        return value

    def _look(self, spent_before: float) -> None:
        """Monitor, if the last step went past a point for it."""
        monitor, progress = self._job.monitor, self._progress
        passed = points_passed(progress.spent, monitor.points)
        if not monitor.cases or passed == points_passed(spent_before, monitor.points):
            return
        if self._fabric.is_global_zero:
            progress.monitor.append((progress.steps, monitor.mean_dice(self._network)))

    def _resume(self) -> Progress:
        """Return the progress of the checkpoint, and take over its weights and states."""
        found = load_checkpoint(self._job.checkpoint, self._job.identity)
        if found is None:
            return Progress()
        progress, states = found
        self._network.load_state_dict(states["network"])
        self._optimizer.load_state_dict(states["optimizer"])
        self._fabric.strategy.precision.load_state_dict(states["precision"])
        return progress

    def _save(self) -> None:
        """Write a checkpoint; the devices are alike, the first one does it."""
        if self._fabric.is_global_zero:
            states = {
                "network": self._network.state_dict(),
                "optimizer": self._optimizer.state_dict(),
                "precision": self._fabric.strategy.precision.state_dict(),
            }
            save_checkpoint(self._job.checkpoint, self._job.identity, self._progress, states)


def _seed_draws(device: torch.device, seed: int) -> None:
    """Seed the generators of one device.

    `torch.manual_seed` seeds those of every kind of device, for a millisecond a call.
    """
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)


def _check_finite(what: str, value: float, step: int) -> None:
    if not math.isfinite(value):
        raise InputError(
            f"the {what} became {value} at step {step + 1}; start again in a new folder "
            "with a lower learning_rate or with precision: 32-true, and check the arm's policy."
        )


def _fetch_weights(job: _Job, network: nn.Module) -> None:
    """Give the network what the devices' processes have left in the checkpoint."""
    found = load_checkpoint(job.checkpoint, job.identity)
    assert found is not None  # a training ends with one
    network.load_state_dict(found[1]["network"])
    network.to(job.plan.runtime.device)
