"""Putting what was carved into a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

import numpy as np

from medaug.policy.mixing.harmony import harmonised
from medaug.policy.mixing.lesions import Surroundings
from medaug.typing import AnyArray

#: Which tissue is to look alike.
Tone: TypeAlias = Literal["rim", "foreground", "no"]
Box: TypeAlias = tuple[slice, ...]


@dataclass(frozen=True)
class Patch:
    """A part of a donor and its place in a case.

    Parameters
    ----------
    source, target : tuple of slices
        The same box in the grid of the donor and in that of the case.
    weight : array of float32 [A, B, C]
        Of the donor in the image.
    inside : array of bool [A, B, C]
        What is carved.
    donor_lesions, own_lesions : array of bool [I, J, K]
        In the grid of each.
    healthy : pair of arrays of bool [I, J, K]
        Foreground without lesions, of the donor and of the case.
    shell : array of bool [A, B, C]
        The rim: just outside of lesion and carved region.
    """

    #: Thickness of the rim whose tissue is compared.
    SHELL_MM: ClassVar[float] = 5.0

    source: Box
    target: Box
    weight: AnyArray
    inside: AnyArray
    donor_lesions: AnyArray
    own_lesions: AnyArray
    healthy: tuple[AnyArray, AnyArray]
    shell: AnyArray

    @classmethod
    def carve(
        cls,
        around: Surroundings,
        threshold_mm: float,
        offset: Sequence[int],
        *,
        rim_mm: float,
        donor: tuple[AnyArray, AnyArray],
        own: tuple[AnyArray, AnyArray],
        overlap: bool,
    ) -> Patch:
        """Carve at a threshold, and cut off what lies beyond the case.

        Parameters
        ----------
        around : Surroundings
        threshold_mm : float
        offset : sequence of 3 ints
            From the grid of the donor to that of the case, in voxels.
        rim_mm : float
            Over which the image passes from one to the other.
        donor, own : pairs of arrays of bool [I, J, K]
            Foreground and lesions.
        overlap : bool
            Lesions of the case may be covered.
        """
        (donor_tissue, donor_lesions), (own_tissue, own_lesions) = donor, own
        source, target, within = _boxes(around, offset, own_tissue.shape)
        distance = around.distance_mm[within]
        keeps = own_tissue[target] & (donor_tissue | donor_lesions)[source]
        if not overlap:
            keeps &= ~own_lesions[target]
        beyond = distance - threshold_mm
        weight = np.clip(0.5 - beyond / rim_mm, 0, 1) if rim_mm > 0 else beyond < 0
        outer = max(threshold_mm, 0.0)
        return cls(
            source,
            target,
            (weight * keeps).astype(np.float32),
            (beyond < 0) & keeps,
            donor_lesions,
            own_lesions,
            (donor_tissue & ~donor_lesions, own_tissue & ~own_lesions),
            (distance >= outer) & (distance < outer + cls.SHELL_MM),
        )

    def blended(self, image: AnyArray, donor: AnyArray, match: Tone) -> AnyArray:
        """Return an image [C, I, J, K] with the patch."""
        mixed = image.copy()
        for own, other, out in zip(image, donor, mixed, strict=True):
            part = other[self.source].astype(np.float32)
            if match != "no":
                part = harmonised(part, *self._tissue(own, other, match))
            place = out[self.target]
            changed = self.weight > 0
            weight = self.weight[changed]
            # Where the weight is 1 the case does not matter, be it finite or not.
            below = np.where(weight < 1, place[changed], 0)
            place[changed] = (1 - weight) * below + weight * part[changed]
        return mixed

    def labelled(self, label: AnyArray, donor: AnyArray) -> AnyArray:
        """Return class numbers [1, I, J, K] with the lesions of the patch."""
        mixed = label.copy()
        lesion = self.donor_lesions[self.source]
        replaced = self.inside & (lesion | self.own_lesions[self.target])
        mixed[0][self.target][replaced] = donor[0][self.source][replaced]
        return mixed

    def _tissue(self, own: AnyArray, other: AnyArray, match: Tone) -> tuple[AnyArray, AnyArray]:
        """Return comparable voxels of the case and of the donor."""
        theirs, ours = self.healthy
        if match == "foreground":
            return own[ours], other[theirs]
        return (
            own[self.target][self.shell & ours[self.target]],
            other[self.source][self.shell & theirs[self.source]],
        )


def _boxes(
    around: Surroundings, offset: Sequence[int], shape: Sequence[int]
) -> tuple[Box, Box, Box]:
    """Return the box in the donor, in the case and within itself, without what lies beyond."""
    size = np.array(around.distance_mm.shape)
    first = around.start + np.asarray(offset)
    low = np.maximum(-first, 0)
    high = np.minimum(np.asarray(shape) - first, size)
    return (
        _box(around.start + low, around.start + high),
        _box(first + low, first + high),
        _box(low, high),
    )


def _box(starts: AnyArray, stops: AnyArray) -> Box:
    return tuple(slice(int(a), int(b)) for a, b in zip(starts, stops, strict=True))
