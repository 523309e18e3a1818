"""Settings from a YAML file and options, checked by a pydantic model; errors of one line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from medaug.errors import InputError
from medaug.nearest import nearest

_Model = TypeVar("_Model", bound=BaseModel)


def read_settings(model: type[_Model], file: Path, options: Mapping[str, Any]) -> _Model:
    """Read settings from a YAML file and let options override them.

    Parameters
    ----------
    model : pydantic model
    file : path
    options : mapping
        Fields of the model that replace the file's, as from a command line.

    Returns
    -------
    instance of the model

    Raises
    ------
    InputError
        If the file cannot be read, or a key or value is wrong: names it, and for an unknown key the
        nearest known one.
    """
    return check_settings(model, read_mapping(file), file, options)


def read_mapping(file: Path) -> dict[str, Any]:
    """Read the keys and values of a YAML file; none if it has nothing but comments.

    Raises
    ------
    InputError
        If it cannot be read or holds something else.
    """
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{file}: cannot be read as YAML ({reason}); mend the file.") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise InputError(f"{file}: holds no keys and values; write lines such as 'name: study'.")
    return content


def check_settings(
    model: type[_Model], settings: Mapping[str, Any], file: Path, options: Mapping[str, Any]
) -> _Model:
    """Return the model of settings, which `file` holds and `options` override.

    Raises
    ------
    InputError
        If a key or value is wrong; see `read_settings`.
    """
    try:
        return model.model_validate({**settings, **options})
    except ValidationError as error:
        fault = min(error.errors(), key=_rank)
        raise InputError(_explain(fault, model, file, options)) from error


def _rank(error: Mapping[str, Any]) -> int:
    """Rank the errors of the types that pydantic tried for a value: what was meant goes first."""
    if error["type"] == "extra_forbidden":
        return 0
    return 1 if error["type"] == "literal_error" and isinstance(error["input"], str) else 2


def _explain(
    error: Mapping[str, Any], model: type[BaseModel], file: Path, options: Mapping[str, Any]
) -> str:
    """Return one sentence that names the file or option, the key and the remedy."""
    keys = list(_keys_of(error, model))
    key = ".".join(keys)
    if error["type"] == "extra_forbidden":
        known = _known_keys(model, keys[:-1])
        near = nearest(keys[-1], known)
        remedy = f"did you mean '{near}'?" if near else f"the known ones are {', '.join(known)}."
        return f"{file}: unknown key '{key}'; {remedy}"
    problem = error["msg"].removeprefix("Value error, ")
    problem = problem[:1].lower() + problem[1:]
    if error["type"] == "missing":
        return f"{file}: '{key}' is missing; add it."
    if not keys:
        return f"{file}: {problem}."
    given = f", not {error['input']!r}" if not isinstance(error["input"], dict) else ""
    where = f"--{keys[0].replace('_', '-')}" if keys[0] in options else f"{file}: '{key}'"
    return f"{where}: {problem}{given}."


def _keys_of(error: Mapping[str, Any], model: type[BaseModel]) -> Iterator[str]:
    """Yield the keys that lead to the fault, without the names of the types that were tried."""
    models, in_dict = [model], False
    for place, part in enumerate(error["loc"], 1):
        fields = [each.model_fields[str(part)] for each in models if part in each.model_fields]
        unknown = error["type"] == "extra_forbidden" and place == len(error["loc"])
        if fields:
            models = [found for field in fields for found in _models_in(field.annotation)]
            in_dict = any("dict" in str(field.annotation) for field in fields)
        elif not (unknown or isinstance(part, int)):
            if not in_dict or "[" in part:
                continue
            in_dict = False
        yield str(part)


def _known_keys(model: type[BaseModel], parents: list[str]) -> list[str]:
    """Return the keys of the model, or of the section that the parents lead to."""
    models = [model]
    for parent in parents:
        models = [
            found
            for each in models
            if parent in each.model_fields
            for found in _models_in(each.model_fields[parent].annotation)
        ] or models  # the parent is a key of a dict of sections
    return sorted({key for each in models for key in each.model_fields})


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
