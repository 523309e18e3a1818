"""Intensity transforms that change each voxel by itself."""

from __future__ import annotations

from typing import get_args

from monai.config import KeysCollection
from typing_extensions import Unpack

from medaug.intensity import Contrast, Distribution, Gamma, IntensityScale
from medaug.ranges import RangeLike, parse_probability, parse_range
from medaug.resample import check_choice
from medaug.transforms.changing import RandIntensityDictTransform
from medaug.transforms.options import IntensityOptions


class RandIntensityScaled(RandIntensityDictTransform):
    """Multiply intensities, as gain varies between scanners; see :class:`IntensityScale`.

    Parameters
    ----------
    keys : str or sequence of str
        Images [C, I, J, K] or [C, I, J].
    prob : float
        Probability that an image is changed.
    factor : float or pair
        Range of the factor; a number ``s`` means ``1 - s`` to ``1 + s``.
    distribution : {"uniform", "log_uniform", "balanced"}
        How it is drawn; ``balanced`` is as often below 1 as above, uniform on either side.
    **options
        ``per_channel``, ``channel_prob``, ``foreground``, ``keep_range`` and
        ``allow_missing_keys``: see :class:`medaug.transforms.options.IntensityOptions`.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        factor: RangeLike = 0.25,
        distribution: Distribution = "uniform",
        **options: Unpack[IntensityOptions],
    ) -> None:
        check_choice("distribution", distribution, get_args(Distribution))
        effect = IntensityScale(parse_range("factor", factor, 1.0), distribution)
        super().__init__(keys, prob, effect, options)


class RandContrastd(RandIntensityDictTransform):
    """Scale intensities about the mean of the channel; see :class:`Contrast`.

    Parameters
    ----------
    keys, prob, factor, distribution, **options
        See :class:`RandIntensityScaled`.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        factor: RangeLike = 0.25,
        distribution: Distribution = "uniform",
        **options: Unpack[IntensityOptions],
    ) -> None:
        check_choice("distribution", distribution, get_args(Distribution))
        effect = Contrast(parse_range("factor", factor, 1.0), distribution)
        super().__init__(keys, prob, effect, options)


class RandGammad(RandIntensityDictTransform):
    """Bend the intensity curve by a random exponent; see :class:`Gamma`.

    Parameters
    ----------
    keys, prob, **options
        See :class:`RandIntensityScaled`.
    gamma : float or pair
        Range of the exponent; a number ``g`` means ``1 - g`` to ``1 + g``.
    distribution : {"log_uniform", "uniform", "balanced"}
        How it is drawn.
    negate_prob : float
        Probability that the curve is bent from the bright end, as of the negated image.
    keep_stats : bool
        Restore mean and standard deviation of each channel afterwards.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        gamma: RangeLike = (0.7, 1.5),
        distribution: Distribution = "log_uniform",
        negate_prob: float = 0.0,
        keep_stats: bool = False,
        **options: Unpack[IntensityOptions],
    ) -> None:
        check_choice("distribution", distribution, get_args(Distribution))
        effect = Gamma(
            parse_range("gamma", gamma, 1.0),
            distribution,
            parse_probability("negate_prob", negate_prob),
            keep_stats,
        )
        super().__init__(keys, prob, effect, options)


RandIntensityScaleD = RandIntensityScaleDict = RandIntensityScaled
RandContrastD = RandContrastDict = RandContrastd
RandGammaD = RandGammaDict = RandGammad
