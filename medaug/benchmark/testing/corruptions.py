"""Test cases as another scanner, or another position in it, might have made them.

Each corruption is one of medaug's own effects with its range closed to a point, so that nothing but
the severity decides how strong it is. What is random about it (the pattern of the noise, the shape
of the field, the direction) depends on seed, case and corruption only: from one severity to the
next the same pattern grows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from medaug.benchmark.cases.case_set import Case
from medaug.benchmark.config import CorruptionName
from medaug.benchmark.streams import Stream
from medaug.intensity import (
    NONZERO,
    BiasField,
    Change,
    Drawn,
    Gamma,
    GaussianNoise,
    ImageFacts,
    IntensityEffect,
    Standardise,
    ThickSlices,
    apply_changes,
)
from medaug.resample import Sampling, resample_arrays
from medaug.rng import generator
from medaug.spatial import Grid, Rotate

#: What is changed at the severities 1 to 5.
Levels: TypeAlias = tuple[float, float, float, float, float]

#: Standard deviation of the noise, in standard deviations of the foreground.
NOISE_STD: Levels = (0.1, 0.2, 0.35, 0.55, 0.8)

#: The brightest place is brighter than the darkest by this factor less 1: 1 is twice as bright.
BIAS_STRENGTH: Levels = (0.25, 0.5, 1.0, 2.0, 4.0)

#: Share of the voxels that is left along each axis; each is the mean of those that it replaces.
RESOLUTION_SHARE: Levels = (0.8, 0.65, 0.5, 0.42, 0.35)

#: Exponent of the gamma curve, bent from the dark or from the bright end, as chance decides.
CONTRAST_GAMMA: Levels = (1.2, 1.5, 1.8, 2.2, 2.8)

#: Angle about an axis of the array, which chance decides.
ROTATION_DEGREES: Levels = (5.0, 10.0, 15.0, 20.0, 30.0)


def corrupt(case: Case, corruption: CorruptionName, severity: int, *, seed: int) -> Case:
    """Return a test case as it might have been.

    Intensities change within the foreground only, what is not exactly 0, where each channel is
    z-scored anew as it would have been on loading. A rotation takes image and label along in one
    resample: linear, and by vote; beyond the edge of the scan its last voxels go on.

    Parameters
    ----------
    case : Case
        As loaded. It is not changed.
    corruption : str
        What is changed.
    severity : int
        How much, from 1 to 5.
    seed : int
        Of the shifted test.
    """
    rng = generator(Stream.SHIFT, seed, _number(case.name), _number(corruption))
    if corruption == "rotation":
        return _rotated(case, ROTATION_DEGREES[severity - 1], rng)
    levels, effects_at = _INTENSITIES[corruption]
    facts = ImageFacts(case.label.shape[1:], case.spacing_mm)
    effects = [*effects_at(levels[severity - 1], facts), Standardise()]
    changes = [Change(effect, foreground=NONZERO) for effect in effects]
    image = np.empty_like(case.image)
    for channel in range(len(image)):
        drawn: list[Drawn] = [[effect.sample(rng, facts)] for effect in effects]
        voxels = case.image[channel : channel + 1]
        image[channel] = apply_changes(changes, voxels, drawn, facts, {})[0]
    return replace(case, image=image)


def _low_resolution(share: float, facts: ImageFacts) -> list[IntensityEffect]:
    sizes_mm = [spacing / share for spacing in facts.spacing_mm]
    return [ThickSlices((size, size), axis) for axis, size in enumerate(sizes_mm)]


#: The levels of a corruption of intensities, and the effects that make it up at a level.
_INTENSITIES: dict[str, tuple[Levels, Callable[[float, ImageFacts], list[IntensityEffect]]]] = {
    "noise": (NOISE_STD, lambda std, _: [GaussianNoise((std, std))]),
    "bias": (BIAS_STRENGTH, lambda strength, _: [BiasField((strength, strength))]),
    "low_resolution": (RESOLUTION_SHARE, _low_resolution),
    "contrast": (CONTRAST_GAMMA, lambda gamma, _: [Gamma((gamma, gamma), negate_prob=0.5)]),
}


def _rotated(case: Case, degrees: float, rng: np.random.Generator) -> Case:
    axis, angle = int(rng.integers(3)), degrees * int(rng.choice((-1, 1)))
    first, second, third = ((angle,) * 2 if each == axis else (0.0, 0.0) for each in range(3))
    grid = Grid(case.label.shape[1:], np.diag([*case.spacing_mm, 1.0]))
    image, label = resample_arrays(
        [case.image, case.label],
        Rotate((first, second, third)).sample(rng, grid),
        [Sampling("linear", "border"), Sampling("vote", "border")],
    )
    return replace(case, image=image, label=label)


def _number(name: str) -> int:
    """Return a number that stands for a name on every machine, below 2 ** 32."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
