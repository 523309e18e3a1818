"""The devices that train one network, by Lightning Fabric."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.strategies.ddp import DDPStrategy
from lightning_fabric.strategies.strategy import Strategy
from torch import nn

from medaug.benchmark.runtime import Runtime

Result = TypeVar("Result")

#: Where processes that train together find each other.
_PORT_VARIABLE = "MASTER_PORT"

#: Warnings of a training that ask for nothing, as regular expressions.
_EXPECTED_WARNINGS = (
    # Lightning's own use of torch.
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",
)


def launch(
    runtime: Runtime, function: Callable[[Fabric, nn.Module], Result], network: nn.Module
) -> Result:
    """Call a function on every device at once, and return what it returned on the first.

    Parameters
    ----------
    runtime : Runtime
        The devices. For more than one, processes are spawned, to which the function is pickled, and
        each of which has a network of its own: this one stays as it was.
    function : callable
        Takes the `lightning_fabric.Fabric` of its device and the network. Where processes are
        spawned, it must not return a frozen dataclass, which Lightning cannot move between devices.
    network : torch.nn.Module
        What is trained. Lightning copies it for each process only if it is an argument: inside of
        the function, the processes would share its memory.
    """
    with _quiet(), _own_port():
        fabric = Fabric(
            accelerator="cuda" if runtime.device == "cuda" else "cpu",
            devices=runtime.devices,
            strategy=_strategy(runtime),
            precision=runtime.precision,
            # What a cluster's scheduler has set up is for the benchmark's processes, not for these.
            plugins=[LightningEnvironment()],
        )
        result: Result = fabric.launch(partial(_on_device, function), network)
        return result


def _strategy(runtime: Runtime) -> Strategy | str:
    """Return Lightning's strategy, with processes that it spawns itself.

    Its default is to start the program again for each device, which would be the whole benchmark.
    """
    if runtime.devices == 1:
        return "auto"
    unused = runtime.strategy == "ddp_find_unused_parameters_true"
    return DDPStrategy(start_method="spawn", find_unused_parameters=unused)


def _on_device(
    function: Callable[[Fabric, nn.Module], Result], fabric: Fabric, network: nn.Module
) -> Result:
    with _quiet():
        result = function(fabric, network)
    if torch.distributed.is_initialized():
        # Lightning leaves this to the end of the process, where threads that still talk abort it.
        fabric.barrier()
        torch.distributed.destroy_process_group()
    return result


@contextmanager
def _own_port() -> Iterator[None]:
    """Let Lightning choose a free port within the block, and forget it afterwards.

    It keeps the port in an environment variable. Trainings at a time must not share one.
    """
    kept = os.environ.pop(_PORT_VARIABLE, None)
    try:
        yield
    finally:
        os.environ.pop(_PORT_VARIABLE, None)
        if kept is not None:
            os.environ[_PORT_VARIABLE] = kept


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what Lightning says about choices that a benchmark makes on purpose."""
    logger = logging.getLogger("lightning_fabric")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            for message in _EXPECTED_WARNINGS:
                warnings.filterwarnings("ignore", message=message)
            yield
    finally:
        logger.setLevel(level)
