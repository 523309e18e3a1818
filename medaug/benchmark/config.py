"""The configuration of a benchmark: its fields, and how a file and options become one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from medaug.benchmark.cases.phantom import PhantomConfig
from medaug.benchmark.runtime import Device, Precision
from medaug.resources import config_file
from medaug.settings import check_settings, read_mapping
from medaug.typing import StrPath

#: The shipped benchmark that runs when none is named.
DEFAULT_BENCHMARK = "phantom"

#: What a quick run is cut down to.
QUICK_CASES = 4
QUICK_STEPS = 4
QUICK_POINTS = 2

_YAML_SUFFIXES = (".yaml", ".yml")

#: A seed: any integer that numpy's seed sequences take and that fits a JSON reader.
Seed = Annotated[int, Field(ge=0, lt=2**32)]

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
    arms : tuple of str
        Names of policies or paths to them; the first is the reference.
    folds : int
        Number of folds of the cross-validation.
    split_seed : int
        Seed of the split into folds.
    seeds : tuple of int
        A run for each: seeds of initial weights, sample order, patches and augmentation.
    train_cases : int or None
        Cases of a fold's training part that a run trains on; None for all.
    steps : int
        Optimiser steps of a run.
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
    device, precision : str
        ``auto`` takes the best that the machine has.
    workers : int
        Processes that make samples; results do not depend on it.
    quick : bool
        A smoke run: everything above is cut down to what takes under a minute.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    data: Path | None = None
    phantom: PhantomConfig | None = None
    cases: int | None = Field(default=None, ge=2)
    arms: tuple[str, ...] = Field(min_length=1)
    folds: int = Field(default=5, ge=2)
    split_seed: Seed = 0
    seeds: tuple[Seed, ...] = Field(default=(0,), min_length=1)
    train_cases: int | None = Field(default=None, ge=1)
    steps: int = Field(ge=1)
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
    device: Device = "auto"
    precision: Precision = "auto"
    workers: int = Field(default=0, ge=0)
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

    @model_validator(mode="after")
    def _one_source_of_cases(self) -> BenchmarkConfig:
        if (self.data is None) == (self.phantom is None):
            raise ValueError("name the cases by either 'data' or 'phantom'")
        return self


def load_config(source: StrPath | None = None, **options: Any) -> BenchmarkConfig:
    """Read a configuration and let options override it.

    Parameters
    ----------
    source : path, str or None
        A YAML file, or the name of a shipped benchmark; None for the phantom. Relative paths in the
        file start from its folder.
    **options
        Fields of BenchmarkConfig that replace the file's. Relative paths start from the working
        directory.

    Returns
    -------
    BenchmarkConfig
        Cut down already, if it is a quick one.

    Raises
    ------
    InputError
        If the file cannot be read, or a key or value is wrong. The message names it.
    """
    file = config_file(DEFAULT_BENCHMARK if source is None else source, "benchmarks")
    settings = _paths_from(read_mapping(file), file.parent)
    if options.get("data") is not None:
        settings.pop("phantom", None)
    config = check_settings(BenchmarkConfig, settings, file, options)
    return quick_profile(config) if config.quick else config


def quick_profile(config: BenchmarkConfig) -> BenchmarkConfig:
    """Cut a benchmark down to a smoke run of under a minute that passes through every part."""
    cases = min(config.cases or QUICK_CASES, QUICK_CASES)
    phantom = config.phantom and config.phantom.model_copy(update={"cases": cases})
    points = min(config.monitor.points, QUICK_POINTS)
    return config.model_copy(
        update={
            "quick": True,
            "name": f"{config.name}-quick",
            "cases": cases,
            "phantom": phantom,
            "folds": 2,
            "seeds": config.seeds[:1],
            "train_cases": min(config.train_cases or cases // 2, cases // 2),
            "steps": min(config.steps, QUICK_STEPS),
            "monitor": MonitorConfig(cases=min(config.monitor.cases, 1), points=points),
            "overlap": 0.0,
        }
    )


def _paths_from(settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the settings with relative paths made to start from the folder of their file."""
    settings = dict(settings)
    if isinstance(settings.get("data"), str):
        settings["data"] = folder / Path(settings["data"]).expanduser()
    if isinstance(settings.get("arms"), list):
        settings["arms"] = [
            str(folder / arm) if isinstance(arm, str) and arm.endswith(_YAML_SUFFIXES) else arm
            for arm in settings["arms"]
        ]
    return settings
