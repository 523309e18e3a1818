"""Affine maps as MONAI draws them: in radians and voxels, about the centre of the array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from monai.config import KeysCollection, SequenceStr
from monai.transforms.utils import create_rotate, create_scale, create_shear, create_translate
from monai.utils import (
    GridSampleMode,
    GridSamplePadMode,
    ensure_tuple,
    fall_back_tuple,
    issequenceiterable,
)

from medaug.compat.monai.moving import RandMovingDropIn
from medaug.compat.monai.reading import reading_of
from medaug.geometry import AffineStage, Warp, affine_about, affine_translation
from medaug.ranges import Range, drawn_in, parse_range
from medaug.spatial import Grid, SpatialEffect, Step
from medaug.typing import Matrix


@dataclass(frozen=True)
class AffineInVoxels(SpatialEffect):
    """Rotate, shear, translate and scale the coordinates that are read, in MONAI's way.

    An output voxel at ``x`` from the centre reads the input at ``R @ S @ T @ Z @ x`` from it, with
    ``Z`` the scale, ``T`` the translation, ``S`` the shear and ``R`` the rotation. So what is seen
    moves the other way: a factor above 1 makes it smaller. Units are voxels, whatever the spacing.

    Parameters
    ----------
    rotate, shear, translate, scale : tuples of ranges
        One for each parameter that is drawn, in the order of MONAI's matrices; further ones are
        neutral. Angles are in radians, shears are entries of the matrix, and 1 is added to scales.
    """

    rotate: tuple[Range, ...] = ()
    shear: tuple[Range, ...] = ()
    translate: tuple[Range, ...] = ()
    scale: tuple[Range, ...] = ()

    def at_magnitude(self, magnitude: float) -> AffineInVoxels:
        """Return the effect with its parameters nearer to none."""
        nearer = {
            name: tuple(drawn_in(bounds, magnitude) for bounds in getattr(self, name))
            for name in ("rotate", "shear", "translate", "scale")
        }
        return replace(self, **nearer)

    def sample(self, rng: np.random.Generator, grid: Grid) -> Warp:
        """Draw the parameters and return the pull-back."""
        rotate, shear, translate, scale = (
            [rng.uniform(low, high) for low, high in ranges]
            for ranges in (self.rotate, self.shear, self.translate, self.scale)
        )
        linear = affine_of(grid.rank, rotate, shear, translate, [1.0 + s for s in scale])
        return Warp(grid.shape, (AffineStage(affine_about(linear, grid.centre)),))


@dataclass(frozen=True)
class Recentre(SpatialEffect):
    """Look through a grid of another size with the same centre.

    Where the sizes differ by an odd number, the centre lies between voxels, and all are read
    halfway.

    Parameters
    ----------
    size : int or sequence of ints, optional
        Voxels along each axis; ``None`` and what is not positive keep those of the grid.
    """

    reframes: ClassVar[bool] = True
    size: Any

    def sample(self, rng: np.random.Generator, grid: Grid) -> Warp:
        """Return the pull-back."""
        sizes = fall_back_tuple(self.size, grid.shape[: grid.rank])
        first, second, third = (int(n) for n in (*sizes, *grid.shape[grid.rank :]))
        start = grid.centre - (np.array([first, second, third]) - 1) / 2
        return Warp((first, second, third), (AffineStage(affine_translation(start)),))


def affine_of(
    rank: int,
    rotate: Sequence[float],
    shear: Sequence[float],
    translate: Sequence[float],
    scale: Sequence[float],
) -> Matrix:
    """Return MONAI's matrix of the parameters for images of ``rank`` axes, float64 [4, 4].

    Raises
    ------
    ValueError
        If it cannot be inverted, as at a scale of 0.
    """
    matrix = np.eye(rank + 1)
    for create, parameters in (
        (create_rotate, rotate),
        (create_shear, shear),
        (create_translate, translate),
        (create_scale, scale),
    ):
        if parameters:
            matrix = matrix @ np.asarray(create(rank, parameters), np.float64)
    if abs(np.linalg.det(matrix)) < 1e-6:
        raise ValueError(
            "the affine map that was drawn cannot be inverted; draw scale_range in from -1 and "
            f"shear_range from 1 (scale {list(scale)}, shear {list(shear)})"
        )
    embedded, axes = np.eye(4), [*range(rank), 3]
    embedded[np.ix_(axes, axes)] = matrix
    return embedded


def ranges_of(name: str, value: Any) -> tuple[Range, ...]:
    """Return MONAI's notation for ranges as pairs, one for each parameter.

    A number ``x`` stands for ``-x`` to ``x``, a pair of numbers inside the sequence for itself. A
    number in place of the sequence is the range of the first parameter alone.
    """
    return tuple(
        parse_range(name, sorted(entry) if issequenceiterable(entry) else abs(entry))
        for entry in ensure_tuple(value)
        if entry is not None
    )


def moves_of(
    rotate: Any, shear: Any, translate: Any, scale: Any, spatial_size: Any
) -> tuple[Step, Step]:
    """Return the affine step and, whether or not it fires, the cut to ``spatial_size``."""
    affine = AffineInVoxels(
        ranges_of("rotate_range", rotate),
        ranges_of("shear_range", shear),
        ranges_of("translate_range", translate),
        ranges_of("scale_range", scale),
    )
    return Step(affine), Step(Recentre(spatial_size), always=True)


class RandAffined(RandMovingDropIn):
    """Rotate, shear, translate and scale, with MONAI's arguments and meaning.

    All keys must be of one spatial shape and share the map; all come out as float32, as MONAI's do.
    See :class:`medaug.compat.monai.affine.AffineInVoxels` for the order and the signs.

    Parameters
    ----------
    keys : str or sequence of str
        Arrays or tensors [C, I, J, K] or [C, I, J].
    spatial_size : int or sequence of ints, optional
        Output size in voxels about the centre, whether or not the transform fires; ``None`` and
        what is not positive keep the input's.
    prob : float
        Probability that a sample is changed.
    rotate_range : number or sequence, optional
        Radians about each array axis, or the one angle of a plane. A number ``x`` in a sequence
        means ``-x`` to ``x``, a pair itself. A number alone is that of the first axis only.
    shear_range : number or sequence, optional
        Entries of the shear matrix: six in three dimensions, two in a plane.
    translate_range : number or sequence, optional
        Voxels along each axis; a positive shift moves what is seen towards smaller indices.
    scale_range : number or sequence, optional
        Scale along each axis, less 1; a positive one makes what is seen smaller.
    mode : str or int, or one for each key
        ``bilinear``, ``nearest``, or the order of a spline: 0, 1 or 3. Others raise an error.
    padding_mode : str, or one for each key
        ``zeros``, ``border`` or ``reflection``; with the order of a spline also scipy's names but
        those that wrap around. ``constant`` fades out over one voxel, where scipy cuts; a spline of
        order 3 takes the volume to be mirrored about its outermost voxels whatever the padding.
    cache_grid, device : optional
        Taken and without effect: there is no grid, and voxels are read where they live.
    allow_missing_keys : bool
        Skip keys that a sample does not have, instead of raising ``KeyError``.
    lazy : bool
        Taken and without effect: the voxels are read at once. MONAI's ``Compose`` then first does
        what the transforms before have put off, so the result is right.
    """

    def __init__(
        self,
        keys: KeysCollection,
        spatial_size: Sequence[int] | int | None = None,
        prob: float = 0.1,
        rotate_range: Sequence[tuple[float, float] | float] | float | None = None,
        shear_range: Sequence[tuple[float, float] | float] | float | None = None,
        translate_range: Sequence[tuple[float, float] | float] | float | None = None,
        scale_range: Sequence[tuple[float, float] | float] | float | None = None,
        mode: SequenceStr = GridSampleMode.BILINEAR,
        padding_mode: SequenceStr = GridSamplePadMode.REFLECTION,
        cache_grid: bool = False,  # MONAI's signature
        device: torch.device | None = None,  # MONAI's signature
        allow_missing_keys: bool = False,
        lazy: bool = False,  # MONAI's signature
    ) -> None:
        steps = moves_of(rotate_range, shear_range, translate_range, scale_range, spatial_size)
        options = reading_of(len(ensure_tuple(keys)), mode, padding_mode)
        options["allow_missing_keys"] = allow_missing_keys
        super().__init__(keys, prob, steps, options, gives_float32=True)


RandAffineD = RandAffineDict = RandAffined
