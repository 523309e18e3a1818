"""The drop-in classes against MONAI's own: the same name, the same arguments, the same sample.

Each duel has a process of its own: what others leave in the heap would decide whether a result gets
memory that is mapped already, which is most of the time of a class that only passes over it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from multiprocessing import get_all_start_methods, get_context
from typing import Any

import monai.transforms
import numpy as np
from monai.data import MetaTensor

import medaug.compat.monai
from speed.contestants import Call
from speed.duels import Duel, Outcome, run_duels
from speed.timing import Timing, keep_memory
from speed.workload import KEYS, ROTATE_DEGREES, Workload

#: What the classes are to reach together, and each of them alone.
MEAN_GOAL, GOAL = 4.0, 1.0

#: Classes that pass once over the memory and do little else.
_ONE_PASS = ("RandFlipd", "RandRotate90d", "RandScaleIntensityd", "RandShiftIntensityd")

#: A patch on which what a call costs besides the voxels counts, too, and its channels.
_SMALL, _SMALL_CHANNELS = (32, 32, 32), 1

_TURN = float(np.deg2rad(ROTATE_DEGREES))
_MODES = ("bilinear", "nearest")

#: What each class is built with, besides keys and ``prob``.
SPATIAL: Mapping[str, Mapping[str, Any]] = {
    "RandAffined": {"rotate_range": (_TURN,) * 3, "scale_range": (0.3,) * 3, "mode": _MODES},
    "Rand3DElasticd": {
        "sigma_range": (5, 7),
        "magnitude_range": (50, 150),
        "rotate_range": (_TURN,) * 3,
        "scale_range": (0.3,) * 3,
        "mode": _MODES,
    },
    "RandZoomd": {"min_zoom": 0.8, "max_zoom": 1.25, "mode": ("trilinear", "nearest")},
    "RandFlipd": {"spatial_axis": 0},
    "RandRotate90d": {"max_k": 3},
}
INTENSITY: Mapping[str, Mapping[str, Any]] = {
    "RandGaussianNoised": {},
    "RandGaussianSmoothd": {},
    "RandAdjustContrastd": {},
    "RandScaleIntensityd": {"factors": 0.5},
    "RandShiftIntensityd": {"offsets": 0.5},
    "RandBiasFieldd": {},
    "RandRicianNoised": {},
    "RandSimulateLowResolutiond": {},
    "RandGibbsNoised": {},
    "RandHistogramShiftd": {},
}


def run(workload: Workload, turns: int) -> list[Outcome]:
    """Run a duel for each class."""
    return _run(tuple(DUELS), workload, turns)


def run_kept(workload: Workload, turns: int) -> list[Outcome]:
    """Run those of one pass where memory is kept: what only passes over it is then at its best."""
    return _run(_ONE_PASS, workload, turns, keep=True)


def run_small(workload: Workload, turns: int) -> list[Outcome]:
    """Run all on a small patch, where a call takes so little that there can be more turns."""
    small = replace(workload, shape=_SMALL, patch=_SMALL, channels=_SMALL_CHANNELS)
    return _run(tuple(DUELS), small, turns * 10)


def _run(
    names: Sequence[str], workload: Workload, turns: int, *, keep: bool = False
) -> list[Outcome]:
    method = "forkserver" if "forkserver" in get_all_start_methods() else "spawn"
    context = get_context(method)
    context.set_forkserver_preload([__name__])
    with context.Pool(1, maxtasksperchild=1) as processes:
        calls = [(name, workload, turns, keep) for name in names]
        timings = processes.starmap(_timings, calls, chunksize=1)
    return [Outcome(DUELS[name], *each) for name, each in zip(names, timings, strict=True)]


def _timings(name: str, workload: Workload, turns: int, keep: bool) -> tuple[Timing, Timing]:
    if keep:
        keep_memory()
    (outcome,) = run_duels([DUELS[name]], workload, turns)
    return outcome.ours, outcome.other


def mean_ratios(outcomes: Sequence[Outcome]) -> tuple[float, float]:
    """Return the geometric and the arithmetic mean over the classes of MONAI's time to medaug's."""
    ratios = [outcome.ratios()[1] for outcome in outcomes]
    return float(np.exp(np.mean(np.log(ratios)))), float(np.mean(ratios))


def _duel(name: str, keys: str | Sequence[str], arguments: Mapping[str, Any]) -> Duel:
    def build(workload: Workload) -> tuple[Call, Call]:
        first, second = (
            _call(getattr(library, name)(keys, prob=1.0, **arguments), workload)
            for library in (medaug.compat.monai, monai.transforms)
        )
        return first, second

    return Duel(name, "medaug", "MONAI", build, GOAL)


def _call(transform: Any, workload: Workload) -> Call:
    """Return the call of a transform on what ``LoadImaged`` gives: float32, the label, too."""
    patch = Workload(workload.patch, workload.patch, workload.channels)
    sample = {key: MetaTensor(voxels.float()) for key, voxels in patch.sample().items()}
    transform.set_random_state(seed=0)
    return lambda: transform(sample)


DUELS: Mapping[str, Duel] = {
    **{name: _duel(name, KEYS, arguments) for name, arguments in SPATIAL.items()},
    **{name: _duel(name, "image", arguments) for name, arguments in INTENSITY.items()},
}
