"""What a search tries next."""

from __future__ import annotations

from typing import Any

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import FrozenTrial

from medaug.benchmark.search.lost import count_lost
from medaug.benchmark.streams import Stream
from medaug.rng import derive_seed


class SearchSampler(BaseSampler):
    """The multivariate tree-structured Parzen estimator, reseeded for each trial.

    What is proposed depends on the seed, the place of the trial and the trials so far, and not on
    what the process did before: a search that was stopped goes on as if it had not been. The
    estimator is that of Bergstra et al. (2011, NeurIPS) over all tunables together; trials that are
    under way count as bad ones, so that several workers do not all try the same.

    Parameters
    ----------
    seed : int
        Of the search.
    startup_trials : int
        As many trials as end before it proposes anything; until then values are uniform.
    """

    def __init__(self, seed: int, startup_trials: int) -> None:
        self._seed = seed
        self._startup_trials = startup_trials
        self._trial = -1
        self._sampler = self._seeded(0)

    def _seeded(self, place: int) -> TPESampler:
        return TPESampler(
            n_startup_trials=self._startup_trials,
            seed=derive_seed(Stream.SEARCH, self._seed, 0, place),
            multivariate=True,
            constant_liar=True,
        )

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Begin anew for a trial; those that were lost before it do not count."""
        lost = count_lost(study.get_trials(deepcopy=False)[: trial.number])
        self._sampler = self._seeded(trial.number - lost)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return what is proposed together."""
        return self._sampler.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Propose values of all tunables together."""
        return self._sampler.sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Draw a value of one tunable."""
        return self._sampler.sample_independent(study, trial, param_name, param_distribution)
