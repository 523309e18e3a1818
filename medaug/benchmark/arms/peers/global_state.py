"""The global generators, lent to a library that draws from them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def seeded_globals(seed: int) -> Iterator[None]:
    """Seed the global generators of Python, numpy and torch's CPU, and give back what they were.

    Meanwhile torch computes on one thread: on several it sums in another order, and a sample that
    is made in the training process would differ from that of a worker, which has one thread.

    Parameters
    ----------
    seed : int
        From 0 to 2**32 - 1.
    """
    threads = torch.get_num_threads()
    of_python, of_torch = random.getstate(), torch.get_rng_state()
    of_numpy = np.random.get_state()  # noqa: NPY002  # the global one is what this is about
    try:
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reach GPUs, too
        torch.set_num_threads(1)
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_rng_state(of_torch)
        np.random.set_state(of_numpy)  # noqa: NPY002
        random.setstate(of_python)
