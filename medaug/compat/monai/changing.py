"""The base of the transforms that change intensities in the way of MONAI's."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import DtypeLike, KeysCollection
from monai.utils import get_equivalent_dtype

from medaug.compat.monai.tensors import as_monai_gives
from medaug.intensity import Change, Drawn, IntensityEffect, apply_changes
from medaug.ranges import FULL, Strength
from medaug.transforms.base import RandDictTransform, Record
from medaug.transforms.changing import IntensityDictTransform, facts_of
from medaug.transforms.tensors import Volume, array_of, plain_volume, volume_like
from medaug.typing import AnyArray


class MonaiIntensityTransform(RandDictTransform, IntensityDictTransform):
    """Base of the random intensity transforms with MONAI's meaning.

    It fires for all keys of a sample or for none. Voxels are computed in float32, whatever dtype
    they come out with; images that it leaves alone keep theirs.

    Parameters
    ----------
    keys : str or sequence of str
        Images [C, I, J, K] or [C, I, J].
    prob : float
        Probability that a sample is changed.
    effect : IntensityEffect
    allow_missing_keys : bool
        Skip keys that a sample does not have, instead of raising ``KeyError``.
    dtype : dtype, optional
        Of the result; ``None`` for that of the image.
    channel_wise : bool
        Draw for each channel instead of once for all.
    whole_image : bool
        Statistics are of all channels together.
    same_for_keys : bool
        All keys get what is drawn for the first, instead of something of their own.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float,
        effect: IntensityEffect,
        allow_missing_keys: bool,
        *,
        dtype: DtypeLike | torch.dtype = None,
        channel_wise: bool = False,
        whole_image: bool = False,
        same_for_keys: bool = True,
    ) -> None:
        RandDictTransform.__init__(self, keys, prob, allow_missing_keys)
        change = Change(effect, self.prob, per_channel=channel_wise, whole_image=whole_image)
        IntensityDictTransform.__init__(self, keys, (change,), allow_missing_keys)
        self.dtype = get_equivalent_dtype(dtype, torch.Tensor)
        self.same_for_keys = same_for_keys

    def sample(
        self, data: Mapping[Hashable, Any], rng: np.random.Generator, strength: Strength = FULL
    ) -> Record:
        """Return ``{"parameters": {key: [[...]]}}``: what each channel gets, if it fires."""
        change = self.changes[0].at(strength)
        keys = list(self.key_iterator(dict(data)))
        if not rng.random() < change.prob:
            return {"parameters": {key: [[]] for key in keys}}
        drawn: dict[Hashable, Drawn] = {}
        for key in keys:
            channels = plain_volume(data[key], key).shape[0]
            if drawn and self.same_for_keys:
                drawn[key] = _again(drawn[keys[0]], change.per_channel, channels, key)
            else:
                drawn[key] = change.draw_certain(rng, facts_of(data[key], key), channels)
        return {"parameters": {key: [each] for key, each in drawn.items()}}

    def result_dtype(self, given: torch.dtype, key: Hashable) -> torch.dtype:  # for messages
        """Return the dtype that an image of the dtype ``given`` comes out with."""
        return given if self.dtype is None else self.dtype

    def finished(self, voxels: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """Return float32 voxels as the dtype that they come out with."""
        return voxels.to(dtype)

    def unchanged(self, image: torch.Tensor) -> torch.Tensor:
        """Return an image as it comes out when the transform does not fire."""
        return image

    def _changed(
        self, original: Volume, key: Hashable, drawn: Sequence[Drawn], masks: dict[str, AnyArray]
    ) -> Volume:
        if not any(drawn):
            copy = volume_like(plain_volume(original, key), original)
            return self.unchanged(as_monai_gives(copy))
        given = array_of(original, key)
        dtype = self.result_dtype(get_equivalent_dtype(given.dtype, torch.Tensor), key)
        values = given.astype(np.float32, copy=False)
        values = apply_changes(self.changes, values, drawn, facts_of(original, key), masks)
        voxels = self.finished(torch.from_numpy(values), dtype)
        result: torch.Tensor = as_monai_gives(volume_like(voxels, original))
        return result


class FloatResult(MonaiIntensityTransform):
    """Base of those that give a floating dtype: the image's own, or else float32."""

    def result_dtype(self, given: torch.dtype, key: Hashable) -> torch.dtype:  # for messages
        """Return ``given`` if it is a floating dtype, otherwise float32."""
        return given if given.is_floating_point else torch.float32


class NoiseTransform(MonaiIntensityTransform):
    """Base of those that add noise, which whole numbers cannot hold."""

    def result_dtype(self, given: torch.dtype, key: Hashable) -> torch.dtype:
        """Return the dtype of the result.

        Raises
        ------
        ValueError
            If it is no floating dtype.
        """
        dtype = super().result_dtype(given, key)
        if not dtype.is_floating_point:
            raise ValueError(
                f"{key!r} would come out of {type(self).__name__} as {dtype}, which cannot hold "
                "its noise; give it a floating dtype, such as dtype=np.float32"
            )
        return dtype


def _again(first: Drawn, channel_wise: bool, channels: int, key: Hashable) -> Drawn:
    """Return for ``key`` what was drawn for the channels of the first key."""
    if not channel_wise:
        return [first[0]] * channels
    if channels > len(first):
        raise ValueError(
            f"{key!r} has {channels} channels, but the first key, for whose channels values were "
            f"drawn, has {len(first)}; give them transforms of their own"
        )
    return first[:channels]
