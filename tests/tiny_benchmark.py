"""A benchmark that takes a second, and a policy that can be made to fail."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from monai.transforms import MapTransform

from medaug.benchmark.config import BenchmarkConfig
from medaug.benchmark.load_config import load_config
from medaug.jobs import Outcome
from medaug.jobs.progress import Progress

SETTINGS: dict[str, Any] = {
    "name": "tiny",
    "phantom": {"cases": 4, "shape": [26, 26, 26], "spacing_mm": 6.0},
    "arms": ["none", "flip"],
    "folds": 2,
    "seeds": [0],
    "train_cases": 2,
    "steps": 3,
    "batch_size": 2,
    "patch_size": [16, 16, 16],
    "overlap": 0.0,
    "precision": "32-true",
    "monitor": {"cases": 1, "points": 2},
    "workers": 1,
    "network": {
        "_target_": "monai.networks.nets.UNet",
        "spatial_dims": 3,
        "in_channels": "@in_channels",
        "out_channels": "@out_channels",
        "channels": [4, 8],
        "strides": [2],
    },
}


def write(folder: Path, **changes: Any) -> Path:
    path = folder / "bench.yaml"
    path.write_text(yaml.safe_dump(SETTINGS | changes))
    return path


def configure(folder: Path, **changes: Any) -> BenchmarkConfig:
    return load_config(write(folder, **changes))


def scores(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "cases.csv", comment="#", dtype={"train_cases": str})


def results_of_runs(folder: Path) -> dict[str, Path]:
    """Return the result files by arm and name of the run."""
    files = (folder / "runs").rglob("result.json")
    return {str(file.parent.relative_to(folder / "runs")): file for file in files}


class Lines(Progress):
    """Notes what it is told, and can be made to do something after so many runs."""

    def __init__(self, after: int | None = None, then: Any = None) -> None:
        self.lines: list[str] = []
        self.failed = 0
        self._after, self._then = after, then

    def say(self, text: str) -> None:
        self.lines.append(text)
        if len(self.lines) == self._after:
            self._then()

    def job_done(self, outcome: Outcome[Any]) -> None:
        self.failed += bool(outcome.error)


class FailsWhile(MapTransform):
    """Does nothing, but fails while a file exists."""

    def __init__(self, keys: Any, flag: str, how: str) -> None:
        super().__init__(keys)
        self.flag, self.how = Path(flag), how

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        data = dict(data)
        if not self.flag.exists():
            return data
        if self.how == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.how == "memory":
            raise MemoryError
        if self.how == "torch memory":
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to")
        if self.how == "raise":
            raise KeyError("no such key")
        return data | {"image": data["image"] * float("nan")}


def failing_policy(folder: Path, how: str) -> tuple[str, Path]:
    """Write the policy ``fails`` and the file that makes it fail; return the paths of both."""
    flag, policy = folder / "flag", folder / "fails.yaml"
    flag.touch()
    step = {
        "_target_": "tiny_benchmark.FailsWhile",
        "keys": ["image"],
        "flag": str(flag),
        "how": how,
    }
    policy.write_text(yaml.safe_dump([step]))
    return str(policy), flag
