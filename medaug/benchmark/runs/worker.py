"""One run as a job of its own: what a worker process needs, on this machine or on another one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import torch

from medaug.benchmark.arms.arm import load_arms
from medaug.benchmark.arms.peers import PEERS
from medaug.benchmark.cases.shared import open_shared_cases, write_shared_cases
from medaug.benchmark.config import ArmConfig, BenchmarkConfig
from medaug.benchmark.experiment import Experiment, assemble, runtime_of
from medaug.benchmark.runs.key import RunKey
from medaug.benchmark.runs.result import RunResult
from medaug.benchmark.runs.run import execute_run
from medaug.benchmark.runs.store import SHARED_FOLDER, RunStore
from medaug.errors import InputError
from medaug.io.files import write_atomically
from medaug.jobs.outcome import causes

_CASES = "cases"
_POLICIES = "policies"

#: How torch says that the CPU has no memory left, in a RuntimeError.
_NO_MEMORY = "can't allocate memory"

#: Runs seed torch and use the experiment's policies: two threads of a process cannot make one each.
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class SharedBenchmark:
    """A benchmark whose cases and policies are in its folder.

    Attributes
    ----------
    folder : Path
        The output folder; absolute.
    settings : str
        The configuration as JSON, in which the arms are those of the folder and ``auto`` is
        decided.
    trust : bool
        Policies and the network's definition may name and run any code.
    call : str
        Names the call that shared it: nothing is taken over from another one.
    """

    folder: Path
    settings: str
    trust: bool
    call: str


@dataclass(frozen=True)
class RunJob:
    """One run of a benchmark."""

    benchmark: SharedBenchmark
    key: RunKey


def share(experiment: Experiment, store: RunStore, call: str) -> SharedBenchmark:
    """Write the cases and policies to the benchmark's folder, for workers to take them from there.

    What was loaded at the start is then what every run gets, even if files are edited meanwhile;
    and workers need not see the data.

    Raises
    ------
    InputError
        If they cannot be written, for instance as the disk is full.
    """
    try:
        write_shared_cases(experiment.case_set, store.shared_folder / _CASES)
        arms = _share_policies(experiment, store.shared_folder.resolve() / _POLICIES)
    except OSError as error:
        raise InputError(
            f"{store.shared_folder}: the cases cannot be written ({error.strerror}); make room, or "
            "choose another output folder."
        ) from error
    runtime = experiment.runtime
    decided = {"device": runtime.device, "precision": runtime.precision}
    settings = experiment.config.model_copy(update={"arms": arms, "ablate": None, **decided})
    folder = store.folder.resolve()
    return SharedBenchmark(folder, settings.model_dump_json(), experiment.trust, call)


def _share_policies(experiment: Experiment, folder: Path) -> tuple[ArmConfig, ...]:
    """Write the policies to a folder and return the same arms with their policies from there."""
    config = experiment.config
    peers = {arm.policy for arm in config.arms} & set(PEERS) if config.ablate is None else set()
    folder.mkdir(exist_ok=True)
    arms = []
    for arm in experiment.arms:
        source = arm.label
        if arm.label not in peers:
            file = folder / f"{arm.label}.yaml"
            write_atomically(file, arm.text)
            source = str(file)
        arms.append(ArmConfig(policy=source, train_cases=arm.train_cases))
    return tuple(arms)


def with_shared_cases(experiment: Experiment, store: RunStore) -> Experiment:
    """Return the experiment with the cases that are in the folder: mapped, not held in memory."""
    case_set = open_shared_cases(store.shared_folder / _CASES)
    return replace(experiment, case_set=case_set)


def perform(job: RunJob) -> str:
    """Make a run and keep it, unless that has been done; return a line about it.

    Raises
    ------
    InputError
        If the folder cannot be read from here, if this machine would do something else than the
        one that the benchmark was started on, or as `execute_run` does.
    """
    with _one_at_a_time:
        experiment, store = _open(job.benchmark)
        result = store.load(job.key)
        if result is None:
            with _memory_errors():
                made = execute_run(experiment, job.key, store.checkpoint(job.key))
            store.save(*made)
            result = made[0]
        return _line(result)


def forget() -> None:
    """Let go of the benchmark that this process has open."""
    _open.cache_clear()


@lru_cache(maxsize=1)
def _open(benchmark: SharedBenchmark) -> tuple[Experiment, RunStore]:
    config = BenchmarkConfig.model_validate_json(benchmark.settings)
    experiment = assemble(
        config,
        open_shared_cases(benchmark.folder / SHARED_FOLDER / _CASES),
        load_arms(config.arms, config.patch_size, trust=benchmark.trust),
        runtime_of(config),
        trust=benchmark.trust,
    )
    store = RunStore(benchmark.folder, experiment.identity())
    store.check_is_same()
    return experiment, store


@contextmanager
def _memory_errors() -> Iterator[None]:
    """Turn what torch raises when there is no memory left into Python's own error."""
    try:
        yield
    except RuntimeError as error:
        for cause in causes(error):  # a policy's errors come wrapped
            if isinstance(cause, torch.cuda.OutOfMemoryError) or _NO_MEMORY in str(cause):
                raise MemoryError from None
        raise


def _line(result: RunResult) -> str:
    dice = result.scores.groupby("class")["dice"].mean().mean()
    seconds = result.seconds["train"] + result.seconds["test"]
    return f"{result.key}: mean Dice {dice:.3f}, {seconds:.0f} s"
