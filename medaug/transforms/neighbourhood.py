"""Intensity transforms in which a voxel depends on its neighbours or its place."""

from __future__ import annotations

from monai.config import KeysCollection
from typing_extensions import Unpack

from medaug.intensity import BiasField, Blur, LowResolution, Median, Sharpen, ThickSlices
from medaug.ranges import (
    AxisRangesLike,
    RangeLike,
    is_one_range,
    parse_amounts,
    parse_axis_amounts,
)
from medaug.transforms.changing import RandIntensityDictTransform
from medaug.transforms.options import IntensityOptions


class RandGaussianBlurd(RandIntensityDictTransform):
    """Blur; see :class:`medaug.intensity.Blur`.

    Parameters
    ----------
    keys, prob, **options
        See :class:`RandIntensityScaled`.
    sigma_mm : range
        Standard deviation of the Gaussian. A number means itself, a pair a range for each axis,
        three entries one for each axis. 0.5 to 1.5 unless given.
    sigma_voxels : range
        The same in voxels; give one of the two.
    isotropic : bool
        Draw one standard deviation for all axes.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        sigma_mm: AxisRangesLike | None = None,
        sigma_voxels: AxisRangesLike | None = None,
        isotropic: bool = False,
        **options: Unpack[IntensityOptions],
    ) -> None:
        if sigma_mm is not None and sigma_voxels is not None:
            raise ValueError(
                f"give sigma_mm or sigma_voxels; got {sigma_mm!r} and {sigma_voxels!r}"
            )
        if sigma_voxels is None:
            name, sigma = "sigma_mm", (0.5, 1.5) if sigma_mm is None else sigma_mm
        else:
            name, sigma = "sigma_voxels", sigma_voxels
        effect = Blur(parse_axis_amounts(name, sigma), sigma_voxels is not None, isotropic)
        super().__init__(keys, prob, effect, options)


class RandSharpend(RandIntensityDictTransform):
    """Stress edges by unsharp masking; see :class:`medaug.intensity.Sharpen`.

    Parameters
    ----------
    keys, prob, **options
        See :class:`RandIntensityScaled`.
    amount : float or pair
        How much of what a blur takes away is added; a number means itself.
    sigma_mm : float or pair
        Standard deviation of that blur; a number means itself.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        amount: RangeLike = (0.0, 1.0),
        sigma_mm: RangeLike = (0.5, 1.5),
        **options: Unpack[IntensityOptions],
    ) -> None:
        effect = Sharpen(parse_amounts("amount", amount), parse_amounts("sigma_mm", sigma_mm))
        super().__init__(keys, prob, effect, options)


class RandMediand(RandIntensityDictTransform):
    """Denoise by a median filter; see :class:`medaug.intensity.Median`.

    Parameters
    ----------
    keys, prob, **options
        See :class:`RandIntensityScaled`.
    radius_voxels : float or pair
        Voxels to either side; a number means itself. 0.5 is 0 or 1 at random.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        radius_voxels: RangeLike = 1,
        **options: Unpack[IntensityOptions],
    ) -> None:
        effect = Median(parse_amounts("radius_voxels", radius_voxels))
        super().__init__(keys, prob, effect, options)


class RandLowResolutiond(RandIntensityDictTransform):
    """Throw away voxels and interpolate; see :class:`medaug.intensity.LowResolution`.

    Parameters
    ----------
    keys, prob, **options
        See :class:`RandIntensityScaled`.
    factor : range
        Share of the voxels along an axis that is kept. A number means itself. One factor for all
        axes, unless there is an entry for each.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        factor: AxisRangesLike = (0.5, 1.0),
        **options: Unpack[IntensityOptions],
    ) -> None:
        effect = LowResolution(parse_axis_amounts("factor", factor, 1.0), is_one_range(factor))
        super().__init__(keys, prob, effect, options)


class RandThickSlicesd(RandIntensityDictTransform):
    """Average over thick slices; see :class:`medaug.intensity.ThickSlices`.

    Parameters
    ----------
    keys, prob, **options
        See :class:`RandIntensityScaled`.
    thickness_mm : float or pair
        Of a slice; a number means itself.
    axis : int
        The array axis across the slices; -1 draws one for each image.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        thickness_mm: RangeLike = (2.0, 5.0),
        axis: int = -1,
        **options: Unpack[IntensityOptions],
    ) -> None:
        effect = ThickSlices(parse_amounts("thickness_mm", thickness_mm), axis)
        super().__init__(keys, prob, effect, options)


class RandBiasFieldd(RandIntensityDictTransform):
    """Multiply by a smooth field, as of a receive coil; see :class:`medaug.intensity.BiasField`.

    Parameters
    ----------
    keys, prob, **options
        See :class:`RandIntensityScaled`.
    strength : float or pair
        By how much the brightest place is brighter than the darkest, 1 meaning twice as bright; a
        number means itself.
    zero_is_low : bool
        The smallest value of the channel stands for no signal, as after a z-score, instead of 0.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        strength: RangeLike = (0.0, 0.5),
        zero_is_low: bool = True,
        **options: Unpack[IntensityOptions],
    ) -> None:
        effect = BiasField(parse_amounts("strength", strength), zero_is_low)
        super().__init__(keys, prob, effect, options)


RandGaussianBlurD = RandGaussianBlurDict = RandGaussianBlurd
RandSharpenD = RandSharpenDict = RandSharpend
RandMedianD = RandMedianDict = RandMediand
RandLowResolutionD = RandLowResolutionDict = RandLowResolutiond
RandThickSlicesD = RandThickSlicesDict = RandThickSlicesd
RandBiasFieldD = RandBiasFieldDict = RandBiasFieldd
