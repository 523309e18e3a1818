"""A task that a tiny network learns in a few steps, for the tests of training.

It is a module of its own so that other processes can import it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.transforms import Compose
from torch import nn

from medaug.benchmark.cases.case_set import Case
from medaug.benchmark.cases.regions import Region
from medaug.benchmark.runtime import Runtime
from medaug.benchmark.testing.inference import Segmenter
from medaug.benchmark.training.curve import LearningCurve
from medaug.benchmark.training.loop import train
from medaug.benchmark.training.monitor import MonitorPlan
from medaug.benchmark.training.network import build_network
from medaug.benchmark.training.plan import TrainingPlan
from medaug.benchmark.training.sampling import PatchDataset

PATCH = (16, 16, 16)
RUNTIME = Runtime("cpu", "32-true")
SEGMENTER = Segmenter(PATCH, 0.25, RUNTIME)
REGIONS = (Region("cube", (1,)),)
SMALL_UNET = {
    "_target_": "monai.networks.nets.UNet",
    "spatial_dims": 3,
    "in_channels": "@in_channels",
    "out_channels": "@out_channels",
    "channels": [4, 8],
    "strides": [2],
}
DROPOUT_UNET = SMALL_UNET | {"dropout": 0.3}


def make_case() -> Case:
    """Return a bright cube in noise."""
    label = np.zeros((1, 20, 20, 20), dtype=np.uint8)
    label[0, 6:14, 6:14, 6:14] = 1
    image = 3 * label + np.random.default_rng(7).normal(size=label.shape)
    return Case("cube", image.astype(np.float32), label, (1.0, 1.0, 1.0), "cube")


def make_network(seed: int = 0, fold: int = 0, definition: Any = SMALL_UNET) -> nn.Module:
    return build_network(
        definition, in_channels=1, out_channels=2, patch_size=PATCH, seed=seed, fold=fold
    )


def make_samples(policy: Compose | None = None) -> PatchDataset:
    return PatchDataset(
        [make_case()],
        policy or Compose([]),
        patch_size=PATCH,
        region_factor=1.0,
        foreground_fraction=0.5,
        seed=0,
        fold=0,
    )


def fit(
    network: nn.Module,
    checkpoint: Path,
    policy: Compose | None = None,
    *,
    monitored: bool = False,
    points: int = 2,
    seed: int = 0,
    **settings: Any,
) -> LearningCurve:
    """Train for 4 steps, unless the settings of the plan say otherwise."""
    plan: dict[str, Any] = {
        "steps": 4,
        "seconds": None,
        "batch_size": 2,
        "learning_rate": 0.01,
        "weight_decay": 0.01,
        "gradient_clip": 1.0,
        "loader_workers": 0,
        "runtime": RUNTIME,
        "checkpoint_steps": 100,
    }
    monitor = MonitorPlan((make_case(),) if monitored else (), points, REGIONS, SEGMENTER)
    return train(
        network,
        make_samples(policy),
        TrainingPlan(**(plan | settings)),
        monitor,
        seed=seed,
        checkpoint=checkpoint,
    )


def weights(network: nn.Module) -> torch.Tensor:
    """Return all weights in one tensor."""
    return torch.cat([parameter.detach().ravel() for parameter in network.parameters()])


def fit_with_dropout(
    checkpoint: Path, loader_workers: int = 0, hook: Any = None
) -> tuple[torch.Tensor, LearningCurve]:
    """Train for 13 steps with a checkpoint at every third; return the weights and the curve."""
    torch.set_num_threads(1)
    network = make_network(definition=DROPOUT_UNET)
    if hook is not None:
        network.register_forward_hook(hook)
    curve = fit(
        network,
        checkpoint,
        steps=13,
        checkpoint_steps=3,
        loader_workers=loader_workers,
        monitored=True,
        points=5,
    )
    return weights(network), curve


def be_killed(checkpoint: Path, loader_workers: int, calls: int) -> None:
    """Train as `fit_with_dropout`, and be killed when the network trains for the n-th time."""
    os.setpgrp()  # so that the loader's workers can be killed with this process
    multiprocessing.set_start_method("fork", force=True)  # and start at once
    left = calls

    def count_down(network: nn.Module, *_: Any) -> None:
        nonlocal left
        left -= network.training
        if left == 0:
            os.killpg(os.getpgrp(), signal.SIGKILL)

    fit_with_dropout(checkpoint, loader_workers, count_down)


def run_until_killed(checkpoint: Path, ready: Any) -> None:
    """Train as `fit_with_dropout` after saying so."""
    ready.set()
    fit_with_dropout(checkpoint)
