"""What MONAI means by a number or a pair for a range."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real

from medaug.ranges import Range, RangeLike, parse_range


def symmetric_range(name: str, value: RangeLike) -> Range:
    """Return ``value`` as a range; a number means from its negative on, and a pair is sorted."""
    if isinstance(value, Real):
        value = (-float(value), float(value))
    return sorted_range(name, value)


def sorted_range(name: str, value: RangeLike) -> Range:
    """Return a pair of numbers in either order as a range.

    Raises
    ------
    ValueError
        If it is no pair of finite numbers.
    """
    if not isinstance(value, Sequence) or len(value) != 2:
        raise ValueError(f"{name} must be a number or a pair of numbers; got {value!r}")
    return parse_range(name, sorted(value))
