"""CutMix: a box of one case in another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medaug.policy.mixing.case import Case, Parameters, check_alike
from medaug.policy.mixing.shares import check_shares, draw_share
from medaug.typing import AnyArray


@dataclass(frozen=True)
class CutMix:
    """Replace a box by what the donor has at the same place, labels included.

    The box has the proportions of the volume; its share of it is distributed as Beta(``alpha``,
    ``alpha``) (Yun et al. 2019, CutMix, ICCV). There a box reaches over the border and is cut off;
    here it lies inside, anywhere with the same chance, so that its share is what was drawn, but for
    whole voxels. Labels, hard or soft, stay exact: each voxel has image and label of one case.
    Dtypes stay what they are.

    Parameters
    ----------
    alpha : float
        Above 0. At 1, the authors' choice, all shares are equally likely.
    max_share : float
        Largest share of the donor, by which all shares are multiplied.
    """

    alpha: float = 1.0
    max_share: float = 1.0

    def __post_init__(self) -> None:
        check_shares(self.alpha, self.max_share)

    def at_magnitude(self, magnitude: float) -> CutMix:
        """Return the mix with smaller boxes."""
        return replace(self, max_share=self.max_share * magnitude)

    def prepare(self, case: Case) -> Case:
        """Return ``case`` as it is."""
        return case

    def sample(self, rng: np.random.Generator, case: Case, donor: Case) -> Parameters:  # noqa: ARG002  # any donor
        """Draw ``box``: for each axis, the first voxel and the one after the last."""
        share = draw_share(rng, self.alpha, self.max_share)
        wide = sum(n > 1 for n in case.shape)
        part = share ** (1.0 / max(wide, 1))
        box = []
        for n in case.shape:
            edge = round(n * part) if n > 1 or not wide else 1
            start = int(rng.integers(n - edge + 1))
            box.append([start, start + edge])
        return {"box": box}

    def apply(self, case: Case, donor: Case, parameters: Mapping[str, Any]) -> Case:
        """Return ``case`` with the box of ``donor``."""
        check_alike(case, donor)
        box = tuple(slice(*ends) for ends in parameters["box"])
        if any(start >= stop for start, stop in parameters["box"]):
            return case
        images = {k: _with_box(image, donor.images[k], box) for k, image in case.images.items()}
        labels = {k: _with_box(label, donor.labels[k], box) for k, label in case.labels.items()}
        return replace(case, images=images, labels=labels)


def _with_box(own: AnyArray, other: AnyArray, box: tuple[slice, ...]) -> AnyArray:
    mixed = own.copy()
    mixed[(slice(None), *box)] = other[(slice(None), *box)]
    return mixed
