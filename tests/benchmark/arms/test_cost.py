"""What augmentation costs, measured on policies whose cost is known."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from monai.transforms import Compose, Randomizable, Transform

from medaug.benchmark.arms.arm import Arm
from medaug.benchmark.arms.cost import measure_cost
from medaug.benchmark.config import BenchmarkConfig
from medaug.benchmark.experiment import Experiment, prepare
from medaug.benchmark.training.sampling import PatchDataset

CONFIG = BenchmarkConfig(
    name="cost",
    phantom={"cases": 4, "shape": [26, 26, 26], "spacing_mm": 6.0},
    arms=["none"],
    folds=2,
    train_cases=(2,),
    steps=1,
    patch_size=(16, 16, 16),
    precision="32-true",
    network={
        "_target_": "monai.networks.nets.UNet",
        "spatial_dims": 3,
        "in_channels": "@in_channels",
        "out_channels": "@out_channels",
        "channels": [4, 8],
        "strides": [2],
    },
)


class Busy(Randomizable, Transform):
    """Uses CPU time, more on its first samples; notes what it was given."""

    def __init__(self, name: str, seconds: float, log: list[tuple[Any, ...]]) -> None:
        self.name, self.seconds, self.log = name, seconds, log
        self.known: set[int] = set()

    def __call__(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        drawn = int(self.R.randint(2**31))
        spent = self.seconds if drawn in self.known else self.seconds + 0.05
        self.known.add(drawn)
        self.log.append((self.name, drawn, float(data["image"].sum()), torch.get_num_threads()))
        end = time.process_time() + spent
        while time.process_time() < end:
            pass
        data["image"] *= 2  # what it gets is its own
        return data


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    return prepare(CONFIG)


def with_arms(experiment: Experiment, *busy: Busy) -> Experiment:
    return replace(experiment, arms=tuple(Arm(b.name, "", Compose([b])) for b in busy))


def test_the_time_is_that_of_the_policy_when_it_is_warm(experiment):
    log: list[tuple[Any, ...]] = []
    busy = Busy("idle", 0.0, log), Busy("slow", 0.02, log)
    cost = measure_cost(with_arms(experiment, *busy), n_samples=5)
    assert list(cost) == ["idle", "slow"]
    assert 0.019 < cost["slow"] - cost["idle"] < 0.03
    assert 0 < cost["idle"] < 0.01


def test_waiting_is_not_counted(experiment, monkeypatch):
    log: list[tuple[Any, ...]] = []
    sleepy = Busy("sleepy", 0.0, log)
    original = Busy.__call__

    def sleep(self: Busy, data: Mapping[str, Any]) -> Mapping[str, Any]:
        time.sleep(0.02)
        return original(self, data)

    monkeypatch.setattr(Busy, "__call__", sleep)
    assert measure_cost(with_arms(experiment, sleepy), n_samples=3)["sleepy"] < 0.015


def test_cutting_the_region_is_not_counted(experiment, monkeypatch):
    original = PatchDataset.region

    def slow(self: PatchDataset, sample: int) -> Any:
        Busy("", 0.02, [])(original(self, 0))
        return original(self, sample)

    monkeypatch.setattr(PatchDataset, "region", slow)
    assert measure_cost(experiment, n_samples=3)["none"] < 0.015


def test_all_arms_get_the_samples_of_a_training_in_turn_on_one_thread(experiment):
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    log: list[tuple[Any, ...]] = []
    arms = with_arms(experiment, Busy("a", 0.0, log), Busy("b", 0.0, log))
    measure_cost(arms, n_samples=6)
    assert torch.get_num_threads() == 2
    torch.set_num_threads(threads)
    by_sample = [log[first : first + 4] for first in range(0, len(log), 4)]
    assert len(by_sample) == 6
    for turn in by_sample:
        assert [name for name, *_ in turn] == ["a", "a", "b", "b"]
        assert len({rest for _, *rest in map(tuple, turn) for rest in [tuple(rest)]}) == 1
        assert turn[0][3] == 1
    assert len({(drawn, total) for _, drawn, total, _ in log}) == 6


def test_the_shipped_policies_can_be_measured(experiment):
    loaded = prepare(CONFIG.model_copy(update={"ablate": "affine"}))
    cost = measure_cost(loaded, n_samples=2)
    assert list(cost) == [arm.label for arm in loaded.arms]
    assert all(seconds > 0 for seconds in cost.values())
