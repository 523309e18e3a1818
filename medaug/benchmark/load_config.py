"""How a file and options become the configuration of a benchmark, and a quick one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medaug.benchmark.config import BenchmarkConfig, MonitorConfig
from medaug.resources import config_file
from medaug.settings import check_settings, read_mapping
from medaug.typing import StrPath

#: The shipped benchmark that runs when none is named.
DEFAULT_BENCHMARK = "phantom"

#: What a quick run is cut down to.
QUICK_CASES = 4
QUICK_STEPS = 4
QUICK_POINTS = 2
QUICK_SHIFTED_CASES = 1

_YAML_SUFFIXES = (".yaml", ".yml")


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
    if options.get("train_cases") is not None:
        settings.pop("main_train_cases", None)
        settings["arms"] = [_at_all_sizes(arm) for arm in settings.get("arms", ())]
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
            "test_folds": None,
            "train_cases": (cases // 2,),
            "main_train_cases": None,
            "arms": tuple(arm.model_copy(update={"train_cases": None}) for arm in config.arms),
            "steps": min(config.steps or QUICK_STEPS, QUICK_STEPS),
            "train_seconds": None,
            "shift": config.shift
            and config.shift.model_copy(update={"severities": (3,), "cases": QUICK_SHIFTED_CASES}),
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
        settings["arms"] = [_arm_from(arm, folder) for arm in settings["arms"]]
    if isinstance(settings.get("ablate"), str):
        settings["ablate"] = _policy_from(settings["ablate"], folder)
    return settings


def _at_all_sizes(arm: Any) -> Any:
    return {**arm, "train_cases": None} if isinstance(arm, Mapping) else arm


def _arm_from(arm: Any, folder: Path) -> Any:
    if isinstance(arm, Mapping) and isinstance(arm.get("policy"), str):
        return {**arm, "policy": _policy_from(arm["policy"], folder)}
    return _policy_from(arm, folder) if isinstance(arm, str) else arm


def _policy_from(policy: str, folder: Path) -> str:
    return str(folder / policy) if policy.endswith(_YAML_SUFFIXES) else policy
