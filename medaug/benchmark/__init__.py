"""The Dice harness: the same training with each augmentation policy, and what it changed."""

from medaug.benchmark.config import BenchmarkConfig
from medaug.benchmark.harness import Outcome, run_benchmark
from medaug.benchmark.load_config import load_config
from medaug.benchmark.report.headline import headline
from medaug.benchmark.report.terminal import comparison_table

__all__ = [
    "BenchmarkConfig",
    "Outcome",
    "comparison_table",
    "headline",
    "load_config",
    "run_benchmark",
]
