"""What a shell completes: the names of what ships with medaug. Paths it knows itself."""

from __future__ import annotations

from medaug.resources import shipped_names


def benchmarks(incomplete: str) -> list[str]:
    """Return the benchmarks whose names begin like this."""
    return _beginning("benchmarks", incomplete)


def policies(incomplete: str) -> list[str]:
    """Return the policies whose names begin like this."""
    return _beginning("policies", incomplete)


def lists_of_policies(incomplete: str) -> list[str]:
    """Return what ``A,B`` can become if the last name goes on; each policy at most once."""
    *before, last = incomplete.split(",")
    return [",".join([*before, name]) for name in policies(last) if name not in before]


def preprocessings(incomplete: str) -> list[str]:
    """Return the preprocessing configurations whose names begin like this."""
    return _beginning("preprocessing", incomplete)


def searches(incomplete: str) -> list[str]:
    """Return the searches whose names begin like this."""
    return _beginning("searches", incomplete)


def _beginning(kind: str, incomplete: str) -> list[str]:
    return [name for name in shipped_names(kind) if name.startswith(incomplete)]
