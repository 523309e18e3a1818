"""What a configuration may name: it is data, and must not be able to run other code."""

from __future__ import annotations

from typing import Any

from medaug.errors import InputError
from medaug.policy.targets import TRUSTED, did_you_mean_target, locate_target

#: In which modules its class must be defined. Other classes of the same packages run commands,
#: unpickle files or read configurations of their own when they are made.
_CLASSES_OF = (
    "medaug.compat.monai.",
    "medaug.transforms.",
    "medaug.policy.",
    "monai.transforms.",
    "monai.networks.",
    "torch.nn.",
)
#: But for these, which call what their arguments name.
_NOT_OF = ("monai.transforms.io.",)
#: The ways to use a class; ``debug``, which MONAI knows as well, waits for a person.
_MODES = ("default", "callable")


def check_is_data(content: Any, where: str) -> None:
    """Refuse, at any depth, what MONAI would take as more than data.

    That is a ``_target_`` that is no class of transforms or of networks, an expression (``$...``)
    and what comes from another file (``%...``).

    Parameters
    ----------
    content : dict, list or scalar
        Parsed YAML or JSON.
    where : str
        Starts the message: the file and the key.

    Raises
    ------
    InputError
        If ``content`` would run code.
    """
    if isinstance(content, dict):
        if "_target_" in content:
            _check_component(content, where)
        content = list(content.values())
    if isinstance(content, list):
        for item in content:
            check_is_data(item, where)
    elif isinstance(content, str) and content.startswith("$"):
        raise InputError(f"{where}: {content!r} is an expression; a configuration cannot run code")
    elif isinstance(content, str) and content.startswith("%"):
        raise InputError(
            f"{where}: {content!r} is taken from another place; a configuration cannot do that"
        )


def _check_component(entry: dict[str, Any], where: str) -> None:
    target = entry["_target_"]
    if not isinstance(target, str) or not target.startswith(TRUSTED):
        hint = did_you_mean_target(target) if isinstance(target, str) else ""
        raise InputError(
            f"{where}: _target_ {target!r} is not allowed{hint}; it must begin with "
            f"{', '.join(TRUSTED)}, or be trusted (--trust, trust=True), if you know what it runs"
        )
    found = locate_target(target, where)
    if found is not None and not _is_allowed(found):
        raise InputError(
            f"{where}: _target_ {target!r} is not allowed; it must be a class of "
            f"{', '.join(package.rstrip('.') for package in _CLASSES_OF)} "
            "that reads and writes no files"
        )
    if "_debug_" in entry or entry.get("_mode_", "default") not in _MODES:
        raise InputError(f"{where}: _mode_ must be one of {', '.join(_MODES)}, without _debug_")


def _is_allowed(found: Any) -> bool:
    if not isinstance(found, type):
        return False
    home = f"{found.__module__}."
    return home.startswith(_CLASSES_OF) and not home.startswith(_NOT_OF)
