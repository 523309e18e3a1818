"""A benchmark made ready: all is loaded, checked and decided; nothing is trained or written."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

from torch import nn

import medaug
from medaug.benchmark.arms.arm import Arm, load_arms
from medaug.benchmark.cases.case_set import CaseSet, load_case_set
from medaug.benchmark.cases.checks import check_cases
from medaug.benchmark.cases.folds import Fold, check_train_cases, make_folds, regroup
from medaug.benchmark.cases.phantom import make_phantom
from medaug.benchmark.cases.regions import Region, make_regions
from medaug.benchmark.config import BenchmarkConfig
from medaug.benchmark.runs.key import RunKey
from medaug.benchmark.runtime import Runtime, resolve_runtime
from medaug.benchmark.statistics.compare import MEAN_OF_CLASSES
from medaug.benchmark.testing.inference import Segmenter
from medaug.benchmark.training.network import build_network, check_network
from medaug.errors import InputError

#: Settings that no run depends on, or of which only what they lead to counts: the arms by their
#: policies, the data by their content, the devices by the runtime. What only says which runs there
#: are is free as well, so that a benchmark can be extended.
_FREE = {
    *("name", "quick", "data", "arms", "ablate"),
    *("seeds", "train_cases", "main_train_cases", "test_folds"),
    *("device", "precision", "devices", "strategy"),
    *("workers", "loader_workers", "checkpoint_steps"),
}


@dataclass(frozen=True)
class Experiment:
    """What the runs of a benchmark share.

    Attributes
    ----------
    config : BenchmarkConfig
        The configuration.
    case_set : CaseSet
        All cases, training and test.
    arms : tuple of Arm
        The policies; the first is the reference.
    folds : tuple of Fold
        The split; those that are tested.
    regions : tuple of Region
        What is scored.
    runtime : Runtime
        Device and precision.
    trust : bool
        The configuration may name and run any code.
    remarks : tuple of str
        What the report must say of the cases.
    """

    config: BenchmarkConfig
    case_set: CaseSet
    arms: tuple[Arm, ...]
    folds: tuple[Fold, ...]
    regions: tuple[Region, ...]
    runtime: Runtime
    trust: bool = False
    remarks: tuple[str, ...] = ()

    @property
    def sizes(self) -> tuple[int | str, ...]:
        """The sizes of the training set; first the one that the answer is about."""
        main = self.config.main_size
        return (main, *(size for size in self.config.train_cases if size != main))

    @property
    def keys(self) -> tuple[RunKey, ...]:
        """All runs in order: every arm of a fold before the next fold, so that pairs end early."""
        blocks = product(self.sizes, self.config.seeds, self.folds, self.arms)
        return tuple(
            RunKey(arm.label, size, fold.index, seed)
            for size, seed, fold, arm in blocks
            if arm.runs_at(size)
        )

    def fold(self, index: int) -> Fold:
        """Return the fold of this number."""
        return next(fold for fold in self.folds if fold.index == index)

    @property
    def segmenter(self) -> Segmenter:
        """How whole scans are segmented."""
        return Segmenter(self.config.patch_size, self.config.overlap, self.runtime)

    @property
    def n_classes(self) -> int:
        """Number of foreground classes."""
        return len(self.case_set.classes)

    def arm(self, label: str) -> Arm:
        """Return the arm of this label."""
        return next(arm for arm in self.arms if arm.label == label)

    def network(self, *, seed: int, fold: int) -> nn.Module:
        """Return a new network with the initial weights of (seed, fold)."""
        return build_network(
            self.config.network,
            in_channels=self.case_set.cases[0].image.shape[0],
            out_channels=self.n_classes + 1,
            patch_size=self.config.patch_size,
            seed=seed,
            fold=fold,
            trust=self.trust,
        )

    def identity(self) -> dict[str, Any]:
        """Return, as plain JSON, everything that the result of a run depends on but for its key.

        A run depends on the policy of its own arm only.
        """
        return {
            "medaug": medaug.__version__,
            "configuration": self.config.model_dump(mode="json", exclude=_FREE),
            "policies": {arm.label: arm.text for arm in self.arms},
            "data": {
                "cases": len(self.case_set.cases),
                "classes": list(self.case_set.classes),
                "regions": [region.name for region in self.regions],
                "fingerprint": self.case_set.fingerprint,
            },
            "runtime": dataclasses.asdict(self.runtime),
        }


def prepare(
    config: BenchmarkConfig,
    on_case: Callable[[str], None] | None = None,
    *,
    trust: bool = False,
    runtime: Runtime | None = None,
) -> Experiment:
    """Load and check all input of a benchmark.

    Parameters
    ----------
    config : BenchmarkConfig
        The configuration.
    on_case : callable, optional
        Called with the name of each case that has been loaded or generated.
    trust : bool
        Let policies and the network's definition name and run any code.
    runtime : Runtime, optional
        Where other machines compute; this one by default.

    Returns
    -------
    Experiment
        Ready to run.

    Raises
    ------
    InputError
        If anything that a user gave is wrong.
    """
    runtime = runtime or runtime_of(config)
    runtime.check_batch(config.batch_size)
    arms = load_arms(config.arms, config.patch_size, ablate=config.ablate, trust=trust)
    experiment = assemble(config, _load_cases(config, on_case), arms, runtime, trust=trust)
    check_train_cases(experiment.folds, config.train_cases)
    remarks = check_cases(
        experiment.case_set,
        experiment.regions,
        experiment.folds,
        sizes=config.train_cases,
        seeds=config.seeds,
    )
    check_network(
        experiment.network(seed=config.seeds[0], fold=experiment.folds[0].index),
        in_channels=experiment.case_set.cases[0].image.shape[0],
        out_channels=experiment.n_classes + 1,
        patch_size=config.patch_size,
    )
    return dataclasses.replace(experiment, remarks=remarks)


def runtime_of(config: BenchmarkConfig) -> Runtime:
    """Return where and in which precision this machine computes by a configuration."""
    return resolve_runtime(
        config.device, config.precision, devices=config.devices, strategy=config.strategy
    )


def assemble(
    config: BenchmarkConfig,
    case_set: CaseSet,
    arms: tuple[Arm, ...],
    runtime: Runtime,
    *,
    trust: bool,
) -> Experiment:
    """Make an experiment of parts that have been loaded and checked."""
    folds = make_folds([case.patient for case in case_set.cases], config.folds, config.split_seed)
    if config.test_folds is not None:
        folds = tuple(fold for fold in folds if fold.index in config.test_folds)
    regions = make_regions(case_set, config.regions)
    return Experiment(config, case_set, arms, folds, regions, runtime, trust)


def _load_cases(config: BenchmarkConfig, on_case: Callable[[str], None] | None) -> CaseSet:
    if config.data is not None:
        case_set = load_case_set(config.data, on_case=on_case)
    else:
        assert config.phantom is not None  # the configuration has one of the two
        case_set = make_phantom(config.phantom, on_case=on_case)
    if MEAN_OF_CLASSES in [*case_set.classes, *(config.regions or ())]:
        raise InputError(
            f"{case_set.name}: a class is called '{MEAN_OF_CLASSES}', which names the mean over "
            "the classes in the results; rename it in dataset.json."
        )
    cases = regroup(case_set.cases[: config.cases], config.groups)
    return dataclasses.replace(case_set, cases=cases)
