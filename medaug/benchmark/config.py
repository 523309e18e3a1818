"""The configuration of a benchmark: its fields, and which of them fit together."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from medaug.benchmark.cases.phantom import PhantomConfig
from medaug.benchmark.runtime import Device, Precision

#: A seed: any integer that numpy's seed sequences take and that fits a JSON reader.
Seed = Annotated[int, Field(ge=0, lt=2**32)]

#: How many cases of a fold's training part a run trains on.
TrainSize = Annotated[int, Field(ge=1)] | Literal["all"]

#: The changes that the shifted test makes to its cases.
CorruptionName = Literal["noise", "bias", "low_resolution", "contrast", "rotation"]

#: Voxels of a patch along an axis; the network halves it at least twice.
PatchAxis = Annotated[int, Field(ge=16, le=512, multiple_of=8)]


class MonitorConfig(BaseModel):
    """The held-out cases that are looked at during training; for the learning curve only.

    Attributes
    ----------
    cases : int
        How many of a fold's test cases; 0 for none.
    points : int
        How many times in a training.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    cases: int = Field(default=4, ge=0)
    points: int = Field(default=5, ge=1, le=100)


class ArmConfig(BaseModel):
    """One arm; in a file, the name of the policy alone will do.

    Attributes
    ----------
    policy : str
        A shipped policy's name, the path of a policy, or a ready arm of a peer: ``monai``,
        ``torchio``, ``batchgeneratorsv2``.
    train_cases : tuple of int or 'all', or None
        The sizes of the training set at which this arm runs; None for all of the benchmark.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    policy: str
    train_cases: tuple[TrainSize, ...] | None = Field(default=None, min_length=1)


class ShiftConfig(BaseModel):
    """The shifted test: test cases as another scanner might have made them.

    Attributes
    ----------
    corruptions : tuple of str
        What is changed, one at a time.
    severities : tuple of int
        How much, from 1 to 5.
    cases : int or None
        How many of a fold's test cases; None for all.
    seed : int
        The corruption of a case depends on it, the case, the kind and the severity only.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    corruptions: tuple[CorruptionName, ...] = Field(
        default=("noise", "bias", "low_resolution", "contrast", "rotation"), min_length=1
    )
    severities: tuple[Annotated[int, Field(ge=1, le=5)], ...] = Field(
        default=(1, 2, 3, 4, 5), min_length=1
    )
    cases: int | None = Field(default=None, ge=1)
    seed: Seed = 0


