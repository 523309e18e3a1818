"""What the tests of intensity effects share."""

from __future__ import annotations

from typing import Any

import numpy as np

from medaug.intensity import Channel, ImageFacts, IntensityEffect

FACTS = ImageFacts((12, 14, 16), (1.0, 1.0, 1.0))


def changed(
    effect: IntensityEffect,
    voxels: np.ndarray,
    *,
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0),
    index: int = 0,
    mask: np.ndarray | None = None,
    **parameters: Any,
) -> np.ndarray:
    """Return a channel [I, J, K] after the effect with the given parameters."""
    out = np.full_like(voxels, np.nan)
    channel = Channel(voxels, out, ImageFacts(voxels.shape, spacing_mm), index)
    channel.restrict(mask)
    effect.apply(channel, parameters)
    channel.finish()
    return out


def sampled(effect: IntensityEffect, rng: np.random.Generator, voxels: np.ndarray, **kwargs: Any):
    """Return a channel after the effect with parameters that it draws."""
    facts = ImageFacts(voxels.shape, kwargs.get("spacing_mm", (1.0, 1.0, 1.0)))
    return changed(effect, voxels, **kwargs, **effect.sample(rng, facts))
