"""Where a lesion fits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from medaug.typing import AnyArray

#: So many places are tried, each in well under a millisecond.
TRIES = 500


def draw_offset(
    rng: np.random.Generator,
    core: AnyArray,
    host: AnyArray,
    taken: AnyArray,
    min_inside: float,
) -> list[int] | None:
    """Draw by how many voxels a lesion moves; all places where it fits have the same chance.

    Parameters
    ----------
    rng : numpy.random.Generator
    core : array of int [N, 3]
        Its voxels.
    host : array of bool [I, J, K]
        Where it may be; its central voxel must be there.
    taken : array of bool [I, J, K]
        What none of it may touch.
    min_inside : float
        Share of its voxels that must lie in ``host``.

    Returns
    -------
    list of 3 ints, or None
        ``None`` if :data:`TRIES` places were none.
    """
    centres = np.flatnonzero(host)
    if not len(core) or not len(centres):
        return None
    middle = core[np.argmin(((core - core.mean(axis=0)) ** 2).sum(axis=1))]
    picked = centres[rng.integers(len(centres), size=TRIES)]
    for centre in np.stack(np.unravel_index(picked, host.shape), axis=1):
        offset = [int(step) for step in centre - middle]
        if fits(core, offset, host, taken, min_inside):
            return offset
    return None


def fits(
    core: AnyArray, offset: Sequence[int], host: AnyArray, taken: AnyArray, min_inside: float
) -> bool:
    """Tell whether a lesion that is moved by ``offset`` lies where it may."""
    where = core + np.asarray(offset)
    if (where.min(axis=0) < 0).any() or (where.max(axis=0) >= host.shape).any():
        return False
    index = tuple(where.T)
    return bool(not taken[index].any() and host[index].mean() >= min_inside)


def same_place(core: AnyArray, from_shape: Sequence[int], to_shape: Sequence[int]) -> list[int]:
    """Return the offset to the same relative place in the field of view.

    It is 0 where both have one shape.
    """
    middle = (core.min(axis=0) + core.max(axis=0)) / 2
    last = np.maximum(np.asarray(from_shape) - 1, 1)
    target = middle * (np.asarray(to_shape) - 1) / last
    return [int(step) for step in np.rint(target - middle)]
