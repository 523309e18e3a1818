"""Lossy compression in blocks, as JPEG does it, in two or three dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import fft

from medaug.intensity.channel import Channel
from medaug.intensity.effect import Parameters
from medaug.intensity.facts import ImageFacts
from medaug.ranges import Range, drawn_in
from medaug.typing import AnyArray, FloatArray

#: Voxels along each side of a block.
BLOCK = 8


@dataclass(frozen=True)
class BlockCompression:
    """Round the cosine transform of blocks of 8 voxels along each axis.

    As in JPEG (Wallace 1992, IEEE Transactions on Consumer Electronics 38(1)), the coefficients of
    the orthonormal transform are rounded to multiples of a step, here over all axes that have more
    than one voxel. The step grows with the sum ``u`` of the frequencies, as JPEG's table of
    luminance (ITU-T T.81, annex K) does on average, in grey levels of which the range of the
    channel has 255::

        step(u) = (16 + 6 u) * scale,  scale = 50 / quality below 50, otherwise 2 - quality / 50

    The scale is that of the Independent JPEG Group. Blocks at the end are filled by reflection. The
    smallest value stands for 0, so an empty background stays as it is, and what rounding brings
    beyond the range is cut off.

    Parameters
    ----------
    quality : range
        From 1 to 100, which changes nothing; JPEG's usual one is 75.
    """

    quality: Range

    def __post_init__(self) -> None:
        if self.quality[0] < 1 or self.quality[1] > 100:
            raise ValueError(f"quality must lie between 1 and 100; got {self.quality}")

    def at_magnitude(self, magnitude: float) -> BlockCompression:
        """Return the effect with qualities nearer to 100."""
        low, high = drawn_in(self.quality, magnitude, 100.0)
        return replace(self, quality=(min(low, 100.0), min(high, 100.0)))  # rounding may pass it

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``quality``."""
        return {"quality": float(rng.uniform(*self.quality))}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Compress a channel; a constant one stays as it is."""
        low, high = channel.low, channel.high
        span = high - low
        scale, axes = jpeg_scale(parameters["quality"]), channel.facts.wide_axes
        if scale == 0 or not span > 0 or not axes:
            return

        def write(voxels: FloatArray, out: FloatArray) -> None:
            levels = voxels * np.float32(255.0 / span) - np.float32(low * (255.0 / span))
            bad = ~np.isfinite(levels)
            levels[bad] = 0
            rounded = _through_blocks(levels, axes, scale)
            shares = np.clip(rounded / np.float32(255.0), 0.0, 1.0)
            np.add(shares * np.float32(high), (1 - shares) * np.float32(low), out=out)
            np.copyto(out, voxels, where=bad)

        channel.rewrite(write)


def jpeg_scale(quality: float) -> float:
    """Return the factor of JPEG's steps: 1 at a quality of 50, 0 at 100."""
    return 50.0 / quality if quality < 50 else 2.0 - quality / 50.0


def _through_blocks(levels: FloatArray, axes: tuple[int, ...], scale: float) -> FloatArray:
    """Return grey levels after their blocks have been rounded."""
    sizes = [BLOCK if axis in axes else 1 for axis in range(3)]
    missing = [(0, -n % size) for n, size in zip(levels.shape, sizes, strict=True)]
    padded: FloatArray = np.pad(levels, missing, mode="symmetric")
    pairs = zip(padded.shape, sizes, strict=True)
    blocks = padded.reshape([part for n, size in pairs for part in (n // size, size)])
    within = [2 * axis + 1 for axis in axes]
    coefficients: AnyArray = fft.dctn(blocks, axes=within, norm="ortho")
    steps = _steps(axes, scale)
    coefficients /= steps
    np.rint(coefficients, out=coefficients)
    coefficients *= steps
    back: AnyArray = fft.idctn(coefficients, axes=within, norm="ortho", overwrite_x=True)
    inside = tuple(slice(n) for n in levels.shape)
    return np.asarray(back.reshape(padded.shape)[inside], np.float32)


def _steps(axes: tuple[int, ...], scale: float) -> FloatArray:
    """Return the steps of a block, its axes at odd places of six."""
    frequency = np.zeros((1,) * 6)
    for axis in axes:
        shape = [1] * 6
        shape[2 * axis + 1] = BLOCK
        frequency = frequency + np.arange(BLOCK).reshape(shape)
    return np.asarray((16.0 + 6.0 * frequency) * scale, np.float32)
