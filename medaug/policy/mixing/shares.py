"""The share that a donor gets."""

from __future__ import annotations

import math

import numpy as np


def check_shares(alpha: float, max_share: float) -> None:
    """Raise ``ValueError`` unless shares can be drawn."""
    if not (math.isfinite(alpha) and alpha > 0):
        raise ValueError(f"alpha must be a number above 0; got {alpha!r}")
    if not 0 <= max_share <= 1:
        raise ValueError(f"max_share must lie between 0 and 1; got {max_share!r}")


def draw_share(rng: np.random.Generator, alpha: float, max_share: float) -> float:
    """Draw ``max_share`` times a variate of Beta(alpha, alpha)."""
    return max_share * float(rng.beta(alpha, alpha))
