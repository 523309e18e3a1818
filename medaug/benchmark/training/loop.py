"""Training one network for a fixed number of optimiser steps, with pytorch-lightning."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytorch_lightning as lightning
import torch
from monai.losses import DiceCELoss
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from torch import nn
from torch.utils.data import DataLoader, Subset

from medaug.benchmark.cases.case_set import Case
from medaug.benchmark.cases.regions import Region
from medaug.benchmark.runtime import Runtime
from medaug.benchmark.testing.inference import Segmenter, mean_dice
from medaug.benchmark.training.network import seeded
from medaug.benchmark.training.sampling import PatchDataset, Sample
from medaug.errors import InputError

#: Points of a learning curve: the loss is averaged over as many equal stretches of the training.
CURVE_POINTS = 100

#: Warnings of a training that ask for nothing, as regular expressions.
_EXPECTED_WARNINGS = (
    # Samples are made in the training process unless workers are asked for.
    ".*does not have many workers",
    # Float16 skips the first steps while it finds its loss scale; the schedule moves on.
    r".*`lr_scheduler.step\(\)` before `optimizer.step\(\)`",
    # Lightning's own use of torch.
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",
)


@dataclass(frozen=True)
class TrainingPlan:
    """What is the same for every run of a benchmark.

    Attributes
    ----------
    steps : int or None
        Optimiser steps; None if time decides.
    seconds : float or None
        Wall time of a training without `steps`.
    batch_size : int
        Samples in a step.
    learning_rate : float
        Peak of the one-cycle schedule.
    weight_decay : float
        Of AdamW.
    gradient_clip : float
        Bound of the gradient's norm.
    loader_workers : int
        Processes that make samples; 0 makes them in the training process. Results do not depend on
        it.
    runtime : Runtime
        Device and precision.
    checkpoint_steps : int
        Steps from one checkpoint to the next.
    """

    steps: int | None
    seconds: float | None
    batch_size: int
    learning_rate: float
    weight_decay: float
    gradient_clip: float
    loader_workers: int
    runtime: Runtime
    checkpoint_steps: int


@dataclass(frozen=True)
class MonitorPlan:
    """A few held-out cases whose Dice is looked at during training.

    For the learning curve only: no step, network or setting is chosen by it.

    Attributes
    ----------
    cases : tuple of Case
        The cases.
    points : int
        How many times, evenly spaced, the last time at the last step.
    regions : tuple of Region
        What is scored.
    segmenter : Segmenter
        How a case is segmented.
    """

    cases: tuple[Case, ...]
    points: int
    regions: tuple[Region, ...]
    segmenter: Segmenter

    def mean_dice(self, network: nn.Module) -> float:
        """Return the mean over the cases of their mean Dice; NaN if no case has foreground."""
        scores = [
            mean_dice(self.segmenter.segment(network, case), case, self.regions)
            for case in self.cases
        ]
        scores = [score for score in scores if not np.isnan(score)]
        return float(np.mean(scores)) if scores else float("nan")


@dataclass(frozen=True)
class LearningCurve:
    """How a training went.

    Attributes
    ----------
    losses : list of (step, loss)
        Training loss, averaged over the steps since the point before.
    monitor : list of (step, dice)
        Mean Dice of the monitored cases.
    steps : int
        Optimiser steps done.
    """

    losses: list[tuple[int, float]]
    monitor: list[tuple[int, float]]
    steps: int


def train(
    network: nn.Module,
    samples: PatchDataset,
    plan: TrainingPlan,
    monitor: MonitorPlan,
    *,
    seed: int,
    checkpoint: Path,
) -> LearningCurve:
    """Train a network in place.

    Parameters
    ----------
    network : torch.nn.Module
        Maps images to logits.
    samples : Dataset
        ``steps * batch_size`` samples, taken in order.
    plan : TrainingPlan
        Optimiser, number of steps, device.
    monitor : MonitorPlan
        What to look at during training.
    seed : int
        Of whatever the network draws itself, such as dropout.
    checkpoint : Path
        Where the training writes down where it is, and goes on from if the file is there.

    Returns
    -------
    LearningCurve
        Training loss and monitored Dice.

    Raises
    ------
    InputError
        If the loss becomes NaN or infinite.
    """
    task = _SegmentationTask(network, plan)
    record = _Record(monitor, plan.steps)
    samples = Subset(samples, range(plan.steps * plan.batch_size))
    loader = DataLoader(
        samples, batch_size=plan.batch_size, shuffle=False, num_workers=plan.loader_workers
    )
    with seeded(seed), _quiet_lightning():
        trainer = lightning.Trainer(
            accelerator="gpu" if plan.runtime.device == "cuda" else "cpu",
            devices=1,
            precision=plan.runtime.precision,
            max_steps=plan.steps,
            gradient_clip_val=plan.gradient_clip,
            callbacks=[record],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(task, loader)
    return LearningCurve(_binned(task.losses), record.monitor, len(task.losses))


class _SegmentationTask(lightning.LightningModule):
    """Dice + cross-entropy, AdamW and a one-cycle schedule."""

    def __init__(self, network: nn.Module, plan: TrainingPlan) -> None:
        super().__init__()
        self.network = network
        self.losses: list[float] = []
        self._plan = plan
        self._loss = DiceCELoss(include_background=False, to_onehot_y=True, softmax=True)

    def training_step(self, batch: Sample, _: int) -> torch.Tensor:
        """Return the loss of a batch, which must be finite."""
        # The loss sums over many voxels: half precision is for the network only.
        logits = self.network(batch["image"]).float()
        loss: torch.Tensor = self._loss(logits, batch["label"])
        value = float(loss.detach())
        if not np.isfinite(value):
            raise InputError(
                f"the training loss became {value} at step {len(self.losses) + 1}; start again in "
                "a new folder with a lower learning_rate or with precision: 32-true, and check "
                "the arm's policy."
            )
        self.losses.append(value)
        return loss

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Return AdamW with a one-cycle schedule that moves on at every step."""
        optimizer = torch.optim.AdamW(
            self.network.parameters(),
            lr=self._plan.learning_rate,
            weight_decay=self._plan.weight_decay,
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=self._plan.learning_rate,
            total_steps=self._plan.steps,
            anneal_strategy="cos",
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class _Record(lightning.Callback):
    """Reports every step and looks at the monitored cases now and then."""

    def __init__(self, plan: MonitorPlan, steps: int) -> None:
        self.monitor: list[tuple[int, float]] = []
        self._plan = plan
        self._stops = {round(steps * (point + 1) / plan.points) for point in range(plan.points)}

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *_: object
    ) -> None:
        """Report the step, and monitor if it is time."""
        if self._plan.cases and trainer.global_step in self._stops:
            assert isinstance(pl_module, _SegmentationTask)
            self.monitor.append((trainer.global_step, self._plan.mean_dice(pl_module.network)))


def _binned(losses: Sequence[float]) -> list[tuple[int, float]]:
    """Average the losses over at most CURVE_POINTS equal stretches, each named by its last step."""
    stretches = np.array_split(np.asarray(losses), min(CURVE_POINTS, len(losses)))
    ends = np.cumsum([len(stretch) for stretch in stretches])
    return [(int(end), float(stretch.mean())) for end, stretch in zip(ends, stretches, strict=True)]


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Silence what Lightning says about choices that a benchmark makes on purpose."""
    loggers = [
        logging.getLogger(name)
        for name in ("pytorch_lightning", "lightning.pytorch", "lightning_fabric")
    ]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            for message in _EXPECTED_WARNINGS:
                warnings.filterwarnings("ignore", message=message)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
