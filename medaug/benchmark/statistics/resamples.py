"""The random weights of both bootstraps, shared by all that is compared."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from medaug.benchmark.statistics.pairing import Values
from medaug.rng import SEED_BOUND, generator

# Matrices kept. Most measures have values of the same patients, so that few sizes come up.
_KEPT = 4


class Resamples:
    """Weights of patients, the same ones whenever there are as many patients.

    All arms, classes and measures share them: a resample is a row, and the resampled means of a
    table of differences are one matrix product.

    Parameters
    ----------
    rng : numpy.random.Generator
        Gives the seed of all weights.
    n_resamples : int
        The number of rows.
    """

    def __init__(self, rng: np.random.Generator, n_resamples: int) -> None:
        self.n_resamples = n_resamples
        self._seed = int(rng.integers(SEED_BOUND))
        self.counts = lru_cache(_KEPT)(self._counts)
        self.shares = lru_cache(_KEPT)(self._shares)

    def _counts(self, n_patients: int) -> Values:
        """Return how often each patient is drawn, array [resamples, patients]; rows sum to n."""
        rng = generator(self._seed, n_patients, 0)
        equal = np.full(n_patients, 1 / n_patients)
        return rng.multinomial(n_patients, equal, size=self.n_resamples).astype(np.float64)

    def _shares(self, n_patients: int) -> Values:
        """Return weights of the Bayesian bootstrap, array [resamples, patients]; rows sum to 1.

        They are uniform over all weights with sum 1 (Rubin 1981, Annals of Statistics 9:130-134).
        """
        rng = generator(self._seed, n_patients, 1)
        return rng.dirichlet(np.ones(n_patients), size=self.n_resamples)
