"""What a user may write for a size or a spacing, and the shape that it means for a grid."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from numbers import Real
from typing import TypeAlias

from medaug.geometry import Shape
from medaug.spatial.grid import Grid

#: One number for all axes, or one for each; -1 keeps an axis.
SizeLike: TypeAlias = int | Sequence[int]
#: One number for all axes, or one for each.
SpacingLike: TypeAlias = float | Sequence[float]


def parse_size(size: SizeLike | None) -> SizeLike | None:
    """Return ``size``, an int or a tuple, if some grid could have it.

    Raises
    ------
    ValueError
        If an entry is zero or below -1, or there are not two or three of them.
    TypeError
        If an entry is no whole number.
    """
    if size is None:
        return None
    entries = tuple(size) if isinstance(size, Iterable) else (size,)
    if any(not isinstance(n, Real) or n % 1 != 0 for n in entries):
        raise TypeError(f"spatial_size must be whole numbers; got {size!r}")
    per_axis = isinstance(size, Iterable)
    if any(n == 0 or n < -1 for n in entries) or (per_axis and len(entries) not in (2, 3)):
        raise ValueError(
            "spatial_size must be a positive number or one for each axis, or -1 to keep an axis; "
            f"got {size!r}"
        )
    return tuple(int(n) for n in entries) if per_axis else int(entries[0])


def shape_of(size: SizeLike | None, grid: Grid) -> Shape:
    """Return the shape that ``size`` asks for; ``None`` and -1 keep that of ``grid``.

    Raises
    ------
    ValueError
        If there are not as many entries as axes.
    """
    if size is None:
        return grid.shape
    entries = (size,) * grid.rank if isinstance(size, int) else tuple(size)
    if len(entries) != grid.rank:
        raise ValueError(
            f"spatial_size must have {grid.rank} entries, one for each axis; got {size}"
        )
    first, second, third = (
        n if wanted == -1 else wanted
        for n, wanted in zip(grid.shape, (*entries, -1)[:3], strict=True)
    )
    return first, second, third


def parse_spacing_mm(spacing_mm: SpacingLike) -> SpacingLike:
    """Return ``spacing_mm``, a float or a tuple, if some grid could have it.

    Raises
    ------
    ValueError
        If an entry is not finite and positive, or there are not two or three of them.
    TypeError
        If an entry is no number.
    """
    per_axis = isinstance(spacing_mm, Iterable)
    entries = tuple(spacing_mm) if isinstance(spacing_mm, Iterable) else (spacing_mm,)
    if any(not isinstance(n, Real) for n in entries):
        raise TypeError(f"spacing_mm must be numbers; got {spacing_mm!r}")
    if any(not 0 < n < math.inf for n in entries) or (per_axis and len(entries) not in (2, 3)):
        raise ValueError(
            f"spacing_mm must be a positive number or one for each axis; got {spacing_mm!r}"
        )
    return tuple(float(n) for n in entries) if per_axis else float(entries[0])


def spacing_of(spacing_mm: SpacingLike, grid: Grid) -> tuple[float, float, float]:
    """Return the spacing that ``spacing_mm`` asks for; the axis behind a plane keeps its own.

    Raises
    ------
    ValueError
        If there are not as many entries as axes.
    """
    if isinstance(spacing_mm, (int, float)):
        entries: tuple[float, ...] = (spacing_mm,) * grid.rank
    else:
        entries = tuple(spacing_mm)
    if len(entries) != grid.rank:
        raise ValueError(
            f"spacing_mm must have {grid.rank} entries, one for each axis; got {spacing_mm}"
        )
    first, second, third = (*entries, float(grid.spacing_mm[2]))[:3]
    return first, second, third
