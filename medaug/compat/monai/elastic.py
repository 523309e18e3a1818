"""Elastic deformation with the strength and the smoothness of MONAI's, which never folds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from monai.config import KeysCollection, SequenceStr
from monai.utils import GridSampleMode, GridSamplePadMode, ensure_tuple

from medaug.compat.monai.affine import moves_of
from medaug.compat.monai.moving import RandMovingDropIn
from medaug.compat.monai.reading import reading_of
from medaug.geometry import VARIANCE_FACTOR, Warp
from medaug.ranges import Range, drawn_in, parse_range
from medaug.spatial import Elastic, Grid, SpatialEffect, Step

#: Below, the displacement is a jitter of single voxels, which no spline follows.
LEAST_SIGMA_VOXELS = 1.0


@dataclass(frozen=True)
class SmoothedNoise(SpatialEffect):
    r"""Deform as smoothed noise does, on a B-spline lattice.

    MONAI draws a uniform number in [-1, 1] for each voxel and axis, of variance 1/3, smooths by a
    Gaussian of ``sigma`` voxels and multiplies by ``magnitude``. Its kernel is the Gaussian's mean
    over each voxel, of standard deviation ``s = sqrt(sigma^2 + 1/12)``, and the sum of its squares
    along an axis is ``S = 1 / (2 s sqrt(pi))``. In three dimensions the displacement has hence the

    - standard deviation ``magnitude / sqrt(3) * S^(3/2)`` along each axis, and the
    - correlation length (the integral of its autocorrelation along an axis) ``1 / S``.

    A cubic B-spline lattice of spacing ``h`` with independent control displacements has the
    correlation length ``h * 315 / 151``, so ``h = 151/315 / S``, about ``1.7 sigma``; its standard
    deviation is set to the same. See :class:`medaug.spatial.Elastic`, which makes the lattice, for
    the constants and for how it never folds.

    Near the border MONAI's field is weaker, since its noise ends there; this one is alike
    everywhere.

    Parameters
    ----------
    sigma, magnitude : ranges
        In voxels.
    """

    sigma: Range
    magnitude: Range

    def __post_init__(self) -> None:
        if self.sigma[0] < LEAST_SIGMA_VOXELS:
            raise ValueError(
                f"sigma_range must not go below {LEAST_SIGMA_VOXELS:g} voxel, where displacements "
                f"are a jitter of single voxels; got {self.sigma}"
            )

    def at_magnitude(self, magnitude: float) -> SmoothedNoise:
        """Return the effect with smaller displacements."""
        return replace(self, magnitude=drawn_in(self.magnitude, magnitude))

    def sample(self, rng: np.random.Generator, grid: Grid) -> Warp:
        """Draw strength, smoothness and a lattice, and return the pull-back."""
        magnitude, sigma = abs(rng.uniform(*self.magnitude)), rng.uniform(*self.sigma)
        squares = 1.0 / (2.0 * math.sqrt((sigma**2 + 1.0 / 12.0) * math.pi))
        # Along an axis of one voxel nothing averages but the kernel's middle weight.
        middle = math.erf(0.5 / (sigma * math.sqrt(2.0))) ** 2
        along = np.where(grid.is_flat, middle, squares)
        std = magnitude / math.sqrt(3.0) * math.sqrt(along.prod())
        spacing = VARIANCE_FACTOR / squares
        in_voxels = Grid(grid.shape, np.eye(4), grid.rank)
        return Elastic((spacing, spacing), (std, std)).sample(rng, in_voxels)


class Rand3DElasticd(RandMovingDropIn):
    """Deform and move, with MONAI's arguments, in one resample that never folds.

    The displacement has the standard deviation and the correlation length of MONAI's (see
    :class:`medaug.compat.monai.elastic.SmoothedNoise`). The affine part is that of
    :class:`RandAffined`.

    Three things differ from MONAI's. Where its field could fold, at a ``magnitude`` above about
    ``1.5 * sigma ** 2.5``, this one is a composition of weaker ones that is as smooth, does not
    fold, and falls a little short of the standard deviation. The affine of the metadata follows
    the affine part, which MONAI's does not record. And it inverts.

    Parameters
    ----------
    keys, spatial_size, prob, rotate_range, shear_range, translate_range, scale_range, mode, \
padding_mode, device, allow_missing_keys
        See :class:`RandAffined`; images must have three dimensions.
    sigma_range : pair of floats
        Standard deviation of the Gaussian that smooths the noise, in voxels; 1 at least.
    magnitude_range : pair of floats
        What the smoothed noise is multiplied by.
    """

    def __init__(
        self,
        keys: KeysCollection,
        sigma_range: tuple[float, float],
        magnitude_range: tuple[float, float],
        spatial_size: tuple[int, int, int] | int | None = None,
        prob: float = 0.1,
        rotate_range: Sequence[tuple[float, float] | float] | float | None = None,
        shear_range: Sequence[tuple[float, float] | float] | float | None = None,
        translate_range: Sequence[tuple[float, float] | float] | float | None = None,
        scale_range: Sequence[tuple[float, float] | float] | float | None = None,
        mode: SequenceStr = GridSampleMode.BILINEAR,
        padding_mode: SequenceStr = GridSamplePadMode.REFLECTION,
        device: torch.device | None = None,  # MONAI's signature
        allow_missing_keys: bool = False,
    ) -> None:
        noise = SmoothedNoise(
            parse_range("sigma_range", sorted(sigma_range)),
            parse_range("magnitude_range", sorted(magnitude_range)),
        )
        moves = moves_of(rotate_range, shear_range, translate_range, scale_range, spatial_size)
        options = reading_of(len(ensure_tuple(keys)), mode, padding_mode)
        options["allow_missing_keys"] = allow_missing_keys
        super().__init__(keys, prob, (*moves, Step(noise)), options, gives_float32=True)

    def check_grid(self, grid: Grid) -> None:
        """Refuse images that do not have three dimensions."""
        if grid.rank != 3:
            raise ValueError(f"Rand3DElasticd takes three-dimensional images; got {grid.rank}D")
        super().check_grid(grid)


Rand3DElasticD = Rand3DElasticDict = Rand3DElasticd
