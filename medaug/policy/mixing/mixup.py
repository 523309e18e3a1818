"""MixUp: a weighted mean of two cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from medaug.policy.mixing.case import Case, Parameters, as_float, check_alike
from medaug.policy.mixing.shares import check_shares, draw_share
from medaug.resample import check_choice
from medaug.typing import AnyArray

#: What labels are, and what becomes of them.
MixedLabels: TypeAlias = Literal["soft", "onehot", "dominant"]


@dataclass(frozen=True)
class MixUp:
    """Mix two cases voxel by voxel: ``v -> (1 - share) * v + share * donor``.

    ``share`` is distributed as Beta(``alpha``, ``alpha``) (Zhang et al. 2018, mixup: Beyond
    empirical risk minimization, ICLR). Images come out as float32; float16 stays float16. A voxel
    that is not finite in one of the cases spoils itself.

    Parameters
    ----------
    alpha : float
        Above 0. Small values leave most cases nearly as they are, or nearly the donor; the authors
        used 0.1 to 0.4. At 1 all shares are equally likely.
    labels : {"soft", "onehot", "dominant"}
        ``soft``: they are probabilities, one channel a class, and mixed like images. ``onehot``:
        they are class numbers [1, I, J, K], and come out as such probabilities, float32
        [n_classes, I, J, K]. ``dominant``: whatever they are, those of the case with the larger
        share stay, so that labels remain hard, at the price of calling the other case noise.
    n_classes : int
        For ``onehot``: how many classes there are, background included.
    max_share : float
        Largest share of the donor, by which all shares are multiplied. At 0.5 a case always remains
        mostly itself.
    """

    alpha: float = 0.2
    labels: MixedLabels = "soft"
    n_classes: int = 0
    max_share: float = 1.0

    def __post_init__(self) -> None:
        check_shares(self.alpha, self.max_share)
        check_choice("labels", self.labels, get_args(MixedLabels))
        if self.labels == "onehot" and self.n_classes < 2:
            raise ValueError(f"labels 'onehot' need n_classes of 2 or more; got {self.n_classes}")

    def at_magnitude(self, magnitude: float) -> MixUp:
        """Return the mix with smaller shares of the donor."""
        return replace(self, max_share=self.max_share * magnitude)

    def prepare(self, case: Case) -> Case:
        """Return ``case`` as floats, with its labels as ``labels`` says.

        Raises
        ------
        TypeError, ValueError
            If the labels are not what ``labels`` says.
        """
        images = {key: as_float(image) for key, image in case.images.items()}
        labels = dict(case.labels)
        for key, label in case.labels.items():
            if self.labels == "soft":
                labels[key] = _checked_probabilities(label, key)
            elif self.labels == "onehot":
                labels[key] = _one_hot(label, self.n_classes, key)
        return replace(case, images=images, labels=labels)

    def sample(self, rng: np.random.Generator, case: Case, donor: Case) -> Parameters:  # noqa: ARG002  # any pair
        """Draw ``share``, that of the donor."""
        return {"share": draw_share(rng, self.alpha, self.max_share)}

    def apply(self, case: Case, donor: Case, parameters: Mapping[str, Any]) -> Case:
        """Return the mean of both; a share of 0 is ``case`` to the bit."""
        own, other, share = self.prepare(case), self.prepare(donor), parameters["share"]
        check_alike(own, other)
        if share == 0:
            return own
        images = {key: _mean(image, other.images[key], share) for key, image in own.images.items()}
        if self.labels == "dominant":
            labels = dict(other.labels if share > 0.5 else own.labels)
        else:
            labels = {k: _mean(label, other.labels[k], share) for k, label in own.labels.items()}
        return replace(own, images=images, labels=labels)


def _mean(own: AnyArray, other: AnyArray, share: float) -> AnyArray:
    """Return the weighted mean, in the dtype of both."""
    if share == 1:
        return other
    kind = own.dtype.type
    return np.asarray(own * kind(1.0 - share) + other * kind(share))


def _checked_probabilities(label: AnyArray, key: Any) -> AnyArray:
    """Return soft labels as floats; class numbers would mix into nonsense, so they are refused."""
    remedy = "use labels='onehot' with n_classes, or labels='dominant'"
    if label.dtype.kind != "f":
        raise TypeError(f"{key!r} holds class numbers ({label.dtype}): {remedy}")
    if not (label.min() >= 0 and label.max() <= 1):
        raise ValueError(f"{key!r} is no probability everywhere, as if of class numbers: {remedy}")
    return as_float(label)


def _one_hot(label: AnyArray, n_classes: int, key: Any) -> AnyArray:
    if len(label) != 1:
        raise ValueError(f"{key!r} must have one channel of class numbers; got {len(label)}")
    classes = np.arange(n_classes).reshape(-1, 1, 1, 1)
    found = np.equal(label, classes)
    if not found.any(axis=0).all():
        raise ValueError(f"{key!r} has other values than the class numbers 0 to {n_classes - 1}")
    return np.asarray(found, np.float32)
