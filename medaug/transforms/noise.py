"""Intensity transforms that add noise."""

from __future__ import annotations

from monai.config import KeysCollection
from typing_extensions import Unpack

from medaug.intensity import GaussianNoise, PoissonNoise, RicianNoise
from medaug.ranges import RangeLike, parse_amounts
from medaug.transforms.changing import RandIntensityDictTransform
from medaug.transforms.options import IntensityOptions


class RandGaussianNoised(RandIntensityDictTransform):
    """Add Gaussian noise; see :class:`medaug.intensity.GaussianNoise`.

    Parameters
    ----------
    keys, prob, **options
        See :class:`RandIntensityScaled`. Channels share the standard deviation unless
        ``per_channel``, but never the noise itself.
    std : float or pair
        Range of the standard deviation in the units of the image; a number means itself.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        std: RangeLike = (0.0, 0.1),
        **options: Unpack[IntensityOptions],
    ) -> None:
        super().__init__(keys, prob, GaussianNoise(parse_amounts("std", std)), options)


class RandRicianNoised(RandIntensityDictTransform):
    """Give a magnitude image of MR its noise; see :class:`medaug.intensity.RicianNoise`.

    Parameters
    ----------
    keys, prob, std, **options
        See :class:`RandGaussianNoised`.
    zero_is_low : bool
        The smallest value of the channel stands for no signal, as after a z-score, instead of 0.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        std: RangeLike = (0.0, 0.1),
        zero_is_low: bool = False,
        **options: Unpack[IntensityOptions],
    ) -> None:
        super().__init__(keys, prob, RicianNoise(parse_amounts("std", std), zero_is_low), options)


class RandPoissonNoised(RandIntensityDictTransform):
    """Give an image the noise of counted photons; see :class:`medaug.intensity.PoissonNoise`.

    Parameters
    ----------
    keys, prob, **options
        See :class:`RandGaussianNoised`.
    peak : float or pair
        Expected count where the channel is brightest; a number means itself. Noise, whose relative
        standard deviation is there ``1 / sqrt(peak)``, is uniform between what the ends give.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        peak: RangeLike = (100.0, 10000.0),
        **options: Unpack[IntensityOptions],
    ) -> None:
        super().__init__(keys, prob, PoissonNoise(parse_amounts("peak", peak)), options)


RandGaussianNoiseD = RandGaussianNoiseDict = RandGaussianNoised
RandRicianNoiseD = RandRicianNoiseDict = RandRicianNoised
RandPoissonNoiseD = RandPoissonNoiseDict = RandPoissonNoised
