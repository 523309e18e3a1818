"""CarveMix: a lesion of one case in another."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from medaug.policy.mixing.case import Case, Parameters, as_float, check_alike
from medaug.policy.mixing.grids import check_same_grid
from medaug.policy.mixing.lesions import (
    depth_mm,
    find_lesions,
    lesion_at,
    lesion_mask,
    surroundings_of,
)
from medaug.policy.mixing.pasting import Patch, Tone
from medaug.policy.mixing.placing import draw_offset, fits, same_place
from medaug.ranges import Range, drawn_in
from medaug.resample import check_choice
from medaug.typing import AnyArray

#: Which of the lesions of the donor: one, or all in one go.
Lesions: TypeAlias = Literal["one", "all"]
#: Where to: any place where it fits, or where it was.
Place: TypeAlias = Literal["foreground", "same"]


@dataclass(frozen=True)
class CarveMix:
    """Carve a lesion out of the donor, with a margin of its own shape, and put it into the case.

    Carved is what lies nearer to the surface of the lesion than a threshold: where
    ``distance < margin * depth``. ``distance`` is that from the surface in mm, negative inside, and
    ``depth`` how far inside the innermost voxel lies. ``margin`` is drawn: in half of the cases
    below 0, and the lesion loses its outer part, in the others above, and it brings some of its
    surroundings (Zhang et al. 2021, CarveMix, MICCAI; 2023, NeuroImage 271). The authors put it
    where it was, over whatever is there, which suits registered scans. Here it can go to any place
    where it fits, as in the copying and pasting of Ghiasi et al. (2021, CVPR).

    Within what is carved the label gets the donor's lesions, and loses lesions that are covered by
    the donor's healthy tissue; the rest of it stays. Images come out as float32; float16 stays
    float16. A voxel that is background in the case or in the donor is not replaced, unless it shows
    the lesion.

    Parameters
    ----------
    lesion_labels : tuple of ints
        Class numbers that make up a lesion; empty for all but 0.
    label_key : hashable
        Key of the class numbers [1, I, J, K]; ``None`` for the first of the labels.
    lesions : {"one", "all"}
        One of the connected lesions of the donor, each with the same chance; or all of them as they
        lie, those included that the border has cut off.
    margin : range
        In depths of the lesion, at least -1. The authors' is (-0.5, 1).
    max_margin_mm : float
        The margin reaches no further outside. At another place, much tissue around a lesion does
        not fit what is there.
    place : {"foreground", "same"}
        Anywhere in the foreground, where it touches no lesion (unless ``overlap``); or at the same
        relative place in the field of view. Lesions that the border of the donor has cut off stay
        out of ``foreground``.
    host_labels : tuple of ints
        Class numbers of the case where the lesion may lie, as an organ; empty for the whole
        foreground.
    min_inside : float
        Share of the carved lesion that must lie there; what is beyond the foreground is left out.
    overlap : bool
        It may cover lesions of the case. If not, these stay as they are.
    min_volume_mm3 : float
        Smaller lesions of the donor do not count. 14 is a ball of 3 mm, the least that counts as a
        lesion of multiple sclerosis (Filippi et al. 2019, Brain 142).
    rim_mm : float
        Over so many millimetres, half of them outside, the image passes from donor to case; 0 cuts
        sharply.
    match : {"rim", "foreground", "no"}
        Bring mean and standard deviation of the donor, channel by channel, to those of the case:
        of the healthy tissue just around the lesion at both places, of all healthy foreground, or
        not at all.
    any_grid : bool
        Paste voxel to voxel though spacing or orientation differ, as after augmentation. Otherwise
        that is an error.

    Notes
    -----
    Without a lesion in the donor, or a place in the case, nothing happens, and the parameters say
    ``"placed": False``.
    """

    lesion_labels: tuple[int, ...] = ()
    label_key: Hashable = None
    lesions: Lesions = "one"
    margin: Range = (-0.5, 1.0)
    max_margin_mm: float = 5.0
    place: Place = "foreground"
    host_labels: tuple[int, ...] = ()
    min_inside: float = 0.95
    overlap: bool = False
    min_volume_mm3: float = 14.0
    rim_mm: float = 3.0
    match: Tone = "rim"
    any_grid: bool = False

    def __post_init__(self) -> None:
        check_choice("lesions", self.lesions, get_args(Lesions))
        check_choice("place", self.place, get_args(Place))
        check_choice("match", self.match, get_args(Tone))
        if not -1 <= self.margin[0] <= self.margin[1] < np.inf:
            raise ValueError(f"margin must be a range from -1 on; got {self.margin}")
        for name in ("max_margin_mm", "min_volume_mm3", "rim_mm"):
            if not 0 <= getattr(self, name) < np.inf:
                raise ValueError(f"{name} must not be negative; got {getattr(self, name)}")
        if not 0 < self.min_inside <= 1:
            raise ValueError(f"min_inside must lie above 0, up to 1; got {self.min_inside}")

    def at_magnitude(self, magnitude: float) -> CarveMix:
        """Return the mix with less of the lesion, from outside in; of depth -1 nothing is left."""
        return replace(self, margin=drawn_in(self.margin, magnitude, -1.0))

    def prepare(self, case: Case) -> Case:
        """Return ``case`` with images as floats."""
        return replace(case, images={key: as_float(v) for key, v in case.images.items()})

    def sample(self, rng: np.random.Generator, case: Case, donor: Case) -> Parameters:
        """Draw ``lesion``, one of its voxels or none for all, ``threshold_mm`` and ``offset``."""
        self._check(case, donor)
        lesions = self._lesions_of(donor)
        chosen = self._draw_lesion(rng, lesions, donor.spacing_mm)
        if not chosen:
            return {"placed": False}
        lesion = lesion_at(lesions, chosen[0])
        depth = depth_mm(lesion, donor.spacing_mm)
        threshold = min(depth * self._draw_margin(rng), self.max_margin_mm)
        around = surroundings_of(lesion, donor.spacing_mm, max(threshold, 0.0))
        carved = (around.distance_mm < threshold) & lesions[around.box]
        core = np.argwhere(carved) + around.start
        offset = self._draw_offset(rng, core, case, donor)
        if offset is None:
            return {"placed": False}
        return {"placed": True, "lesion": chosen[0], "threshold_mm": threshold, "offset": offset}

    def apply(self, case: Case, donor: Case, parameters: Mapping[str, Any]) -> Case:
        """Return ``case`` with the lesion."""
        self._check(case, donor)
        own, other = self.prepare(case), self.prepare(donor)
        if not parameters["placed"]:
            return own
        lesions, host_lesions = self._lesions_of(donor), self._lesions_of(case)
        lesion = lesion_at(lesions, parameters["lesion"])
        patch = Patch.carve(
            surroundings_of(lesion, donor.spacing_mm, self._reach_mm(parameters)),
            parameters["threshold_mm"],
            parameters["offset"],
            rim_mm=self.rim_mm,
            donor=(donor.foreground(), lesions),
            own=(case.foreground(), host_lesions),
            overlap=self.overlap,
        )
        images = {
            key: patch.blended(image, other.images[key], self.match)
            for key, image in own.images.items()
        }
        key = self._key(case)
        labels = {**own.labels, key: patch.labelled(own.labels[key], other.labels[key])}
        return replace(own, images=images, labels=labels)

    def _key(self, case: Case) -> Hashable:
        key = next(iter(case.labels), None) if self.label_key is None else self.label_key
        if key not in case.labels:
            raise KeyError(f"CarveMix needs a label; there is no {key!r} among {list(case.labels)}")
        if len(case.labels[key]) != 1:
            raise ValueError(
                f"CarveMix needs class numbers [1, I, J, K] as {key!r}; got "
                f"{len(case.labels[key])} channels: mix before labels become one channel a class"
            )
        return key

    def _check(self, case: Case, donor: Case) -> None:
        self._key(case)
        check_alike(self.prepare(case), self.prepare(donor), same_shape=False)
        if not self.any_grid:
            check_same_grid(case.affine, donor.affine)
        thin = [n for n, m in zip(case.shape, donor.shape, strict=True) if (n == 1) != (m == 1)]
        if thin:
            raise ValueError(
                f"a volume and a slice cannot be mixed; got {case.shape} and {donor.shape}"
            )

    def _lesions_of(self, case: Case) -> AnyArray:
        return lesion_mask(case.labels[self._key(case)], self.lesion_labels)

    def _draw_lesion(
        self, rng: np.random.Generator, lesions: AnyArray, spacing_mm: AnyArray
    ) -> list[Any]:
        """Return a list of the one that was drawn, which is ``None`` for all; else of nothing."""
        if self.lesions == "all":
            return [None] if lesions.any() else []
        voxel_mm3, whole_only = float(np.prod(spacing_mm)), self.place == "foreground"
        found = find_lesions(lesions, voxel_mm3, self.min_volume_mm3, whole_only)
        return [found[int(rng.integers(len(found)))]] if found else []

    def _draw_margin(self, rng: np.random.Generator) -> float:
        low, high = self.margin
        if low < 0 < high:
            low, high = (low, 0.0) if rng.random() < 0.5 else (0.0, high)
        return float(rng.uniform(low, high))

    def _draw_offset(
        self, rng: np.random.Generator, core: AnyArray, case: Case, donor: Case
    ) -> list[int] | None:
        host, own = case.foreground(), self._lesions_of(case)
        if self.host_labels:
            host = host & lesion_mask(case.labels[self._key(case)], self.host_labels)
        taken = np.zeros_like(own) if self.overlap else own
        if self.place == "foreground":
            return draw_offset(rng, core, host, taken, self.min_inside)
        if not len(core):
            return None
        offset = same_place(core, donor.shape, case.shape)
        return offset if fits(core, offset, host, taken, self.min_inside) else None

    def _reach_mm(self, parameters: Mapping[str, Any]) -> float:
        shell_mm = Patch.SHELL_MM if self.match == "rim" else 0.0
        return float(max(parameters["threshold_mm"], 0.0) + max(self.rim_mm / 2, shell_mm))
