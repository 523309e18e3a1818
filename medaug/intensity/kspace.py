"""What the effects of acquisition share: axes, and voxels that a Fourier transform can take."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import fft

from medaug.intensity.channel import Channel
from medaug.intensity.facts import ImageFacts
from medaug.typing import AnyArray, FloatArray

#: Above this, sums over the voxels of a scan could leave float32.
_LARGE = 1e24


def check_axis(name: str, axis: int) -> None:
    """Raise ``ValueError`` unless ``axis`` is an array axis, or -1 for a random one."""
    if axis not in (-1, 0, 1, 2):
        raise ValueError(f"{name} must be 0, 1 or 2, or -1 for a random one; got {axis}")


def draw_axis(rng: np.random.Generator, axis: int, facts: ImageFacts) -> int:
    """Return ``axis``, or for -1 one of those that have more than one voxel, 0 if none has."""
    if axis != -1:
        return axis
    return int(rng.choice(facts.wide_axes)) if facts.wide_axes else 0


def rewrite_finite(channel: Channel, change: Callable[[FloatArray], AnyArray]) -> None:
    """Replace a channel by what ``change`` makes of its voxels.

    One voxel that is not finite would spread over the whole image. ``change`` gets 0 for it, and it
    is put back. ``change`` must commute with scaling: values near the largest float come in small.
    """

    def write(voxels: FloatArray, out: FloatArray) -> None:
        low, high = float(voxels.min()), float(voxels.max())
        bad, clean = None, voxels
        if not (np.isfinite(low) and np.isfinite(high)):
            bad = ~np.isfinite(voxels)
            clean = voxels.copy()
            clean[bad] = 0
            low, high = float(clean.min()), float(clean.max())
        peak = np.float32(max(-low, high))
        if peak > _LARGE:
            limit = np.finfo(np.float32).max
            np.clip(change(clean / peak), -limit / peak, limit / peak, out=out)
            out *= peak
        else:
            out[...] = change(clean)
        if bad is not None:
            np.copyto(out, voxels, where=bad)

    channel.rewrite(write)


def lines_of(voxels: FloatArray, axis: int) -> AnyArray:
    """Return the lines of k-space across one axis, complex64: the other half mirrors them.

    What weighs or mixes whole lines needs no transform along the other axes.
    """
    return np.asarray(fft.rfft(voxels, axis=axis))


def voxels_of_lines(lines: AnyArray, axis: int, voxels: int) -> FloatArray:
    """Return the voxels whose lines these are, ``voxels`` along ``axis``."""
    return np.asarray(fft.irfft(lines, voxels, axis=axis), np.float32)


def along(axis: int, values: AnyArray) -> FloatArray:
    """Return ``values`` as float32 that broadcasts over three axes, running along one of them."""
    shape = [1, 1, 1]
    shape[axis] = -1
    return np.asarray(values, np.float32).reshape(shape)
