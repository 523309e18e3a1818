"""``dataset.json``, as the Decathlon and nnU-Net have it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from medaug.errors import InputError

#: Name of the file in the folder of a data set.
DATASET_JSON = "dataset.json"

_Model = TypeVar("_Model", bound=BaseModel)

#: As the file lists labels: ``{"0": "background"}``, ``{"background": 0}``, and lists for regions.
ListedLabels = dict[str, int | str | list[int]]


def load_json(path: Path) -> dict[str, Any]:
    """Return the content of ``dataset.json``.

    Raises
    ------
    InputError
        If it cannot be read or holds no JSON object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))  # Windows marks files so
    except OSError as error:
        raise InputError(f"{path}: cannot read ({error.strerror}); check the file.") from None
    except ValueError as error:
        raise InputError(f"{path}: not valid JSON ({error}); correct the file.") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: no JSON object at the top level; correct the file.")
    return content


def listed_file(root: Path, listed: str) -> Path:
    """Return the file that an entry lists, below the folder; Windows may have written the path."""
    file = root / listed
    return file if file.exists() else root / listed.replace("\\", "/")


def parse(path: Path, content: Mapping[str, Any], model: type[_Model], described: str) -> _Model:
    """Return the content as `model`.

    Raises
    ------
    InputError
        That names the first key at fault, with `described`, what such a file holds.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        # Below a label pydantic names the types it tried, which are not keys of the file.
        steps = first["loc"][: 2 if first["loc"][0] == "labels" else None]
        key = ".".join(map(str, steps))
        raise InputError(
            f"{path}: key {key}: {first['msg'].lower()}; correct the file ({described})."
        ) from None


def label_names(path: Path, listed: ListedLabels) -> dict[int, str]:
    """Return label value to name, whichever of the two is the key in ``dataset.json``.

    Raises
    ------
    InputError
        If a value is no whole number from 0 up, is listed twice, or the background is missing.
    """
    pairs: list[tuple[int, str]] = []
    for key, value in listed.items():
        if isinstance(value, list):
            raise InputError(
                f"{path}: key labels.{key}: a list of values is a region, and regions overlap; "
                "list each label value as a class of its own."
            )
        number, name = (value, key) if isinstance(value, int) else (key, value)
        if not str(number).isdecimal():
            raise InputError(
                f"{path}: key labels.{key}: a label needs a whole number from 0 up and a name, as "
                'in {"0": "background"} or {"background": 0}; correct the file.'
            )
        pairs.append((int(number), name))
    labels = dict(pairs)
    if 0 not in labels:
        raise InputError(f"{path}: key labels: 0 is missing; list it as the background.")
    for kind, entries in (("value", labels), ("name", set(labels.values()))):
        if len(entries) < len(pairs):
            raise InputError(f"{path}: key labels: a {kind} is listed twice; correct the file.")
    return dict(sorted(labels.items()))


def channel_names(path: Path, key: str, listed: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the channels, listed by their numbers, in order.

    Raises
    ------
    InputError
        If the numbers do not count from 0.
    """
    if set(listed) != {str(number) for number in range(len(listed))}:
        raise InputError(
            f"{path}: key {key}: the channels must be numbered from 0 up, as in "
            '{"0": "T1", "1": "T2"}; correct the file.'
        )
    return tuple(listed[str(number)] for number in range(len(listed)))
