"""Intensity transforms: the values of images change, where they lie does not."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from typing import Any, Literal

import numpy as np
from monai.config import KeysCollection

from medaug.intensity import Gamma, ImageFacts, IntensityEffect, IntensityScale, Noise
from medaug.ranges import RangeLike, parse_amounts, parse_range
from medaug.resample import check_choice
from medaug.transforms.base import RandDictTransform, Record, Sample
from medaug.transforms.tensors import array_of, volume_like


class RandIntensityDictTransform(RandDictTransform):
    """Base of the intensity transforms: one effect, with parameters of its own for each key.

    Images come out as float32, whether or not the transform fires.
    """

    def __init__(
        self, keys: KeysCollection, prob: float, allow_missing_keys: bool, effect: IntensityEffect
    ) -> None:
        super().__init__(keys, prob, allow_missing_keys)
        self.effect = effect

    def sample(self, data: Mapping[Hashable, Any], rng: np.random.Generator) -> Record:
        """Return ``{"parameters": {key: ...}}``, empty where the transform does not fire."""
        if not self.fires(rng):
            return {"parameters": {}}
        return {
            "parameters": {
                key: self.effect.sample(rng, ImageFacts(len(array_of(data[key], key))))
                for key in self.key_iterator(dict(data))
            }
        }

    def apply(self, data: Mapping[Hashable, Any], record: Record) -> Sample:
        """Change every key by its parameters in ``record``."""
        d, encoded = dict(data), json.dumps(record)
        for key in self.key_iterator(d):
            original = d[key]
            values = array_of(original, key).astype(np.float32, copy=False)
            if key in record["parameters"]:
                values = self.effect.apply(values, record["parameters"][key])
            d[key] = volume_like(values, original)
            self.trace(d, key, original, encoded)
        return d

    def inverse(self, data: Mapping[Hashable, Any]) -> Sample:
        """Forget that the transform took place.

        MONAI inverts in order to bring a prediction back to the grid of its scan; a change of
        intensities has not moved anything, so there is nothing to bring back.
        """
        d = dict(data)
        for key in self.key_iterator(d):
            d[key] = volume_like(array_of(d[key], key), d[key])
            self.untrace(d, key)
        return d


class RandIntensityScaled(RandIntensityDictTransform):
    """Scale intensities about the mean or zero, as gain and contrast vary between scanners.

    Parameters
    ----------
    keys : str or sequence of str
        Images [C, I, J, K] or [C, I, J].
    prob : float
        Probability that a sample is changed.
    factor : float or pair
        Range of the factor; a number ``s`` means ``1 - s`` to ``1 + s``.
    about : {"mean", "zero"}
        The intensity that stays: the mean of the channel or zero.
    per_channel : bool
        A factor for each channel instead of one for all.
    allow_missing_keys : bool
        Skip keys that a sample does not have.

    See Also
    --------
    medaug.intensity.IntensityScale : the formula.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        factor: RangeLike = 0.25,
        about: Literal["mean", "zero"] = "mean",
        per_channel: bool = False,
        allow_missing_keys: bool = False,
    ) -> None:
        check_choice("about", about, ("mean", "zero"))
        effect = IntensityScale(parse_range("factor", factor, 1.0), about, per_channel)
        super().__init__(keys, prob, allow_missing_keys, effect)


class RandGammad(RandIntensityDictTransform):
    """Bend the intensity curve by a random exponent.

    Parameters
    ----------
    keys : str or sequence of str
        Images [C, I, J, K] or [C, I, J].
    prob : float
        Probability that a sample is changed.
    gamma : float or pair
        Range of the exponent; a number ``g`` means ``1 - g`` to ``1 + g``.
    per_channel : bool
        An exponent for each channel instead of one for all.
    keep_stats : bool
        Restore mean and standard deviation of each channel afterwards.
    allow_missing_keys : bool
        Skip keys that a sample does not have.

    See Also
    --------
    medaug.intensity.Gamma : the formula.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        gamma: RangeLike = (0.7, 1.5),
        per_channel: bool = False,
        keep_stats: bool = False,
        allow_missing_keys: bool = False,
    ) -> None:
        effect = Gamma(parse_range("gamma", gamma, 1.0), per_channel, keep_stats)
        super().__init__(keys, prob, allow_missing_keys, effect)


class RandNoised(RandIntensityDictTransform):
    """Add Gaussian noise.

    Parameters
    ----------
    keys : str or sequence of str
        Images [C, I, J, K] or [C, I, J].
    prob : float
        Probability that a sample is changed.
    std : float or pair
        Range of the standard deviation in the units of the image; a number means itself.
    per_channel : bool
        A standard deviation for each channel instead of one for all.
    allow_missing_keys : bool
        Skip keys that a sample does not have.

    See Also
    --------
    medaug.intensity.Noise : the formula.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        std: RangeLike = (0.0, 0.1),
        per_channel: bool = False,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(
            keys, prob, allow_missing_keys, Noise(parse_amounts("std", std), per_channel)
        )


RandIntensityScaleD = RandIntensityScaleDict = RandIntensityScaled
RandGammaD = RandGammaDict = RandGammad
RandNoiseD = RandNoiseDict = RandNoised
