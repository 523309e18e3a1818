"""Search for a better policy on inner folds, and one judgement of it on the outer test."""

from medaug.errors import InputError

try:
    import optuna  # noqa: F401  # every module of this package needs it
except ImportError as error:
    raise InputError(
        'A policy search needs optuna, which is not installed: pip install "medaug[search]".'
    ) from error

from medaug.benchmark.search.config import SearchConfig, load_search
from medaug.benchmark.search.search import SearchOutcome, run_search

__all__ = ["SearchConfig", "SearchOutcome", "load_search", "run_search"]
