"""What the ranges of several effects must keep to."""

from __future__ import annotations

import numpy as np

from medaug.ranges import Range


def check_share(name: str, bounds: Range) -> None:
    """Raise ``ValueError`` unless the range lies in [0, 1]."""
    if not 0 <= bounds[0] <= bounds[1] <= 1:
        raise ValueError(f"{name} must lie between 0 and 1; got {bounds}")


def check_counts(name: str, bounds: Range, least: int) -> None:
    """Raise ``ValueError`` unless both ends are whole numbers from ``least`` on."""
    if bounds[0] < least or any(end % 1 for end in bounds):
        raise ValueError(f"{name} must be whole numbers from {least} on; got {bounds}")


def draw_count(rng: np.random.Generator, bounds: Range) -> int:
    """Draw a whole number; both ends belong to the range."""
    return int(rng.integers(int(bounds[0]), int(bounds[1]) + 1))
