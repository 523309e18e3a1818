"""Seeds and generators: the only place that turns integers into randomness.

A stream is named by a path of integers, for instance (seed, epoch, index). Two different paths give
independent streams, and the same path gives the same stream on every machine and in every worker.
"""

from __future__ import annotations

import numpy as np

#: Upper bound (exclusive) of the integer that a transform draws from MONAI's ``R`` for one sample.
SEED_BOUND = 2**32 - 1


def generator(*path: int) -> np.random.Generator:
    """Return the generator of the stream that ``path`` names.

    Parameters
    ----------
    *path : int
        One or more non-negative integers, such as ``seed, epoch, index``.

    Returns
    -------
    numpy.random.Generator
        A Philox generator. Philox is counter-based, so its streams do not overlap.
    """
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(path)))


def derive_seed(*path: int) -> int:
    """Return a 32-bit seed of the stream that ``path`` names, for APIs that take only integers."""
    return int(np.random.SeedSequence(path).generate_state(1, np.uint32)[0] % SEED_BOUND)
