"""What a configuration may name: it is data, and must not be able to run other code."""

from __future__ import annotations

from typing import Any

from medaug.errors import InputError

#: Whose classes a ``_target_`` may be.
TRUSTED = ("medaug.", "monai.", "torch.")


def check_is_data(content: Any, where: str) -> None:
    """Refuse, at any depth, a ``_target_`` that is not trusted and an expression of MONAI's.

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
        target = content.get("_target_")
        if isinstance(target, str) and not target.startswith(TRUSTED):
            raise InputError(
                f"{where}: _target_ {target!r} is not allowed; "
                f"it must begin with {', '.join(TRUSTED)}"
            )
        content = list(content.values())
    if isinstance(content, list):
        for item in content:
            check_is_data(item, where)
    elif isinstance(content, str) and content.startswith("$"):
        raise InputError(f"{where}: {content!r} is an expression; a configuration cannot run code")
