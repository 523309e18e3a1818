"""What a ``_target_`` names, and what one that names nothing was probably meant to be."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from pydoc import ErrorDuringImport, locate
from typing import Any

from medaug.errors import InputError
from medaug.nearest import nearest

#: How a ``_target_`` must begin.
TRUSTED = ("medaug.", "monai.", "torch.")
#: Where transforms and networks are looked for, the likelier first.
_HOMES = ("medaug.transforms", "medaug.policy", "monai.transforms", "monai.networks.nets")


def locate_target(target: str, where: str) -> Any:
    """Return what a ``_target_`` names, or None if there is no such thing.

    Parameters
    ----------
    target : str
        Dotted path; its modules are imported.
    where : str
        Starts the message.

    Raises
    ------
    InputError
        If a module cannot be imported.
    """
    try:
        return locate(target)
    except ErrorDuringImport as error:
        raise InputError(f"{where}: cannot import {target}: {error.value}") from error


def did_you_mean_target(target: str) -> str:
    """Return ``" (did you mean 'medaug.transforms.RandSpatiald'?)"``, or nothing if all is unlike.

    What is in a package that exists, and is none of those trusted, was meant.

    Parameters
    ----------
    target : str
        Dotted path, of which nothing is imported.
    """
    module, _, name = target.rpartition(".")
    if module and not target.startswith(TRUSTED) and find_spec(module.split(".")[0]):
        return ""  # code of one's own
    homes = (module,) if module in sys.modules and module.startswith(TRUSTED) else _HOMES
    known = {found: home for home in reversed(homes) for found in _classes_in(home)}
    near = nearest(name, known)
    return f" (did you mean '{known[near]}.{near}'?)" if near else ""


def _classes_in(module: str) -> list[str]:
    """Return the classes by the names that they were given, not by their aliases."""
    members = vars(import_module(module)).values()
    return [value.__name__ for value in members if isinstance(value, type)]
