"""Made-up results of a benchmark, whose true differences are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from medaug.benchmark import load_config
from medaug.benchmark.analysis import analyse
from medaug.benchmark.experiment import Experiment, prepare
from medaug.benchmark.load_results import write_experiment
from medaug.benchmark.provenance import environment
from medaug.benchmark.report.examples import Choice, Example
from medaug.benchmark.results import Results, collect_results
from medaug.benchmark.runs.key import RunKey
from medaug.benchmark.runs.result import RunResult
from medaug.benchmark.runs.store import RunStore

CLASSES = ("Anterior", "Posterior")

_SHIFTED_COLUMNS = ["corruption", "severity", "case", "class", "dice"]
_CALIBRATION_COLUMNS = ["case", "bin", "voxels", "confidence", "correct"]


def make_results(
    gains: Mapping[str, float],
    *,
    sizes: Sequence[int | str] = ("all",),
    n_cases: int = 12,
    classes: Sequence[str] = CLASSES,
    n_undefined: int = 0,
    monitored: bool = True,
    shifted: bool = False,
    calibrated: bool = False,
    cost: Mapping[str, float] | None = None,
    missing: Mapping[RunKey, str] | None = None,
    folds: Sequence[int] = (0, 1),
    seeds: Sequence[int] = (0, 1),
) -> Results:
    """Return runs of each arm, which is `gain` better than 0.6, give or take a little noise.

    Later cases are easier by 0.005 each, larger training sets by 0.02 a step; each corruption takes
    0.02 a severity. The first `n_undefined` cases lack the last class. Runs that are `missing` are
    left out.
    """
    rng = np.random.default_rng(5)
    keys = [
        RunKey(arm, size, fold, seed)
        for size, seed, fold, arm in product(sizes, seeds, folds, gains)
    ]
    missing = missing or {}
    tested = {fold: range(fold, n_cases, len(folds)) for fold in folds}

    def dice(key: RunKey, case: int, name: str) -> float:
        if case < n_undefined and name == classes[-1]:
            return float("nan")
        noise = rng.normal(0, 0.002)
        return 0.6 + gains[key.arm] + 0.005 * case + 0.02 * sizes.index(key.train_cases) + noise

    def run(key: RunKey) -> RunResult:
        scores = [
            {"case": f"case{case}", "class": name, **_measures(dice(key, case, name))}
            for case in tested[key.fold]
            for name in classes
        ]
        corrupted = [
            (corruption, severity, row["case"], row["class"], row["dice"] - 0.02 * severity)
            for corruption in ("noise", "low_resolution")
            for severity in (1, 3, 5)
            for row in scores[: 2 * len(classes)]
        ]
        bins = [
            (f"case{case}", place, 100.0, 10.0 * place + 5, 9.0 * place)
            for case in tested[key.fold]
            for place in range(10)
        ]
        return RunResult(
            key=key,
            train_cases=tuple(
                f"train{n}" for n in range(40 if key.train_cases == "all" else int(key.train_cases))
            ),
            scores=pd.DataFrame(scores),
            shifted=pd.DataFrame(
                corrupted if shifted else [],
                columns=_SHIFTED_COLUMNS,
            ),
            calibration=pd.DataFrame(
                bins if calibrated else [],
                columns=_CALIBRATION_COLUMNS,
            ),
            losses=[(step, float(np.exp(-step / 30))) for step in range(1, 91)],
            monitor=[(step, step / 100) for step in (30, 60, 90)] if monitored else [],
            steps=90,
            seconds={"train": 1.25, "test": 0.5},
        )

    return collect_results(
        "demo",
        classes=classes,
        main_size=sizes[-1],
        keys=keys,
        runs=[run(key) for key in keys if key not in missing],
        failures=missing,
        patients={f"case{case}": f"patient{case}" for case in range(n_cases)},
        cost=cost or {},
        provenance=make_provenance(gains),
    )


def _measures(dice: float) -> dict[str, float]:
    return {
        "dice": dice,
        "iou": dice / (2 - dice),
        "precision": dice,
        "recall": dice,
        "hd95_mm": 10 * (1 - dice),
        "surface_dice": dice,
        "volume_error": dice - 1,
    }


def make_provenance(arms: Sequence[str] | Mapping[str, float]) -> dict[str, object]:
    """Return what a benchmark records of itself."""
    return {
        "versions": {"medaug": "0.0.7"},
        "configuration": {
            "folds": 5,
            "split_seed": 3,
            "steps": 90,
            "train_seconds": None,
            "batch_size": 2,
            "patch_size": [40, 56, 40],
            "foreground_fraction": 1 / 3,
            "learning_rate": 3e-3,
            "weight_decay": 1e-2,
            "gradient_clip": 1.0,
            "region_factor": 1.5,
            "overlap": 0.5,
            "surface_tolerance_mm": 2.0,
            "network": None,
            "monitor": {"cases": 2},
            "shift": {"corruptions": ["noise", "low_resolution"], "severities": [1, 3], "cases": 4},
        },
        "policies": {arm: f"- name: {arm}\n- <second line>" for arm in arms},
        "data": {"name": "made up", "cases": 12, "classes": ["a", "b"], "fingerprint": "0123abc"},
        "runtime": {"device": "cpu", "precision": "32-true"},
        "hardware": {"cpu": "a processor", "cores": 2},
        "command": "medaug benchmark " + "--long " * 12,
        "quick": False,
        "started": "2024-05-01T10:00:00+00:00",
        "finished": "2024-05-02T10:00:00+00:00",
    }


def compare(results: Results) -> pd.DataFrame:
    """Compare the arms as a benchmark does, with fewer resamples."""
    return analyse(results, rng=np.random.default_rng(0), n_resamples=199)


def make_example(arms: Sequence[str], case: str = "case3") -> Example:
    """Return a slice with two regions, which each arm finds a little further to the right."""
    image = np.random.default_rng(2).normal(size=(24, 36)).astype(np.float32)
    truth = np.zeros((2, 24, 36), dtype=bool)
    truth[0, 5:12, 8:20], truth[1, 12:18, 8:20] = True, True
    return Example(
        choice=Choice(case, (f"lowest Dice of {arms[-1]}",), 1, 0),
        plane=7,
        spacing_mm=(1.0, 0.5),
        dice=dict.fromkeys(arms, 0.875),
        image=image,
        truth=truth,
        predictions={arm: np.roll(truth, index, axis=1) for index, arm in enumerate(arms)},
    )


def make_folder(folder: Path) -> tuple[Experiment, RunStore]:
    """Fill the folder of a quick benchmark on the phantom with runs that were never made.

    Of two arms, ``none`` finds nothing, at a Dice of 0.5, and ``flip`` everything, at 0.75.
    """
    experiment = prepare(load_config("phantom", quick=True, arms=["none", "flip"]))
    store = RunStore(folder, experiment.identity())
    store.create()
    write_experiment(experiment, folder)
    for key in experiment.keys:
        cases = [experiment.case_set.cases[at] for at in experiment.fold(key.fold).test]
        dice = {"none": 0.5, "flip": 0.75}[key.arm]
        scores = [
            {"case": case.name, "class": region.name, **_measures(dice)}
            for case in cases
            for region in experiment.regions
        ]
        result = RunResult(
            key=key,
            train_cases=("t1", "t2"),
            scores=pd.DataFrame(scores),
            shifted=pd.DataFrame(columns=_SHIFTED_COLUMNS),
            calibration=pd.DataFrame(columns=_CALIBRATION_COLUMNS),
            losses=[(1, 1.0)],
            monitor=[],
            steps=1,
            seconds={"train": 1.0, "test": 1.0},
            provenance={**environment(), "started": "2024-05-01", "finished": "2024-05-02"},
        )
        found = {case.name: case.label[0] * (key.arm == "flip") for case in cases}
        store.save(result, found)
    return experiment, store
