"""Whether what a configuration names exists, and takes the arguments that it is given."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, get_args

from medaug.errors import InputError
from medaug.nearest import did_you_mean
from medaug.policy.targets import did_you_mean_target, locate_target


def check_arguments(content: Any, where: str) -> None:
    """Refuse, at any depth, a target that does not exist and an argument that it does not take.

    Parameters
    ----------
    content : dict, list or scalar
        Parsed YAML or JSON that has passed `medaug.policy.check_is_data`, or is trusted.
    where : str
        Starts the message: the file and the key.

    Raises
    ------
    InputError
        Names the nearest target or argument.
    """
    if isinstance(content, list):
        for i, item in enumerate(content):
            check_arguments(item, f"{where}, part {i + 1}")
        return
    if not isinstance(content, dict):
        return
    if isinstance(content.get("_target_"), str):
        _check_target(content, where)
    for key, value in content.items():
        check_arguments(value, f"{where}, {key}")


def _check_target(entry: dict[str, Any], where: str) -> None:
    target = locate_target(entry["_target_"], where)
    if not callable(target):
        module, _, name = entry["_target_"].rpartition(".")
        hint = did_you_mean_target(entry["_target_"])
        raise InputError(f"{where}: there is no {name!r} in {module}{hint}")
    known = _arguments_of(target)
    for key in entry:
        if known is not None and not key.startswith("_") and key not in known:
            hint = did_you_mean(key, known)
            raise InputError(f"{where}: unknown key {key!r}{hint}; it takes {', '.join(known)}")


def _arguments_of(target: Callable[..., Any]) -> list[str] | None:
    """Return the names that ``target`` takes, those of a typed ``**options`` spelt out.

    None if it does not say.
    """
    try:
        parameters = inspect.signature(target).parameters
    except ValueError:  # some that are written in C
        return None
    names: list[str] = []
    for name, parameter in parameters.items():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            hint = inspect.get_annotations(_initialiser(target), eval_str=True).get(name)
            options = get_args(hint)
            if not options:
                return None
            names += options[0].__annotations__
        else:
            names.append(name)
    return names


def _initialiser(target: Callable[..., Any]) -> Callable[..., Any]:
    return target.__init__ if inspect.isclass(target) else target
