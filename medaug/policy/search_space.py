"""What of a policy a search may change, and the policy with other numbers.

Probabilities are searched themselves. Of a magnitude a factor is searched: its range is drawn in
towards no change, or out from it, in proportion, as `medaug.ranges.drawn_in` does. What a policy
does not write down, or has switched off, stays as it is, and so do counts, sizes and choices.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

from medaug import transforms as t
from medaug.policy.parts import Address, parts_of
from medaug.policy.randaugment import MAX_MAGNITUDE, RandAugmentd
from medaug.policy.targets import locate_target
from medaug.ranges import drawn_in, is_one_range

#: The largest probability that is searched, unless the policy itself has a larger one.
PROB_AT_MOST = 0.8
#: That of a flip: beyond one half the mirrored scan would be the usual one.
FLIP_PROB_AT_MOST = 0.5
#: By what a magnitude is multiplied.
FACTOR_LIMITS = (0.33, 2.0)

#: Significant digits of the numbers of a policy that was found.
_DIGITS = 4


@dataclass(frozen=True)
class Tunable:
    """A number of a policy that a search may change.

    Attributes
    ----------
    name : str
        The part of the policy and its argument, such as ``rotate.prob`` or ``gamma_2.gamma``; see
        :func:`medaug.policy.parts_of`.
    low, high : float
        Smallest and largest value.
    log : bool
        Values are to be spread evenly over their logarithm.
    start : float
        The value that leaves the policy as it is.
    """

    name: str
    low: float
    high: float
    log: bool
    start: float


@dataclass(frozen=True)
class _Magnitude:
    """What the numbers of an argument mean.

    Attributes
    ----------
    neutral : float
        What changes nothing.
    least, most : float
        What the argument may be at most, unless the policy itself goes beyond.
    is_itself : bool
        A single number means itself, instead of a symmetric range about `neutral`.
    """

    neutral: float = 0.0
    least: float = -math.inf
    most: float = math.inf
    is_itself: bool = False


_ANY = _Magnitude()
_SHARE = _Magnitude(most=1)
_ABOUT_ONE = _Magnitude(neutral=1, least=0.1)

# One row a line, as in a table.
# fmt: off
_MAGNITUDES: Mapping[type, Mapping[str, _Magnitude]] = {
    t.RandSpatiald: {
        "rotate_degrees": _Magnitude(least=-180, most=180),
        "scale": _ABOUT_ONE,
        "shear_degrees": _Magnitude(least=-26, most=26),
        "translate_mm": _ANY,
        "elastic_std_mm": _ANY,
    },
    t.RandAffined: {
        "rotate_degrees": _Magnitude(least=-180, most=180),
        "scale": _ABOUT_ONE,
        "shear_degrees": _Magnitude(least=-26, most=26),
        "translate_mm": _ANY,
    },
    t.RandElasticd: {"elastic_std_mm": _ANY},
    t.RandZoomd: {"zoom": _ABOUT_ONE},

    t.RandIntensityScaled: {"factor": _ABOUT_ONE},
    t.RandIntensityShiftd: {"offset": _ANY},
    t.RandContrastd: {"factor": _ABOUT_ONE},
    t.RandGammad: {"gamma": _ABOUT_ONE},
    t.RandMonotoneCurved: {"strength": _SHARE},
    t.RandNonlinearCurved: {"strength": _SHARE},
    t.RandHistogramShiftd: {"strength": _SHARE},
    t.RandClipd: {
        "lower_percentile": _Magnitude(most=49),
        "upper_percentile": _Magnitude(neutral=100, least=51, is_itself=True),
    },

    t.RandGaussianNoised: {"std": _ANY},
    t.RandRicianNoised: {"std": _ANY},
    t.RandQuantumNoised: {"dose": _Magnitude(neutral=1, least=0.05, is_itself=True)},
    t.RandSaltPepperd: {"density": _SHARE},

    t.RandGaussianBlurd: {"sigma_mm": _ANY, "sigma_voxels": _ANY},
    t.RandSharpend: {"amount": _ANY},
    t.RandMediand: {"radius_voxels": _ANY},
    t.RandLowResolutiond: {"factor": _Magnitude(neutral=1, least=0.1, is_itself=True)},
    t.RandThickSlicesd: {"thickness_mm": _ANY},

    t.RandBiasFieldd: {"strength": _ANY},
    t.RandGibbsd: {"keep": _Magnitude(neutral=1, least=0.1, is_itself=True)},
    t.RandGhostingd: {"intensity": _ANY},
    t.RandMotiond: {"degrees": _Magnitude(least=-180, most=180), "translate_mm": _ANY},
    t.RandSpiked: {"intensity": _ANY},
    t.RandMetalStreaksd: {"amplitude": _ANY, "amplitude_hu": _ANY},
    t.RandBlockCompressiond: {"quality": _Magnitude(neutral=100, least=1, is_itself=True)},
    t.RandCutOutd: {"size_mm": _ANY},

    RandAugmentd: {"magnitude": _Magnitude(most=MAX_MAGNITUDE)},
}
# fmt: on


def tunables_of(entries: list[Any]) -> list[Tunable]:
    """Return what a search may change of a policy, in the order of its parts.

    Parameters
    ----------
    entries : list
        Of a policy that can be built, see :func:`medaug.policy.parse_policy`.

    Returns
    -------
    list of Tunable
        Of each part the probabilities, from 0 on, and the magnitudes, as factors within
        `FACTOR_LIMITS`. Probabilities of several axes are one tunable: the largest of them, with
        the others in proportion. A probability of 0, or a range that changes nothing, has none.
    """
    return [place.tunable for place in _places(entries)]


def apply(entries: list[Any], values: Mapping[str, float]) -> list[Any]:
    """Return the entries of a policy with other numbers.

    Parameters
    ----------
    entries : list
        Of the policy; they stay as they are.
    values : mapping of str to float
        By the names of tunables. Those that are not named keep what they have.

    Returns
    -------
    list
        Numbers are rounded to four significant digits, but for those at their start, which stay.

    Raises
    ------
    ValueError
        If the policy has no such tunable, or a value is out of its range.
    """
    places = {place.tunable.name: place for place in _places(entries)}
    if unknown := sorted(values.keys() - places.keys()):
        raise ValueError(f"there is no tunable {unknown[0]!r}; the policy has {', '.join(places)}")
    changed: list[Any] = _copied(entries)
    for name, value in values.items():
        tunable = places[name].tunable
        if not tunable.low <= value <= tunable.high:
            raise ValueError(
                f"{name} must lie between {tunable.low} and {tunable.high}; got {value}"
            )
        if value != tunable.start:
            places[name].put(changed, value)
    return changed


@dataclass(frozen=True)
class _Place:
    """A tunable and where in the policy it is."""

    tunable: Tunable
    address: Address
    argument: str
    magnitude: _Magnitude | None  # None for a probability

    def put(self, entries: list[Any], value: float) -> None:
        """Write what the argument is at a value of the tunable into the entries."""
        entry = _entry_at(entries, self.address)
        old = entry[self.argument]
        if self.magnitude is None:
            entry[self.argument] = _in_proportion(old, value / self.tunable.start)
        else:
            entry[self.argument] = _scaled(old, value, self.magnitude)


def _places(entries: list[Any]) -> Iterator[_Place]:
    for part in parts_of(entries):
        entry = _entry_at(entries, part.address)
        magnitudes = _MAGNITUDES.get(locate_target(entry["_target_"], ""), {})
        effect = part.address[-1] if isinstance(part.address[-1], str) else ""
        for argument, value in entry.items():
            if not f"{argument}_".startswith(effect and f"{effect}_"):
                continue  # of another effect of the same transform
            short = argument.removeprefix(f"{effect}_")
            magnitude = magnitudes.get(argument)
            if magnitude is not None:
                tunable = _factor(f"{part.name}.{short}", value, magnitude)
            elif f"_{argument}".endswith("_prob"):
                usual = FLIP_PROB_AT_MOST if argument == "flip_prob" else PROB_AT_MOST
                tunable = _probability(f"{part.name}.{short}", value, usual)
            else:
                continue
            if tunable is not None:
                yield _Place(tunable, part.address, argument, magnitude)


def _factor(name: str, value: Any, magnitude: _Magnitude) -> Tunable | None:
    """Return the tunable of a magnitude; None if it changes nothing or is no number."""
    centred = isinstance(value, Real) and not magnitude.is_itself
    neutral = 0.0 if centred else magnitude.neutral
    if all(number == neutral for number in _numbers(value)):
        return None
    return Tunable(name, *FACTOR_LIMITS, log=True, start=1.0)


def _probability(name: str, value: Any, usual: float) -> Tunable | None:
    """Return the tunable of probabilities; None if they are off or no numbers."""
    start = max(_numbers(value), default=0.0)
    return Tunable(name, 0.0, max(usual, start), log=False, start=start) if start > 0 else None


def _numbers(value: Any) -> list[float]:
    """Return the numbers of an argument, of all its axes; none if it has anything else."""
    if isinstance(value, list | tuple):
        entries = [_numbers(entry) for entry in value]
        return [number for entry in entries for number in entry] if all(entries) else []
    return [float(value)] if isinstance(value, Real) and not isinstance(value, bool) else []


def _in_proportion(value: Any, factor: float) -> Any:
    if isinstance(value, list | tuple):
        return [_in_proportion(entry, factor) for entry in value]
    return _rounded(value * factor)


def _scaled(value: Any, factor: float, magnitude: _Magnitude) -> Any:
    """Return a range, or those of the axes, drawn in to or out from what changes nothing."""
    if not is_one_range(value):
        return [_scaled(entry, factor, magnitude) for entry in value]
    if not isinstance(value, Real):
        low, high = value
        ends = drawn_in((low, high), factor, magnitude.neutral)
        return [_within(end, low, high, magnitude) for end in ends]
    number = float(value)
    if magnitude.is_itself:
        end, _ = drawn_in((number, number), factor, magnitude.neutral)
        return _within(end, number, number, magnitude)
    room = min(magnitude.most - magnitude.neutral, magnitude.neutral - magnitude.least)
    return _rounded(min(number * factor, max(number, room)))


def _within(end: float, low: float, high: float, magnitude: _Magnitude) -> float:
    """Return an end within the limits, or within those of the policy where they are wider."""
    least, most = min(magnitude.least, low), max(magnitude.most, high)
    return _rounded(min(max(end, least), most))


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _copied(content: Any) -> Any:
    """Return a copy in which nothing stands twice, as it may where a file has a YAML alias."""
    if isinstance(content, dict):
        return {key: _copied(value) for key, value in content.items()}
    return [_copied(item) for item in content] if isinstance(content, list) else content


def _entry_at(entries: list[Any], address: Address) -> dict[str, Any]:
    """Return the entry, itself and no copy, in which a part is."""
    first, *inner = (position for position in address if isinstance(position, int))
    entry: dict[str, Any] = entries[first]
    for position in inner:
        entry = entry["transforms"][position]
    return entry
