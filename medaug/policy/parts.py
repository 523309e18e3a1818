"""What a policy is made of: its parts, the policy without one, and one alone.

A part is a transform of the policy; of a RandSpatiald each effect that is switched on is a part,
and of a container that runs all of its members in turn each member. A RandSpatiald stays even where
no effect of it is left, because it cuts the patch.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from monai.transforms import Compose

from medaug.policy.curriculum import Curriculumd
from medaug.policy.targets import locate_target
from medaug.ranges import parse_axis_ranges
from medaug.transforms import Fused, FusedIntensity, RandSpatiald

#: Where a part is: positions of entries from the outside in, and last the name of an effect.
Address: TypeAlias = tuple[int | str, ...]

#: The effects of a RandSpatiald, as they happen: the argument that switches each on, and the others
#: that are about it.
_EFFECTS: dict[str, tuple[str, ...]] = {
    "flip": ("flip_prob",),
    "scale": ("scale", "scale_prob", "scale_of"),
    "shear": ("shear_degrees", "shear_prob"),
    "rotate": ("rotate_degrees", "rotate_prob"),
    "translate": ("translate_mm", "translate_prob"),
    "elastic": ("elastic_std_mm", "elastic_prob", "elastic_spacing_mm"),
}
#: The transforms that run all of their ``transforms``.
_CONTAINERS = (Compose, Fused, FusedIntensity, Curriculumd)


@dataclass(frozen=True)
class Part:
    """A part of a policy.

    Attributes
    ----------
    name : str
        Such as ``rotate`` or ``gaussian_noise``; where several are called alike, numbered in their
        order: ``gamma_1``, ``gamma_2``. Letters, digits and ``_``.
    address : tuple
        Where in the policy it is.
    """

    name: str
    address: Address


def parts_of(entries: list[Any]) -> list[Part]:
    """Return the parts of a policy, in their order.

    Parameters
    ----------
    entries : list
        Of a policy that can be built, see :func:`medaug.policy.parse_policy`.
    """
    found = list(_walk(entries, ()))
    count = Counter(name for name, _ in found)
    seen: Counter[str] = Counter()
    parts = []
    for name, address in found:
        seen[name] += 1
        parts.append(Part(f"{name}_{seen[name]}" if count[name] > 1 else name, address))
    return parts


def without(entries: list[Any], part: Part) -> list[Any]:
    """Return the entries of the policy without `part`; `entries` stay as they are."""
    return _select(entries, (), lambda address: address != part.address)


def only(entries: list[Any], part: Part) -> list[Any]:
    """Return the entries of the policy with no part but `part`; `entries` stay as they are."""
    return _select(entries, (), lambda address: address == part.address)


def _walk(entries: list[Any], above: Address) -> Iterator[tuple[str, Address]]:
    """Yield name and address of each part."""
    for position, entry in enumerate(entries):
        here = (*above, position)
        members = _members(entry)
        if _is_spatial(entry):
            yield from ((effect, (*here, effect)) for effect in _effects_on(entry))
        elif members is not None:
            yield from _walk(members, here)
        else:
            yield _name_of(entry["_target_"]), here


def _select(entries: list[Any], above: Address, keeps: Callable[[Address], bool]) -> list[Any]:
    """Return the entries of the parts that are kept."""
    selected = []
    for position, entry in enumerate(entries):
        here = (*above, position)
        members = _members(entry)
        if _is_spatial(entry):
            off = [effect for effect in _effects_on(entry) if not keeps((*here, effect))]
            gone = {argument for effect in off for argument in _EFFECTS[effect]}
            selected.append({key: value for key, value in entry.items() if key not in gone})
        elif members is not None:
            kept = _select(members, here, keeps)
            if kept:  # a container refuses to be empty
                selected.append({**entry, "transforms": kept})
        elif keeps(here):
            selected.append(entry)
    return selected


def _is_spatial(entry: dict[str, Any]) -> bool:
    return locate_target(entry["_target_"], "") is RandSpatiald


def _members(entry: dict[str, Any]) -> list[Any] | None:
    """Return the members of a container; None if it is none, or gets them by an expression."""
    members = entry.get("transforms")
    if locate_target(entry["_target_"], "") not in _CONTAINERS or not isinstance(members, list):
        return None
    return members if all(isinstance(member, dict) for member in members) else None


def _effects_on(entry: dict[str, Any]) -> list[str]:
    """Return the effects of a RandSpatiald that can change a sample."""
    return [
        effect
        for effect, arguments in _EFFECTS.items()
        if entry.get(f"{effect}_prob", 1) != 0 and _changes(effect, entry.get(arguments[0]))
    ]


def _changes(effect: str, value: Any) -> bool:
    """Return whether the argument that switches an effect on does."""
    if value is None or isinstance(value, str):  # an expression, which a trusted policy may have
        return value is not None
    if effect == "flip":
        return bool(np.any(value))
    neutral = 1.0 if effect == "scale" else 0.0
    ranges = parse_axis_ranges(effect, value, neutral)
    return any(bound != neutral for bounds in ranges for bound in bounds)


def _name_of(target: str) -> str:
    """Return the name of a transform: that of medaug.transforms.RandBiasFieldd is bias_field."""
    name = re.sub(r"^Rand(?=[A-Z0-9])|(Dict|[dD])$", "", target.rpartition(".")[2])
    return re.sub(r"(?<=[a-zA-Z0-9])(?=[A-Z][a-z])", "_", name).lower()
