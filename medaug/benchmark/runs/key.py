"""The name of one training run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RunKey:
    """One run of a benchmark.

    Attributes
    ----------
    arm : str
        Label of the arm.
    train_cases : int or 'all'
        How many cases of the fold's training part it trains on.
    fold, seed : int
        Number of the fold, and seed.
    """

    arm: str
    train_cases: int | str
    fold: int
    seed: int

    def __str__(self) -> str:
        return (
            f"arm '{self.arm}', {self.train_cases} training cases, fold {self.fold}, "
            f"seed {self.seed}"
        )
