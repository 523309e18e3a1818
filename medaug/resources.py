"""Where the configurations that ship with medaug are found."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from medaug.errors import InputError
from medaug.nearest import nearest
from medaug.typing import StrPath

_PACKAGE = Path(__file__).parent

#: The folders of the shipped configurations, and what one in each is called.
_KINDS = {
    "benchmarks": "benchmark",
    "policies": "policy",
    "preprocessing": "preprocessing configuration",
    "searches": "search",
}


def configs_dir() -> Path:
    """Return the folder of the shipped configurations, in a wheel or in a checkout."""
    installed = _PACKAGE / "_configs"
    return installed if installed.is_dir() else _PACKAGE.parent / "configs"


def shipped_names(kind: str) -> list[str]:
    """Return the names of the shipped configurations of a kind, such as ``policies``, sorted."""
    return sorted(file.stem for file in (configs_dir() / kind).glob("*.yaml"))


def config_file(source: StrPath, kind: str, *, also: Iterable[str] = ()) -> Path:
    """Return the file of a configuration: a shipped one by its name, or any by its path.

    Parameters
    ----------
    source : path or str
        A shipped name goes first: write ``./name`` for a file of that name.
    kind : str
        The folder of the shipped ones: ``benchmarks``, ``policies``, ``preprocessing``,
        ``searches``.
    also : iterable of str
        Further names that the caller knows, for the message.

    Raises
    ------
    InputError
        If there is no such file; names the nearest, and those that are shipped.
    """
    names = shipped_names(kind)
    if str(source) in names:
        return configs_dir() / kind / f"{source}.yaml"
    path = Path(source)
    if path.is_file():
        return path
    raise _not_found(path, str(source), _KINDS[kind], [*names, *also])


def _not_found(path: Path, source: str, what: str, names: list[str]) -> InputError:
    if path.is_dir():
        return InputError(f"{path}: is a folder; give a YAML file as {what}.")
    meant = {file.stem: str(file) for file in path.parent.glob("*.y*ml")}
    meant |= {name: name for name in names}
    near = nearest(path.stem, meant)
    hint = f" (did you mean {meant[near]!r}?)" if near else ""
    return InputError(
        f"unknown {what} {source!r}{hint}; name one of {', '.join(names)}, or give the path of a "
        "YAML file."
    )
