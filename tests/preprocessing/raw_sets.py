"""Small data sets as scanners leave them, and a look at what comes out of their preprocessing."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

from medaug.io.volume import write_volume

#: Left, posterior, superior; 1, 1 and 2 mm.
LPS = np.array([[-1.0, 0, 0, 11], [0, -1, 0, 23], [0, 0, 2, -5], [0, 0, 0, 1]])
SHAPE = (18, 16, 12)

#: What the SECONDS of a run change.
_TIMED = {"seconds"}


def write_case(root: Path, name: str, *, affine=LPS, shape=SHAPE, label: bool = True) -> None:
    """Write two channels in int16, a head in exact zeros, with the labels 1, 2 and 4 in it."""
    rng = np.random.default_rng(sum(name.encode()))
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    head = tuple(slice(n // 6, n - n // 6) for n in shape)
    for channel, mean in (("t1", 300), ("t2", 700)):
        data = np.zeros(shape, np.int16)
        data[head] = rng.normal(mean, 50, data[head].shape)
        write_volume(folder / f"{name}_{channel}.nii.gz", data, affine)
    if label:
        values = np.zeros(shape, np.uint8)
        i, j, k = (n // 2 for n in shape)
        values[i - 4 : i + 4, j - 4 : j + 4, k - 3 : k + 3] = 1
        values[i - 4 : i, j - 4 : j, k - 3 : k + 3] = 2
        values[i : i + 4, j - 4 : j + 4, k : k + 3] = 4
        write_volume(folder / f"{name}_seg.nii.gz", values, affine)


def write_set(root: Path, names=("a", "b", "c")) -> Path:
    """Write a data set in the layout of BraTS."""
    for name in names:
        write_case(root, name)
    return root


def content_of(out: Path) -> dict[str, Any]:
    """Return every file of a preprocessed data set, without the seconds that it took."""
    content: dict[str, Any] = {}
    for path in sorted(path for path in out.rglob("*") if path.is_file()):
        name = path.relative_to(out).as_posix()
        if name.startswith("records/"):
            content[name] = {
                k: v for k, v in json.loads(path.read_text()).items() if k not in _TIMED
            }
        elif name == "manifest.csv":
            content[name] = [
                {k: v for k, v in row.items() if k not in _TIMED} for row in rows(path)
            ]
        else:
            content[name] = path.read_bytes()
    return content


def rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
