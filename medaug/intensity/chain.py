"""Several effects on one image, channel by channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Literal, TypeAlias

import numpy as np

from medaug import buffers
from medaug.intensity.channel import Channel
from medaug.intensity.effect import IntensityEffect, Parameters
from medaug.intensity.facts import ImageFacts
from medaug.ranges import FULL, Strength
from medaug.typing import AnyArray, FloatArray

#: What becomes of the range of a channel: it may change, is cut to what it was, or scaled back.
KeepRange: TypeAlias = Literal["no", "clip", "rescale"]

#: For each channel, what was drawn for it; ``None`` where it stays as it is.
Drawn: TypeAlias = list[Parameters | None]

#: The foreground that a channel has by itself.
NONZERO = "nonzero"


@dataclass(frozen=True)
class Change:
    """An effect in a chain, and how it treats channels.

    Parameters
    ----------
    effect : IntensityEffect
    prob : float
        Probability that it takes part.
    per_channel : bool
        Draw parameters for each channel instead of one set for all.
    channel_prob : float
        Probability that a channel is changed when the effect takes part.
    foreground : str
        Only these voxels change, and only they count for statistics: ``""`` for all, ``nonzero``
        for those that are not zero, or the name of a mask.
    keep_range : {"no", "clip", "rescale"}
        What becomes of the extremes of the channel.
    whole_image : bool
        Statistics are of all channels together, which then are changed as one. For pointwise
        effects, and for all channels and voxels only.
    """

    effect: IntensityEffect
    prob: float = 1.0
    per_channel: bool = False
    channel_prob: float = 1.0
    foreground: str = ""
    keep_range: KeepRange = "no"
    whole_image: bool = False

    def __post_init__(self) -> None:
        if self.whole_image and (self.per_channel or self.channel_prob < 1 or self.foreground):
            raise ValueError(
                "whole_image changes all channels alike, and all of their voxels; "
                f"got per_channel={self.per_channel}, channel_prob={self.channel_prob} and "
                f"foreground={self.foreground!r}"
            )

    def at(self, strength: Strength) -> Change:
        """Return the change as strong, and as likely, as asked for."""
        if strength == FULL:
            return self
        effect = self.effect.at_magnitude(strength.magnitude)
        return replace(self, effect=effect, prob=self.prob * strength.prob)

    def draw(self, rng: np.random.Generator, facts: ImageFacts, channels: int) -> Drawn:
        """Draw for each channel; an empty list means that the effect takes no part."""
        return self.draw_certain(rng, facts, channels) if rng.random() < self.prob else []

    def draw_certain(self, rng: np.random.Generator, facts: ImageFacts, channels: int) -> Drawn:
        """Draw for each channel when it is known that the effect takes part."""
        chosen = (rng.random(channels) < self.channel_prob).tolist()
        if not any(chosen):
            return []
        if self.per_channel:
            return [self.effect.sample(rng, facts) if one else None for one in chosen]
        shared = self.effect.sample(rng, facts)
        return [shared if one else None for one in chosen]

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Change a channel."""
        if self.keep_range == "no":
            self.effect.apply(channel, parameters)
            return
        low, high = channel.low, channel.high
        self.effect.apply(channel, parameters)
        if self.keep_range == "clip":
            channel.clip(low, high)
        elif channel.high > channel.low:
            factor = (high - low) / (channel.high - channel.low)
            channel.linear(factor, low - factor * channel.low)


def apply_changes(
    changes: Sequence[Change],
    voxels: FloatArray,
    drawn: Sequence[Drawn],
    facts: ImageFacts,
    masks: Mapping[str, AnyArray],
) -> FloatArray:
    """Return the image after all changes.

    Parameters
    ----------
    changes : sequence of Change
    voxels : float32 array [C, I, J, K]
        It stays as it is.
    drawn : sequence of Drawn
        For each change.
    facts : ImageFacts
    masks : mapping of str to array [1 or C, I, J, K]
        By the names that ``foreground`` of the changes gives.

    Returns
    -------
    float32 array [C, I, J, K]
        ``voxels`` itself if no change takes part.
    """
    taking_part = [(change, each) for change, each in zip(changes, drawn, strict=True) if each]
    if not taking_part:
        return voxels
    out = buffers.empty(voxels.shape, np.float32)
    before = voxels
    for whole_image, run in groupby(taking_part, lambda pair: pair[0].whole_image):
        if whole_image:
            _change_image(list(run), before, facts, out)
        else:
            _change_channels(list(run), before, facts, _Foregrounds(voxels, masks), out)
        before = out
    return out


def _change_image(
    run: Sequence[tuple[Change, Drawn]], before: FloatArray, facts: ImageFacts, out: FloatArray
) -> None:
    """Make the changes of all channels together, which are one behind the other in one."""
    stacked = (-1, *before.shape[2:])
    target = out.reshape(stacked)
    source = target if before is out else before.reshape(stacked)
    channel = Channel(source, target, replace(facts, shape=target.shape))
    for change, drawn in run:
        assert drawn[0] is not None  # no channel is left out
        change.apply(channel, drawn[0])
    channel.finish()


def _change_channels(
    run: Sequence[tuple[Change, Drawn]],
    before: FloatArray,
    facts: ImageFacts,
    foregrounds: _Foregrounds,
    out: FloatArray,
) -> None:
    """Make the changes of each channel by itself."""
    for c, target in enumerate(out):
        source = target if before is out else np.ascontiguousarray(before[c])
        channel, foreground = Channel(source, target, facts, c), ""
        for change, each in run:
            parameters = each[c]
            if parameters is None:
                continue
            if change.foreground != foreground:
                foreground = change.foreground
                channel.restrict(foregrounds.of(foreground, c))
            change.apply(channel, parameters)
        channel.finish()


@dataclass(frozen=True)
class _Foregrounds:
    """What is foreground in the image as it came, ``voxels`` [C, I, J, K]."""

    voxels: FloatArray
    masks: Mapping[str, AnyArray]

    def of(self, name: str, index: int) -> AnyArray | None:
        """Return the foreground of a channel; ``None`` for all of it."""
        if not name:
            return None
        if name == NONZERO:
            return np.asarray(self.voxels[index] != 0)
        mask = self.masks[name]
        return np.asarray(mask[index if len(mask) > 1 else 0])
