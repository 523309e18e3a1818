"""Writing files: no file that is only half there, and valid JSON."""

from __future__ import annotations

import json
import math
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from medaug.typing import StrPath

#: How the hidden files end that a killed process may leave behind.
_TEMPORARY_SUFFIX = ".tmp"


@contextmanager
def open_atomically(path: StrPath) -> Iterator[BinaryIO]:
    """Open a file for writing so that its name holds the whole new content or what was before.

    What is written is on the disk before the name is.

    Parameters
    ----------
    path : path
        The file. Its folder must exist.
    """
    path = Path(path)
    # Nobody else has this name, on other machines neither. mkstemp would deny the group to read.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}{_TEMPORARY_SUFFIX}")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomically(path: StrPath, content: str | bytes) -> None:
    """Write a whole file as `open_atomically` does; text as UTF-8."""
    with open_atomically(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def is_leftover(path: Path) -> bool:
    """Tell whether a file is one that `open_atomically` had not finished."""
    return path.name.startswith(".") and path.name.endswith(_TEMPORARY_SUFFIX)


def remove_leftovers(folder: Path) -> None:
    """Remove what killed processes have left behind below a folder that nobody writes to."""
    for path in filter(is_leftover, folder.rglob(".*")):
        path.unlink(missing_ok=True)


def dump_json(value: Any, *, indent: int | None = 2) -> str:
    """Return `value` as standard JSON: NaN and infinities, which JSON lacks, become null.

    Parameters
    ----------
    value : mapping, sequence, number, str, bool or None
        Nested at will; numpy scalars are taken as numbers.
    indent : int or None, default: 2
        None puts everything on one line.
    """
    return json.dumps(_plain(value), indent=indent, allow_nan=False, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
