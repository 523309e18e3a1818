"""What a policy has drawn, in a few words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np

from medaug.geometry import LatticeStage, Warp, affine_spacing
from medaug.typing import Matrix

#: Changes that are not worth a word.
_LEAST_DEGREES, _LEAST_MM, _LEAST_FACTOR = 0.5, 0.5, 1.01
#: Where along each axis an elastic deformation is looked at.
_PLACES = 12
#: How many numbers of an effect there is room for.
_MOST_NUMBERS = 2


def describe(transform: Any, record: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield a phrase for each change that takes part, such as ``rotated 12°`` or ``gamma 0.8``.

    Parameters
    ----------
    transform : transform
    record : mapping or None
        What it has drawn, if it is medaug's; of another nothing is known but its name.
    """
    if record is None:
        yield type(transform).__name__
    elif "warp" in record:
        yield from _of_warp(Warp.from_dict(record["warp"]), np.array(record["affine"]))
    elif "steps" in record:
        for step in record["steps"]:
            yield from describe(transform.transforms[step["index"]], step["record"])
    elif "parameters" in record and hasattr(transform, "changes"):
        for drawn in record["parameters"].values():
            for change, channels in zip(transform.changes, drawn, strict=True):
                yield from _of_effect(change.effect, channels)
    else:
        yield _words(type(transform).__name__)


def _of_warp(warp: Warp, affine: Matrix) -> Iterator[str]:
    """Yield phrases about what happens to the image: the inverse of where voxels come from."""
    to_mm = np.diag(affine_spacing(affine))
    pulled = to_mm @ warp.affine_part()[:3, :3] @ np.linalg.inv(to_mm)
    mirrored, degrees, factors = _parts(np.linalg.inv(pulled))
    if mirrored:
        yield f"mirrored along {', '.join(mirrored)}"
    if degrees >= _LEAST_DEGREES:
        yield f"rotated {degrees:.0f}°"
    size = float(np.prod(factors) ** (1 / 3))
    if max(size, 1 / size) >= _LEAST_FACTOR:
        yield f"scaled {size:.2f}"
    stretch = float(factors.max() / factors.min())
    if stretch >= _LEAST_FACTOR:
        yield f"stretched {stretch:.2f}"
    bent_mm = _most_bent_mm(warp, np.diag(to_mm))
    if bent_mm >= _LEAST_MM:
        yield f"elastic to {bent_mm:.1f} mm"


def _parts(linear: Matrix) -> tuple[list[str], float, Matrix]:
    """Return the mirrored axes, the angle of the rotation in degrees and the factors of stretch."""
    left, factors, right = np.linalg.svd(linear)
    turn = left @ right
    # Of the mirrorings that leave a rotation behind, the one that leaves the least.
    signs = [np.array(each) for each in product((1.0, -1.0), repeat=3)]
    proper = [each for each in signs if np.prod(each) * np.linalg.det(turn) > 0]
    mirror = max(proper, key=lambda each: float((np.diag(turn) * each).sum()))
    cosine = ((np.diag(turn) * mirror).sum() - 1) / 2
    degrees = float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    return [axis for axis, sign in zip("IJK", mirror, strict=True) if sign < 0], degrees, factors


def _most_bent_mm(warp: Warp, spacing_mm: Matrix) -> float:
    """Return how far elastic stages move a voxel, at most."""
    axes = [np.linspace(0, size - 1, _PLACES) for size in warp.output_shape]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    bent = np.zeros(len(points))
    for stage in warp.stages:
        moved = stage.map_points(points)
        if isinstance(stage, LatticeStage):
            bent += np.linalg.norm((moved - points) * spacing_mm, axis=1)
        points = moved
    return float(bent.max())


def _of_effect(effect: Any, channels: list[Mapping[str, Any] | None]) -> Iterator[str]:
    """Yield a phrase about the first channel that takes part, if there is one."""
    drawn = next((each for each in channels if each is not None), None)
    if drawn is None:
        return
    name = _words(type(effect).__name__)
    numbers = [
        number if _words(key) == name else f"{_words(key)} {number}"
        for key, value in drawn.items()
        if (number := _number(value))
    ]
    flags = [_words(key) for key, value in drawn.items() if value is True]
    yield " ".join([name, ", ".join(numbers[:_MOST_NUMBERS] + flags)]).strip()


def _number(value: Any) -> str:
    """Return a number or one for each axis in short; nothing for anything else."""
    values = value if isinstance(value, list) else [value]
    if not 1 <= len(values) <= 3 or not all(isinstance(each, float) for each in values):
        return ""
    texts = [f"{each:.2g}" for each in values]
    return texts[0] if len(set(texts)) == 1 else " x ".join(texts)


def _words(name: str) -> str:
    """Return ``GaussianNoise`` or ``sigma_mm`` as words."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name).lower()
