"""The file in which a training writes down where it is."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from medaug.benchmark.training.plan import TrainingPlan
from medaug.errors import InputError
from medaug.io.files import open_atomically

#: Settings that a training may change from one sitting to the next.
_FREE = ("loader_workers", "checkpoint_steps")


@dataclass
class Progress:
    """What a training has done so far, besides the weights.

    Attributes
    ----------
    losses : list of float
        The training loss of every step.
    monitor : list of (step, dice)
        Mean Dice of the monitored cases.
    seconds : float
        Wall time, without monitoring and checkpoints.
    spent : float
        Fraction of the budget, in [0, 1].
    """

    losses: list[float] = field(default_factory=list)
    monitor: list[tuple[int, float]] = field(default_factory=list)
    seconds: float = 0.0
    spent: float = 0.0

    @property
    def steps(self) -> int:
        """Optimiser steps done."""
        return len(self.losses)


def training_identity(plan: TrainingPlan, seed: int) -> dict[str, Any]:
    """Return, as plain values, by what a training knows a checkpoint as its own."""
    settings = {name: value for name, value in asdict(plan).items() if name not in _FREE}
    return {**settings, "seed": seed}


def save_checkpoint(
    path: Path, identity: Mapping[str, Any], progress: Progress, states: Mapping[str, Any]
) -> None:
    """Write a checkpoint, so that the file is the new one or the one before.

    Parameters
    ----------
    path : Path
        The file. Its folder is made if need be.
    identity : mapping
        Whose checkpoint it is.
    progress : Progress
        Where the training is.
    states : mapping of str to state dict
        Of network, optimiser and so on.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"identity": dict(identity), "progress": asdict(progress), "states": dict(states)}
    with open_atomically(path) as file:
        torch.save(content, file)


def load_checkpoint(
    path: Path, identity: Mapping[str, Any]
) -> tuple[Progress, dict[str, Any]] | None:
    """Return progress and states of a checkpoint; None if there is no file.

    Nothing but tensors and plain values is read: the file cannot run code.

    Raises
    ------
    InputError
        If the file is damaged, or belongs to another training.
    """
    if not path.exists():
        return None
    remedy = "Delete it to have the run made again."
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        owner, states = content["identity"], content["states"]
        progress = Progress(**content["progress"])
    # What torch raises depends on where the damage is.
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, LookupError, TypeError) as err:
        raise InputError(f"{path} is damaged, or not the checkpoint of a run. {remedy}") from err
    if owner != identity:
        raise InputError(f"{path} is the checkpoint of another training. {remedy}")
    return progress, states
