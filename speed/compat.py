"""The drop-in classes against MONAI's own: the same name, the same arguments, the same sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import monai.transforms
import numpy as np
from monai.data import MetaTensor

import medaug.compat.monai
from speed.contestants import Call
from speed.duels import Duel, Outcome, run_duels
from speed.workload import KEYS, ROTATE_DEGREES, Workload

#: What the classes are to reach together, and each of them alone.
MEAN_GOAL, GOAL = 4.0, 1.0

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
    return run_duels(DUELS, workload, turns)


def run_small(workload: Workload, turns: int) -> list[Outcome]:
    """Run them on a small patch, where a call takes so little that there can be more turns."""
    small = replace(workload, shape=_SMALL, patch=_SMALL, channels=_SMALL_CHANNELS)
    return run_duels(DUELS, small, turns * 10)


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


DUELS: Sequence[Duel] = (
    *(_duel(name, KEYS, arguments) for name, arguments in SPATIAL.items()),
    *(_duel(name, "image", arguments) for name, arguments in INTENSITY.items()),
)
