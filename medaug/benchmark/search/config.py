"""The configuration of a policy search: its fields, and how a file and options become one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from medaug.benchmark.config import (
    ArmConfig,
    BenchmarkConfig,
    MonitorConfig,
    Seed,
    TrainSize,
)
from medaug.benchmark.load_config import load_config
from medaug.errors import InputError
from medaug.resources import config_file
from medaug.settings import check_settings, read_mapping
from medaug.typing import StrPath

_YAML_SUFFIXES = (".yaml", ".yml")


class PrunerConfig(BaseModel):
    """When a trial is given up: after a fold, if it is below the median of earlier trials there.

    Attributes
    ----------
    startup_trials : int
        So many trials are finished before any is given up.
    warmup_folds : int
        So many folds of a trial are done before it can be given up.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    startup_trials: int = Field(default=5, ge=0)
    warmup_folds: int = Field(default=1, ge=1)


class SearchConfig(BaseModel):
    """Everything that decides what a search does.

    Attributes
    ----------
    name : str
        Names the study and the output; letters, digits, ``.``, ``_`` and ``-``.
    benchmark : str
        A shipped benchmark's name or the path of its file: its data, network, patches and training
        are those of the search. Its arms are not used.
    data : Path or None
        Folder of the cases, instead of the benchmark's.
    policy : str
        The policy to start from, by name or path.
    outer_fold : int
        The fold of the benchmark whose test cases no trial sees; the best policy is judged there.
    inner_folds : int
        The other cases are split again, by patient, into so many folds: a trial's value is its mean
        Dice over them.
    train_cases : int or 'all', or None
        Cases that a network is trained on; None for the benchmark's main size.
    steps : int or None
        Optimiser steps of a training; None for those of the benchmark.
    seeds : tuple of int, or None
        A training for each seed and inner fold, the same in every trial; None for the benchmark's.
    judge_seeds : tuple of int
        A training for each on the outer fold, in the end.
    trials : int
        Policies that are tried, the one to start from included; for all machines together.
    startup_trials : int
        The first ones are drawn at random; the others are proposed by what came out.
    pruner : PrunerConfig or None
        When trials are given up early; None for never.
    seed : int
        Of what is proposed.
    storage : str or None
        Where the study is kept: a URL that optuna takes, such as ``postgresql://...``, or
        ``journal:`` and the path of a file on a network file system; ``$NAME`` stands for a
        variable of the environment. None for an SQLite file in the output folder.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    benchmark: str
    data: Path | None = None
    policy: str = "default"
    outer_fold: int = Field(default=0, ge=0)
    inner_folds: int = Field(default=3, ge=2)
    train_cases: TrainSize | None = None
    steps: int | None = Field(default=None, ge=1)
    seeds: tuple[Seed, ...] | None = Field(default=None, min_length=1)
    judge_seeds: tuple[Seed, ...] = Field(default=(0, 1, 2), min_length=1)
    trials: Annotated[int, Field(ge=2)] = 30
    startup_trials: int = Field(default=8, ge=1)
    pruner: PrunerConfig | None = PrunerConfig()
    seed: Seed = 0
    storage: str | None = None

    @field_validator("seeds", "judge_seeds")
    @classmethod
    def _seeds_differ(cls, seeds: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if seeds is not None and len(set(seeds)) < len(seeds):
            raise ValueError("each seed may be there only once")
        return seeds

    def benchmark_config(self) -> BenchmarkConfig:
        """Return the benchmark of one outer fold with the policy to start from as its only arm.

        Raises
        ------
        InputError
            If there is no such benchmark, or no such fold in it.
        """
        options = {} if self.data is None else {"data": self.data}
        config = load_config(self.benchmark, **options)
        if self.outer_fold >= config.folds:
            raise InputError(
                f"outer_fold: the benchmark '{config.name}' has the folds 0 to {config.folds - 1}, "
                f"and no {self.outer_fold}."
            )
        size = config.main_size if self.train_cases is None else self.train_cases
        length = {} if self.steps is None else {"steps": self.steps, "train_seconds": None}
        return config.model_copy(
            update={
                "arms": (ArmConfig(policy=self.policy),),
                "ablate": None,
                "test_folds": (self.outer_fold,),
                "train_cases": (size,),
                "main_train_cases": None,
                "seeds": self.seeds or config.seeds,
                **length,
            }
        )

    def inner_config(self) -> BenchmarkConfig:
        """Return the benchmark of the inner folds: only what a trial's value is made of."""
        return self.benchmark_config().model_copy(
            update={
                "folds": self.inner_folds,
                "test_folds": None,
                "shift": None,
                "monitor": MonitorConfig(cases=0),
            }
        )

    def judge_config(self, best: Path, workers: int | None) -> BenchmarkConfig:
        """Return the benchmark that compares nothing, the policy to start from and the best one."""
        policies = ("none", self.policy, str(best))
        return self.benchmark_config().model_copy(
            update={
                "name": f"{self.name}-judge",
                "arms": tuple(ArmConfig(policy=policy) for policy in policies),
                "seeds": self.judge_seeds,
                "workers": workers,
            }
        )


def load_search(source: StrPath, **options: Any) -> SearchConfig:
    """Read a configuration and let options override it.

    Parameters
    ----------
    source : path or str
        A YAML file, or the name of a shipped search. Relative paths in the file start from its
        folder.
    **options
        Fields of SearchConfig that replace the file's. Relative paths start from the working
        directory.

    Raises
    ------
    InputError
        If the file cannot be read, or a key or value is wrong. The message names it.
    """
    file = config_file(source, "searches")
    settings = _paths_from(read_mapping(file), file.parent)
    return check_settings(SearchConfig, settings, file, options)


def _paths_from(settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the settings with relative paths made to start from the folder of their file."""
    settings = dict(settings)
    if isinstance(settings.get("data"), str):
        settings["data"] = folder / Path(settings["data"]).expanduser()
    for key in ("benchmark", "policy"):
        value = settings.get(key)
        if isinstance(value, str) and value.endswith(_YAML_SUFFIXES):
            settings[key] = str(folder / value)
    return settings
