"""MONAI's intensity transforms that add noise."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import DtypeLike, KeysCollection

from medaug.compat.monai.changing import NoiseTransform
from medaug.compat.monai.effects import ForChannels, MagnitudeNoise
from medaug.intensity import GaussianNoise
from medaug.ranges import FULL, Strength, parse_amounts
from medaug.transforms.base import Record


class RandGaussianNoised(NoiseTransform):
    """Add Gaussian noise, the same to all keys, as MONAI's ``RandGaussianNoised``.

    Parameters
    ----------
    keys : str or sequence of str
        Images [C, I, J, K] or [C, I, J].
    prob : float
        Probability that a sample is changed: all of its keys, or none.
    allow_missing_keys : bool
        Skip keys that a sample does not have, instead of raising ``KeyError``.
    mean, std : float
        Of the noise, in the units of the image.
    dtype : dtype, optional
        Of the result, a floating one; ``None`` for that of the image.
    sample_std : bool
        The standard deviation is uniform between 0 and ``std`` instead of just that.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 0.1,
        mean: float = 0.0,
        std: float = 0.1,
        dtype: DtypeLike | torch.dtype = np.float32,
        allow_missing_keys: bool = False,
        sample_std: bool = True,
    ) -> None:
        bounds = parse_amounts("std", (0.0 if sample_std else std, std))
        effect = GaussianNoise(bounds, float(mean))
        super().__init__(keys, prob, effect, allow_missing_keys, dtype=dtype)


class RandRicianNoised(NoiseTransform):
    """Give magnitude images of MR their noise, as MONAI's ``RandRicianNoised``.

    Each key has noise and a standard deviation of its own. See
    :class:`medaug.compat.monai.effects.MagnitudeNoise`.

    Parameters
    ----------
    keys, prob, allow_missing_keys
        See :class:`RandGaussianNoised`.
    mean, std : float or sequence of floats
        Of either part of the noise; if ``channel_wise``, they may have an entry for each channel.
    channel_wise : bool
        Each channel has a standard deviation of its own.
    relative : bool
        ``std`` counts in standard deviations of the image, or of the channel if ``channel_wise``.
    sample_std : bool
        The standard deviation is uniform between 0 and ``std`` instead of just that.
    dtype : dtype, optional
        Of the result, a floating one; ``None`` for that of the image.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 0.1,
        mean: Sequence[float] | float = 0.0,
        std: Sequence[float] | float = 1.0,
        channel_wise: bool = False,
        relative: bool = False,
        sample_std: bool = True,
        dtype: DtypeLike | torch.dtype = np.float32,
        allow_missing_keys: bool = False,
    ) -> None:
        self.mean, self.std = _entries(mean), _entries(std)
        if not channel_wise and (isinstance(self.mean, tuple) or isinstance(self.std, tuple)):
            raise ValueError(
                f"mean and std must be numbers unless channel_wise is set; got {mean!r} and {std!r}"
            )
        effect = MagnitudeNoise(self.mean, self.std, sample_std, relative)
        super().__init__(
            keys,
            prob,
            effect,
            allow_missing_keys,
            dtype=dtype,
            channel_wise=channel_wise,
            whole_image=not channel_wise,
            same_for_keys=False,
        )

    def sample(
        self, data: Mapping[Hashable, Any], rng: np.random.Generator, strength: Strength = FULL
    ) -> Record:
        """Return the record, if mean and standard deviation suit the channels."""
        for key in self.key_iterator(dict(data)):
            for name, value in (("mean", self.mean), ("std", self.std)):
                if isinstance(value, tuple) and len(value) != len(data[key]):
                    raise ValueError(
                        f"{name} has {len(value)} entries, but {key!r} has {len(data[key])} "
                        "channels; give a number, or one for each channel"
                    )
        return super().sample(data, rng, strength)


def _entries(value: Sequence[float] | float) -> ForChannels:
    return tuple(float(v) for v in value) if isinstance(value, Sequence) else float(value)


RandGaussianNoiseD = RandGaussianNoiseDict = RandGaussianNoised
RandRicianNoiseD = RandRicianNoiseDict = RandRicianNoised
