"""What intensities a policy is made for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

import numpy as np

from medaug.policy.container import ContainerDictTransform
from medaug.policy.operations import OPERATIONS
from medaug.policy.targets import locate_target
from medaug.transforms.changing import IntensityDictTransform
from medaug.typing import AnyArray

#: Hounsfield units, z-scores, or whatever there is.
Units: TypeAlias = Literal["hu", "zscore", "any"]

_CT_NAMES = frozenset(name for name, row in OPERATIONS.items() if row.suits == ("ct",))
_CT_TRANSFORMS = {row.transform for row in OPERATIONS.values() if row.suits == ("ct",)} - {
    row.transform for row in OPERATIONS.values() if row.suits != ("ct",)
}
#: Lowest value of CT in HU, if there is any air in it.
_AIR_AT_MOST_HU = -200.0
#: How far from 0 the mean and from 1 the standard deviation (as a ratio) of z-scores may be: they
#: are of a foreground that a crop may have cut.
_MEAN_AT_MOST, _RATIO_AT_MOST = 1.0, 2.0


def units_of(entries: list[Any]) -> Units:
    """Return the units in which a policy takes images.

    Parameters
    ----------
    entries : list
        Of the policy, see :func:`medaug.policy.parse_policy`.

    Returns
    -------
    {"hu", "zscore", "any"}
        ``hu`` if something in it suits CT alone, otherwise ``zscore`` if it has transforms of
        medaug that change intensities.
    """
    parts = list(_parts(entries))
    targets = [locate_target(part["_target_"], "") for part in parts]
    classes = [target for target in targets if isinstance(target, type)]
    spaces = [part.get("space") for part in parts]
    if _CT_TRANSFORMS.intersection(classes) or any(_is_of_ct(space) for space in spaces):
        return "hu"
    changing = (IntensityDictTransform, ContainerDictTransform)
    return "zscore" if any(issubclass(each, changing) for each in classes) else "any"


def units_remark(image: AnyArray, units: Units) -> str:
    """Return what is wrong if an image is clearly not in ``units``; else nothing.

    Parameters
    ----------
    image : array [C, I, J, K]
    units : {"hu", "zscore", "any"}
    """
    if units == "hu" and image.min() > _AIR_AT_MOST_HU:
        return (
            f"is no CT in Hounsfield units (lowest value {image.min():g}), which the policy takes"
        )
    if units == "zscore":
        for channel, values in enumerate(image):
            inside = values[values != 0].astype(np.float64)
            if len(inside) and not _like_zscores(inside.mean(), inside.std()):
                return (
                    f"channel {channel} has mean {inside.mean():.3g} and s.d. {inside.std():.3g}: "
                    "the policy takes z-scores, so preprocess first"
                )
    return ""


def _like_zscores(mean: float, std: float) -> bool:
    return abs(mean) <= _MEAN_AT_MOST and 1 / _RATIO_AT_MOST <= std <= _RATIO_AT_MOST


def _is_of_ct(space: Any) -> bool:
    names = space if isinstance(space, list) else [space]
    return space == "ct" or any(isinstance(name, str) and name in _CT_NAMES for name in names)


def _parts(content: Any) -> Iterator[dict[str, Any]]:
    """Yield every mapping with a ``_target_``, at any depth."""
    if isinstance(content, dict):
        if isinstance(content.get("_target_"), str):
            yield content
        content = list(content.values())
    if isinstance(content, list):
        for item in content:
            yield from _parts(item)
