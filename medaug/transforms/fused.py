"""Several spatial transforms in one resample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from monai.utils import ensure_tuple

from medaug.geometry import Warp
from medaug.ranges import FULL, Strength
from medaug.spatial import Grid
from medaug.transforms.options import WarpOptions, one_for_each
from medaug.transforms.warping import Drawn, RandWarpDictTransform, WarpDictTransform


class Fused(RandWarpDictTransform):
    """Fold a run of medaug's spatial transforms into one warp, and touch the voxels once.

    It is a transform for MONAI's ``Compose``, and the same as its parts one after the other, but
    for what those lose: each resample blurs, and cuts off what a later one would have brought back.

    Parameters
    ----------
    transforms : sequence of spatial transforms
        In the order in which they happen. All must have the same keys. What several of them say
        about ``mode``, padding, points, the label key and the backend must agree; what none says
        is the default.

    Raises
    ------
    TypeError
        If one is no spatial transform of medaug.
    ValueError
        If there is none, or they disagree; the message names the option.
    """

    def __init__(self, transforms: Sequence[WarpDictTransform]) -> None:
        for transform in transforms:
            if not isinstance(transform, WarpDictTransform):
                raise TypeError(
                    f"Fused takes medaug's spatial transforms only; got {type(transform).__name__}"
                )
        if not transforms:
            raise ValueError("Fused needs at least one transform")
        self.transforms = tuple(transforms)
        keys = _agreed("keys", [t.keys for t in transforms])
        options = _agreed_options(transforms, len(keys))
        labelled = [t.label_key for t in transforms if t.swap_labels or t.needs_foreground]
        interpolates = any(t.default_mode != "nearest" for t in transforms)
        super().__init__(
            keys,
            1.0,
            (),
            options,
            default_mode="linear" if interpolates else "nearest",
            swap_labels=tuple(dict.fromkeys(pair for t in transforms for pair in t.swap_labels)),
            label_key=_agreed("label_key", labelled) if labelled else "label",
            needs_foreground=any(t.needs_foreground for t in transforms),
        )

    def draw(self, rng: np.random.Generator, grid: Grid, strength: Strength = FULL) -> Drawn:
        """Draw every transform on the grid that the one before has left."""
        warp = Warp(grid.shape)
        swaps: list[tuple[int, int]] = []
        for transform in self.transforms:
            transform.check_grid(grid)
            drawn = transform.draw(rng, grid, strength)
            warp = warp.then(drawn.warp)
            grid = grid.through(drawn.warp).with_labels_swapped(drawn.swaps)
            swaps += drawn.swaps
        return Drawn(warp, tuple(swaps))


def _agreed(name: str, values: Sequence[Any]) -> Any:
    for value in values:
        if value != values[0]:
            raise ValueError(
                f"the transforms of Fused disagree about {name}: {values[0]!r} and {value!r}"
            )
    return values[0]


def _agreed_options(transforms: Sequence[WarpDictTransform], count: int) -> WarpOptions:
    """Return what the transforms were given, one value for each option."""
    agreed: dict[str, Any] = {}
    for name in WarpOptions.__annotations__:
        given = [dict(t.options)[name] for t in transforms if name in t.options]
        if name in ("mode", "padding_mode", "padding_value"):
            given = [one_for_each(name, value, count) for value in given]
        elif name == "point_keys":
            given = [ensure_tuple(value) for value in given]
        if given:
            agreed[name] = _agreed(name, given)
    return cast(WarpOptions, agreed)


FusedD = FusedDict = Fused
