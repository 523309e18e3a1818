"""Where the configurations that ship with medaug are found."""

from __future__ import annotations

from pathlib import Path

from medaug.errors import InputError
from medaug.typing import StrPath

_PACKAGE = Path(__file__).parent


def configs_dir() -> Path:
    """Return the folder of the shipped configurations, in a wheel or in a checkout."""
    installed = _PACKAGE / "_configs"
    return installed if installed.is_dir() else _PACKAGE.parent / "configs"


def config_file(source: StrPath, kind: str) -> Path:
    """Return the file that a user names by its path, or a shipped one by its name.

    Parameters
    ----------
    source : path or str
    kind : str
        The folder of the shipped ones, such as ``benchmarks``.

    Raises
    ------
    InputError
        If there is no such file; names those that are shipped.
    """
    path = Path(source)
    if path.is_file():
        return path
    folder = configs_dir() / kind
    shipped = folder / f"{source}.yaml"
    if path.name == str(source) and shipped.is_file():
        return shipped
    names = ", ".join(sorted(file.stem for file in folder.glob("*.yaml")))
    raise InputError(
        f"{source}: no such configuration file; give the path of one, or one of: {names}."
    )
