"""What a user may write for a range, and what it means.

A number stands for a symmetric range about a centre, a pair ``(low, high)`` for itself, and three
entries, each a number or a pair, for one range an axis.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

Range: TypeAlias = tuple[float, float]
AxisRanges: TypeAlias = tuple[Range, Range, Range]

#: A number or a pair.
RangeLike: TypeAlias = float | Sequence[float]
#: A number, a pair or three of them.
AxisRangesLike: TypeAlias = float | Sequence[float] | Sequence[RangeLike]


def parse_range(name: str, value: RangeLike, centre: float = 0.0) -> Range:
    """Return ``value`` as ``(low, high)``; a number means ``centre`` plus or minus it.

    Raises
    ------
    ValueError
        If it is neither a number nor a pair, is not finite, or is upside down.
    """
    if isinstance(value, (int, float)):
        low, high = centre - value, centre + value
    elif len(value) == 2:
        low, high = float(value[0]), float(value[1])
    else:
        raise ValueError(f"{name} must be a number or a pair (low, high); got {value!r}")
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"{name} must be finite; got {value!r}")
    if low > high:
        raise ValueError(f"{name} is upside down: {low} is larger than {high}; got {value!r}")
    return low, high


def parse_axis_ranges(name: str, value: AxisRangesLike, centre: float = 0.0) -> AxisRanges:
    """Return ``value`` as three ranges; a number or a pair holds for every axis."""
    if not isinstance(value, (int, float)) and len(value) == 3:
        first, second, third = (parse_range(name, entry, centre) for entry in value)
        return first, second, third
    if not isinstance(value, (int, float)) and len(value) != 2:
        raise ValueError(f"{name} must be a number, a pair or three entries; got {value!r}")
    same = parse_range(name, value, centre)  # type: ignore[arg-type]  # a pair of numbers by now
    return same, same, same


def parse_amounts(name: str, value: RangeLike) -> Range:
    """Return ``value`` as a range of non-negative amounts; a number means just itself."""
    pair = (value, value) if isinstance(value, (int, float)) else value
    low, high = parse_range(name, pair)
    if low < 0:
        raise ValueError(f"{name} must not be negative; got {value!r}")
    return low, high


def parse_probability(name: str, value: float) -> float:
    """Return ``value`` if it lies in [0, 1]."""
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must lie between 0 and 1; got {value!r}")
    return float(value)


def parse_axis_probabilities(
    name: str, value: float | Sequence[float]
) -> tuple[float, float, float]:
    """Return ``value`` as three probabilities; a number holds for every axis."""
    entries = (value,) * 3 if isinstance(value, (int, float)) else tuple(value)
    if len(entries) != 3:
        raise ValueError(f"{name} must be a number or three entries; got {value!r}")
    first, second, third = (parse_probability(name, entry) for entry in entries)
    return first, second, third
