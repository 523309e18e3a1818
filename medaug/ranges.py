"""What a user may write for a range, and what it means.

A number stands for a symmetric range about a centre, a pair ``(low, high)`` for itself, and three
entries, each a number or a pair, for one range an axis; two pairs are the axes of a plane.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any, NamedTuple, TypeAlias

Range: TypeAlias = tuple[float, float]
AxisRanges: TypeAlias = tuple[Range, Range, Range]


class Strength(NamedTuple):
    """How much of an augmentation to take, each from 0 for nothing to 1 for what was configured.

    Attributes
    ----------
    magnitude : float
        Of the changes: ranges are drawn in towards no change.
    prob : float
        Of their happening: probabilities are multiplied by it.
    """

    magnitude: float = 1.0
    prob: float = 1.0


FULL = Strength()

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
    if isinstance(value, Real):
        low, high = centre - float(value), centre + float(value)
    else:
        pair = _entries(name, value)
        if len(pair) != 2:
            raise ValueError(f"{name} must be a number or a pair (low, high); got {value!r}")
        low, high = float(pair[0]), float(pair[1])
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"{name} must be finite; got {value!r}")
    if low > high:
        raise ValueError(f"{name} is upside down: {low} is larger than {high}; got {value!r}")
    return low, high


def is_one_range(value: AxisRangesLike) -> bool:
    """Tell whether ``value`` is a number or a pair of numbers, which holds for every axis."""
    if isinstance(value, Real):
        return True
    entries = _entries("a range", value)
    return len(entries) == 2 and all(isinstance(entry, Real) for entry in entries)


def parse_axis_ranges(name: str, value: AxisRangesLike, centre: float = 0.0) -> AxisRanges:
    """Return ``value`` as three ranges; a number or a pair of numbers holds for every axis.

    Two pairs are the axes of a two-dimensional image.
    """
    entries = () if isinstance(value, Real) else _entries(name, value)
    if is_one_range(value):
        same = parse_range(name, value, centre)  # type: ignore[arg-type]  # a number or a pair
        return same, same, same
    if len(entries) not in (2, 3):
        raise ValueError(f"{name} must be a number, a pair or one for each axis; got {value!r}")
    first, second, third = (
        parse_range(name, entry, centre) for entry in [*entries, (centre, centre)][:3]
    )
    return first, second, third


def parse_amounts(name: str, value: RangeLike) -> Range:
    """Return ``value`` as a range of non-negative amounts; a number means just itself."""
    pair = (float(value), float(value)) if isinstance(value, Real) else value
    low, high = parse_range(name, pair)
    if low < 0:
        raise ValueError(f"{name} must not be negative; got {value!r}")
    return low, high


def parse_axis_amounts(name: str, value: AxisRangesLike, flat: float = 0.0) -> AxisRanges:
    """Return ``value`` as three ranges of non-negative amounts; a number means just itself.

    Two pairs are the axes of a two-dimensional image; the third is then ``flat``.
    """
    if is_one_range(value):
        same = parse_amounts(name, value)  # type: ignore[arg-type]  # a number or a pair
        return same, same, same
    entries = _entries(name, value)
    if len(entries) not in (2, 3):
        raise ValueError(f"{name} must be a number, a pair or one for each axis; got {value!r}")
    first, second, third = (parse_amounts(name, entry) for entry in [*entries, flat][:3])
    return first, second, third


def parse_probability(name: str, value: float) -> float:
    """Return ``value`` if it lies in [0, 1]."""
    if not isinstance(value, Real):
        raise TypeError(f"{name} must be a number; got {value!r}")
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must lie between 0 and 1; got {value!r}")
    return float(value)


def parse_axis_probabilities(
    name: str, value: float | Sequence[float]
) -> tuple[float, float, float]:
    """Return ``value`` as three probabilities; a number holds for every axis."""
    entries = (float(value),) * 3 if isinstance(value, Real) else _entries(name, value)
    if len(entries) not in (2, 3):
        raise ValueError(f"{name} must be a number or one for each axis; got {value!r}")
    first, second, third = (parse_probability(name, entry) for entry in (*entries, 0.0)[:3])
    return first, second, third


def _entries(name: str, value: Any) -> tuple[Any, ...]:
    if not isinstance(value, Iterable) or isinstance(value, str):
        raise TypeError(f"{name} must be a number or a sequence of numbers; got {value!r}")
    return tuple(value)


def drawn_in(bounds: Range, magnitude: float, neutral: float = 0.0) -> Range:
    """Return a range drawn in towards ``neutral``: itself at magnitude 1, and a point at 0.

    >>> drawn_in((0.5, 3.0), 0.5, neutral=1.0)
    (0.75, 2.0)
    """
    low, high = (magnitude * end + (1.0 - magnitude) * neutral for end in bounds)
    return low, high


def axes_drawn_in(ranges: AxisRanges, magnitude: float, neutral: float = 0.0) -> AxisRanges:
    """Return three ranges drawn in; see :func:`drawn_in`."""
    first, second, third = (drawn_in(bounds, magnitude, neutral) for bounds in ranges)
    return first, second, third
