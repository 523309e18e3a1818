"""Where the configurations that ship with medaug are found."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def configs_dir() -> Path:
    """Return the folder of the shipped configurations, in a wheel or in a checkout."""
    installed = _PACKAGE / "_configs"
    return installed if installed.is_dir() else _PACKAGE.parent / "configs"
