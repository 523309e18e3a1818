"""MONAI's intensity transforms in which a voxel depends on its neighbours or its place."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real

import numpy as np
import torch
from monai.config import DtypeLike, KeysCollection
from monai.utils import InterpolateMode

from medaug.compat.monai.changing import FloatResult, MonaiIntensityTransform
from medaug.compat.monai.effects import (
    ConvolutionInZeros,
    KSpaceBall,
    LegendreField,
    ZoomOutAndIn,
)
from medaug.ranges import parse_amounts, parse_range


class RandGaussianSmoothd(MonaiIntensityTransform):
    """Smooth by a Gaussian, the same for all keys, as MONAI's ``RandGaussianSmoothd``.

    Images come out as float32. See :class:`medaug.compat.monai.effects.ConvolutionInZeros`.

    Parameters
    ----------
    keys, prob, allow_missing_keys
        See :class:`RandGaussianNoised`.
    sigma_x, sigma_y, sigma_z : pair
        Range of the standard deviation along the first, second and third spatial axis, in voxels.
    approx : {"erf", "sampled", "scalespace"}
        What the weights are.
    """

    def __init__(
        self,
        keys: KeysCollection,
        sigma_x: tuple[float, float] = (0.25, 1.5),
        sigma_y: tuple[float, float] = (0.25, 1.5),
        sigma_z: tuple[float, float] = (0.25, 1.5),
        approx: str = "erf",
        prob: float = 0.1,
        allow_missing_keys: bool = False,
    ) -> None:
        sigma = (
            parse_amounts("sigma_x", sigma_x),
            parse_amounts("sigma_y", sigma_y),
            parse_amounts("sigma_z", sigma_z),
        )
        effect = ConvolutionInZeros(sigma, approx.lower())  # type: ignore[arg-type]  # it checks
        super().__init__(keys, prob, effect, allow_missing_keys, dtype=torch.float32)


class RandBiasFieldd(MonaiIntensityTransform):
    """Multiply by a smooth field, the same for all keys, as MONAI's ``RandBiasFieldd``.

    See :class:`medaug.compat.monai.effects.LegendreField`.

    Parameters
    ----------
    keys, prob, allow_missing_keys
        See :class:`RandGaussianNoised`.
    degree : int
        Of the polynomials; at least 1.
    coeff_range : pair
        Range of their coefficients.
    dtype : dtype, optional
        Of the result; ``None`` for that of the image.
    """

    def __init__(
        self,
        keys: KeysCollection,
        degree: int = 3,
        coeff_range: tuple[float, float] = (0.0, 0.1),
        dtype: DtypeLike | torch.dtype = np.float32,
        prob: float = 0.1,
        allow_missing_keys: bool = False,
    ) -> None:
        effect = LegendreField(degree, parse_range("coeff_range", coeff_range))
        super().__init__(keys, prob, effect, allow_missing_keys, dtype=dtype)


class RandGibbsNoised(FloatResult):
    """Ring beside edges, all keys alike, as MONAI's ``RandGibbsNoised``.

    See :class:`medaug.compat.monai.effects.KSpaceBall`.

    Parameters
    ----------
    keys, prob, allow_missing_keys
        See :class:`RandGaussianNoised`.
    alpha : float or pair
        Range of the strength, within 0 to 1; a number ``a`` means 0 to ``a``.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 0.1,
        alpha: float | Sequence[float] = (0.0, 1.0),
        allow_missing_keys: bool = False,
    ) -> None:
        bounds = (0.0, float(alpha)) if isinstance(alpha, Real) else alpha
        effect = KSpaceBall(parse_range("alpha", bounds))
        super().__init__(keys, prob, effect, allow_missing_keys)


class RandSimulateLowResolutiond(MonaiIntensityTransform):
    """Resize down and up again, as MONAI's ``RandSimulateLowResolutiond``.

    Each key has a zoom of its own, and comes out as float32 whether or not the transform fires.
    See :class:`medaug.compat.monai.effects.ZoomOutAndIn`.

    Parameters
    ----------
    keys, prob, allow_missing_keys
        See :class:`RandGaussianNoised`.
    downsample_mode, upsample_mode : str
        As of ``torch.nn.functional.interpolate``; the linear ones mean linear along every axis.
    zoom_range : pair
        Range of the share of the voxels along an axis.
    align_corners : bool
        The outermost centres of both grids coincide instead of their edges; for the linear modes
        and ``bicubic``.
    device : torch.device, optional
        Takes no part, as in MONAI: images come out on the device that they are on.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 0.1,
        downsample_mode: InterpolateMode | str = InterpolateMode.NEAREST,
        upsample_mode: InterpolateMode | str = InterpolateMode.TRILINEAR,
        zoom_range: Sequence[float] = (0.5, 1.0),
        align_corners: bool = False,
        allow_missing_keys: bool = False,
        device: torch.device | None = None,  # as in MONAI
    ) -> None:
        effect = ZoomOutAndIn(
            parse_range("zoom_range", zoom_range),
            str(downsample_mode),  # type: ignore[arg-type]  # the effect checks it
            str(upsample_mode),  # type: ignore[arg-type]  # likewise
            bool(align_corners),
        )
        super().__init__(
            keys, prob, effect, allow_missing_keys, dtype=torch.float32, same_for_keys=False
        )

    def unchanged(self, image: torch.Tensor) -> torch.Tensor:
        """Return the image as float32."""
        return image.to(torch.float32)


RandGaussianSmoothD = RandGaussianSmoothDict = RandGaussianSmoothd
RandBiasFieldD = RandBiasFieldDict = RandBiasFieldd
RandGibbsNoiseD = RandGibbsNoiseDict = RandGibbsNoised
RandSimulateLowResolutionD = RandSimulateLowResolutionDict = RandSimulateLowResolutiond
