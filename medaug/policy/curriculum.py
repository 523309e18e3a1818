"""Augmentation that grows with the epochs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal, SupportsIndex, TypeAlias, get_args

import numpy as np

from medaug.epoch import SharedEpoch, parse_non_negative
from medaug.policy.container import Choice, ContainerDictTransform
from medaug.ranges import Strength, parse_probability
from medaug.resample import check_choice
from medaug.transforms.base import DictTransform

#: How the strength goes from the start to the end.
Shape: TypeAlias = Literal["linear", "cosine", "step"]
#: What of the inner transforms it is that grows.
Raises: TypeAlias = Literal["both", "prob", "magnitude"]


class Curriculumd(ContainerDictTransform):
    """Run transforms that grow stronger and more likely from epoch to epoch.

    In an epoch, with ``t = min(epoch / epochs, 1)``, all probabilities and magnitudes are those of
    the transforms times ``start + (end - start) * f(t)``, where ``f(t)`` is ``t`` for ``linear``,
    ``(1 - cos(pi * t)) / 2`` for ``cosine``, and ``floor(steps * t) / steps`` for ``step``. A
    magnitude of 0 draws what changes nothing, 1 what the transform was given. Transforms that are
    not random take part as they are. The idea is that of Bengio et al. (2009, Curriculum learning,
    ICML).

    Parameters
    ----------
    transforms : sequence of dictionary transforms of medaug
        In the order in which they happen. Their keys may differ.
    epochs : int
        In which epoch ``end`` is reached; it stays from there on.
    shape : {"linear", "cosine", "step"}
    start, end : float
        Between 0 and 1; in epoch 0, and from epoch ``epochs`` on.
    raises : {"both", "prob", "magnitude"}
        What grows. The other is what the transforms were given, from the first epoch on.
    steps : int
        How often ``step`` rises.

    Raises
    ------
    ValueError
        If a number is out of its range, a name is unknown or there is no transform.
    TypeError
        If a transform is not medaug's, or a number is no number.

    Notes
    -----
    The epoch lives in shared memory: :meth:`set_epoch` reaches workers that are already running and
    all copies made by ``copy.deepcopy``. :meth:`medaug.data.SeededDataset.set_epoch` sets it, too.

    Examples
    --------
    >>> curriculum = Curriculumd([RandSpatiald(...), RandGammad(...)], epochs=50, shape="cosine")
    >>> for epoch in range(100):
    ...     curriculum.set_epoch(epoch)
    ...     for batch in loader:
    ...         train(batch)
    """

    def __init__(
        self,
        transforms: Sequence[DictTransform],
        epochs: SupportsIndex,
        shape: Shape = "linear",
        start: float = 0.0,
        end: float = 1.0,
        *,
        raises: Raises = "both",
        steps: SupportsIndex = 4,
    ) -> None:
        super().__init__(transforms, 1.0)
        check_choice("shape", shape, get_args(Shape))
        check_choice("raises", raises, get_args(Raises))
        self.epochs, self.steps = _count("epochs", epochs), _count("steps", steps)
        self.shape, self.raises = shape, raises
        self.start, self.end = parse_probability("start", start), parse_probability("end", end)
        self._epoch = SharedEpoch()

    @property
    def epoch(self) -> int:
        """The epoch that it is in."""
        return int(self._epoch)

    def set_epoch(self, epoch: SupportsIndex) -> None:
        """Begin another epoch, also in workers that are already running.

        Raises
        ------
        TypeError
            If it is not an integer.
        ValueError
            If it is negative.
        """
        self._epoch.set(epoch)

    def strength_at(self, epoch: int) -> Strength:
        """Return by what magnitudes and probabilities are multiplied in ``epoch``."""
        t = min(epoch / self.epochs, 1.0)
        if self.shape == "cosine":
            t = (1.0 - math.cos(math.pi * t)) / 2.0
        elif self.shape == "step":
            t = min(epoch, self.epochs) * self.steps // self.epochs / self.steps
        level = (1.0 - t) * self.start + t * self.end
        return Strength(
            level if self.raises != "prob" else 1.0, level if self.raises != "magnitude" else 1.0
        )

    def choose(self, rng: np.random.Generator, strength: Strength) -> Iterator[Choice]:  # noqa: ARG002  # all run
        """Return all transforms, at the strength of the epoch and of what ``strength`` asks for."""
        now = self.strength_at(self.epoch)
        at = Strength(now.magnitude * strength.magnitude, now.prob * strength.prob)
        for index, transform in enumerate(self.transforms):
            yield Choice(index, transform, at)


def _count(name: str, value: SupportsIndex) -> int:
    count = parse_non_negative(name, value)
    if count < 1:
        raise ValueError(f"{name} must be at least 1; got {count}")
    return count


CurriculumD = CurriculumDict = Curriculumd
