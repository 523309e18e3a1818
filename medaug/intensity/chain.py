"""Several effects on one image, channel by channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from medaug import buffers
from medaug.intensity.channel import Channel
from medaug.intensity.effect import IntensityEffect, Parameters
from medaug.intensity.facts import ImageFacts
from medaug.ranges import Strength
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
    """

    effect: IntensityEffect
    prob: float = 1.0
    per_channel: bool = False
    channel_prob: float = 1.0
    foreground: str = ""
    keep_range: KeepRange = "no"

    def at(self, strength: Strength) -> Change:
        """Return the change as strong, and as likely, as asked for."""
        effect = self.effect.at_magnitude(strength.magnitude)
        return replace(self, effect=effect, prob=self.prob * strength.prob)

    def draw(self, rng: np.random.Generator, facts: ImageFacts, channels: int) -> Drawn:
        """Draw for each channel; an empty list means that the effect takes no part."""
        if not rng.random() < self.prob:
            return []
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
    for c in range(len(voxels)):
        source = np.ascontiguousarray(voxels[c])
        channel, foreground = Channel(source, out[c], facts, c), ""
        for change, each in taking_part:
            parameters = each[c]
            if parameters is None:
                continue
            if change.foreground != foreground:
                foreground = change.foreground
                channel.restrict(_foreground(foreground, source, masks, c))
            change.apply(channel, parameters)
        channel.finish()
    return out


def _foreground(
    name: str, source: FloatArray, masks: Mapping[str, AnyArray], index: int
) -> AnyArray | None:
    if not name:
        return None
    if name == NONZERO:
        return np.asarray(source != 0)
    mask = masks[name]
    return np.asarray(mask[index if len(mask) > 1 else 0])
