"""Search for a better policy on inner folds, and one judgement of it on the outer test."""

from medaug.extras import optional_import

with optional_import("search", "a policy search"):
    import optuna  # noqa: F401  # every module of this package needs it

from medaug.benchmark.search.config import SearchConfig, load_search
from medaug.benchmark.search.search import SearchOutcome, run_search

__all__ = ["SearchConfig", "SearchOutcome", "load_search", "run_search"]
