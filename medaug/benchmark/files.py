"""Writing the files of a benchmark: valid JSON, and no file that is only half there."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from medaug.typing import StrPath


def write_atomically(path: StrPath, content: str | bytes) -> None:
    """Write a file so that its name holds either the whole new content or what was there before.

    Parameters
    ----------
    path : path
        The file. Its folder must exist.
    content : str or bytes
        Text is written as UTF-8.
    """
    path = Path(path)
    data = content.encode() if isinstance(content, str) else content
    # A name of its own for each process; mkstemp would deny the group the permission to read.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


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