class BenchmarkConfig(BaseModel):
    """Everything that decides what a benchmark does.

    Attributes
    ----------
    name : str
        Names the output; letters, digits, ``.``, ``_`` and ``-``.
    data : Path or None
        Folder of the cases; None for the phantom.
    phantom : PhantomConfig or None
        The phantom, when no data is named.
    cases : int or None
        Use only the first cases, in the order of the case set; None for all.
    groups : str or None
        A regular expression with one group, found in the name of a case: what it captures is the
        patient. None takes the patients of the data set's layout.
    regions : dict of str to tuple of (int or str), or None
        What is scored: a name, and the classes that it unites, by label value or name. None scores
        each class. Networks are trained on the classes either way.
    arms : tuple of ArmConfig
        The first is the reference.
    ablate : str or None
        A policy of which arms are made: whole, with each of its parts left out, and with each of
        its parts alone.
    folds : int
        Number of folds of the cross-validation.
    test_folds : tuple of int, or None
        The folds that are run; None for all.
    split_seed : int
        Seed of the split into folds.
    seeds : tuple of int
        A run for each: seeds of initial weights, sample order, patches and augmentation.
    train_cases : tuple of int or 'all'
        Cases of a fold's training part that a run trains on; a run for each. Smaller sets are
        part of larger ones.
    main_train_cases : int or 'all', or None
        The size that the answer is about; None for the last.
    steps : int or None
        Optimiser steps of a run; None if time is what all have the same of.
    train_seconds : float or None
        Wall time of a training, if there are no `steps`.
    batch_size : int
        Patches in a step.
    patch_size : tuple of 3 int
        Voxels along each axis, multiples of 8 from 16 on.
    region_factor : float
        Size, in patches, of the region that a policy draws its patch from.
    foreground_fraction : float
        Probability that a patch is centred on foreground.
    learning_rate : float
        Peak of the one-cycle schedule.
    weight_decay : float
        Of AdamW.
    gradient_clip : float
        Bound of the gradient's norm.
    overlap : float
        Overlap of the windows of the sliding-window inference.
    network : dict or None
        MONAI configuration with ``_target_``; None for a DynUNet sized for the patch.
    monitor : MonitorConfig
        Held-out cases that are looked at during training.
    surface_tolerance_mm : float
        Distance that counts as no error in the normalised surface Dice.
    shift : ShiftConfig or None
        The shifted test; None for none.
    device, precision : str
        ``auto`` takes the best that the machine has.
    devices : int
        Devices that train one network together, as Lightning's option.
    strategy : str
        How they do it, as Lightning's option.
    threads : int
        Threads of a training on the CPU. More or fewer sum in another order.
    checkpoint_steps : int
        How often a run writes down where it is. Results do not depend on it, nor on:
    workers : int or None
        Trainings at a time on this machine; None for as many as fit.
    loader_workers : int
        Processes that make samples, for each training.
    quick : bool
        A smoke run: everything above is cut down to what takes under a minute.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    data: Path | None = None
    phantom: PhantomConfig | None = None
    cases: int | None = Field(default=None, ge=2)
    groups: str | None = None
    regions: dict[str, tuple[int | str, ...]] | None = Field(default=None, min_length=1)
    arms: tuple[ArmConfig, ...] = Field(min_length=1)
    ablate: str | None = None
    folds: int = Field(default=5, ge=2)
    test_folds: tuple[Annotated[int, Field(ge=0)], ...] | None = Field(default=None, min_length=1)
    split_seed: Seed = 0
    seeds: tuple[Seed, ...] = Field(default=(0,), min_length=1)
    train_cases: tuple[TrainSize, ...] = Field(default=("all",), min_length=1)
    main_train_cases: TrainSize | None = None
    steps: int | None = Field(default=None, ge=1)
    train_seconds: float | None = Field(default=None, gt=0)
    batch_size: int = Field(default=2, ge=1)
    patch_size: tuple[PatchAxis, PatchAxis, PatchAxis]
    region_factor: float = Field(default=1.5, ge=1, le=4)
    foreground_fraction: float = Field(default=1 / 3, ge=0, le=1)
    learning_rate: float = Field(default=3e-3, gt=0, le=1)
    weight_decay: float = Field(default=1e-2, ge=0, le=1)
    gradient_clip: float = Field(default=1.0, gt=0)
    overlap: float = Field(default=0.5, ge=0, le=0.9)
    network: dict[str, Any] | None = None
    monitor: MonitorConfig = MonitorConfig()
    surface_tolerance_mm: float = Field(default=2.0, gt=0)
    shift: ShiftConfig | None = None
    device: Device = "auto"
    precision: Precision = "auto"
    devices: int = Field(default=1, ge=1)
    strategy: str = "auto"
    threads: int = Field(default=1, ge=1)
    checkpoint_steps: int = Field(default=100, ge=1)
    workers: int | None = Field(default=None, ge=1)
    loader_workers: int = Field(default=0, ge=0)
    quick: bool = False

    @field_validator("seeds")
    @classmethod
    def _seeds_differ(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) < len(seeds):
            raise ValueError("each seed may be there only once")
        return seeds

    @field_validator("network")
    @classmethod
    def _network_has_target(cls, network: dict[str, Any] | None) -> dict[str, Any] | None:
        if network is not None and "_target_" not in network:
            raise ValueError("needs a '_target_', the class of the network")
        return network

    @field_validator("arms", mode="before")
    @classmethod
    def _arms_by_name(cls, arms: Any) -> Any:
        if not isinstance(arms, list | tuple):
            return arms
        return [{"policy": arm} if isinstance(arm, str) else arm for arm in arms]

    @field_validator("train_cases", mode="before")
    @classmethod
    def _one_size_is_a_list_of_one(cls, sizes: Any) -> Any:
        return sizes if isinstance(sizes, list | tuple) else [sizes]

    @field_validator("train_cases")
    @classmethod
    def _sizes_ascend(cls, sizes: tuple[TrainSize, ...]) -> tuple[TrainSize, ...]:
        if len(set(sizes)) < len(sizes):
            raise ValueError("each size may be there only once")
        return tuple(sorted(sizes, key=lambda size: math.inf if size == "all" else size))

    @field_validator("groups")
    @classmethod
    def _groups_capture_the_patient(cls, pattern: str | None) -> str | None:
        try:
            captured = 1 if pattern is None else re.compile(pattern).groups
        except re.error as error:
            raise ValueError(f"is no regular expression ({error})") from error
        if captured != 1:
            raise ValueError(
                f"needs exactly one (group), which captures the patient, but has {captured}"
            )
        return pattern

    @model_validator(mode="after")
    def _fits_together(self) -> BenchmarkConfig:
        if (self.data is None) == (self.phantom is None):
            raise ValueError("name the cases by either 'data' or 'phantom'")
        if (self.steps is None) == (self.train_seconds is None):
            raise ValueError("say how long a training is by either 'steps' or 'train_seconds'")
        if self.test_folds is not None and max(self.test_folds) >= self.folds:
            raise ValueError(f"'test_folds' counts from 0 to {self.folds - 1}")
        for size in [
            self.main_train_cases,
            *(n for arm in self.arms for n in arm.train_cases or ()),
        ]:
            if size is not None and size not in self.train_cases:
                raise ValueError(f"{size} training cases are not among 'train_cases'")
        if self.arms[0].train_cases is not None:
            raise ValueError(
                "the first arm is what others are compared with: it runs at all sizes, leave its "
                "'train_cases' out"
            )
        return self

    @property
    def main_size(self) -> int | str:
        """The size of the training set that the answer is about."""
        return self.train_cases[-1] if self.main_train_cases is None else self.main_train_cases
