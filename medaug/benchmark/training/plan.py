"""What is the same for every training of a benchmark."""

from __future__ import annotations

from dataclasses import dataclass

from medaug.benchmark.runtime import Runtime
from medaug.benchmark.training.budget import Budget


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
        Samples in a step, on all devices together.
    learning_rate : float
        Peak of the one-cycle schedule.
    weight_decay : float
        Of AdamW.
    gradient_clip : float
        Bound of the gradient's norm.
    loader_workers : int
        Processes that make samples, for each device; 0 makes them in the training process. Results
        do not depend on it.
    runtime : Runtime
        Devices and precision.
    checkpoint_steps : int
        Steps from one checkpoint to the next. Results do not depend on it.
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

    @property
    def budget(self) -> Budget:
        """How long a training lasts."""
        return Budget(self.steps, self.seconds)
