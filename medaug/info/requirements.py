"""What medaug needs, by the metadata that it was installed with, and what of that is there."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata, requires, version

from packaging.requirements import Requirement

_SELF = "medaug"


def dependency_versions() -> dict[str, str | None]:
    """Return the version of each package that medaug always needs; None for one that is not there.

    Empty if medaug runs from a folder of sources that was never installed.
    """
    return {need.name: _version(need.name) for need in _needed_for("")}


def unmet_by_extra() -> dict[str, list[str]]:
    """Return for each extra what is not there, or in another version than is needed.

    Empty if medaug runs from a folder of sources that was never installed.
    """
    try:
        names = metadata(_SELF).get_all("Provides-Extra") or []
    except PackageNotFoundError:
        return {}
    return {name: _unmet(name) for name in names}


def _unmet(extra: str) -> list[str]:
    always = set(map(str, _needed_for("")))
    found = []
    for need in _needed_for(extra):
        if need.name == _SELF:  # an extra that is made of others
            found += [each for inner in sorted(need.extras) for each in _unmet(inner)]
        elif str(need) not in always and not _is_met(need):
            found.append(f"{need.name}{need.specifier}")
    return list(dict.fromkeys(found))


def _needed_for(extra: str) -> Iterator[Requirement]:
    """Yield what is needed here with an extra, or always for an empty one."""
    try:
        lines = requires(_SELF) or []
    except PackageNotFoundError:
        return
    for need in map(Requirement, lines):
        if need.marker is None or need.marker.evaluate({"extra": extra}):
            yield need


def _is_met(need: Requirement) -> bool:
    there = _version(need.name)
    return there is not None and need.specifier.contains(there, prereleases=True)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
