"""Data set folders of several layouts, and a process that may not read everything."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

LABELS = {"0": "background", "1": "Anterior", "2": "Posterior"}

_NOBODY = 65534


def touch(folder: Path, names: Iterable[str]) -> Path:
    """Make a folder of empty files: finding cases reads none."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"")
    return folder


def write_dataset_json(root: Path, content: Any) -> Path:
    (root / "dataset.json").write_text(json.dumps(content))
    return root


def decathlon(root: Path, names: Iterable[str] = ("a", "b"), **changes: Any) -> Path:
    files = [f"{name}.nii.gz" for name in names]
    touch(root / "imagesTr", files)
    touch(root / "labelsTr", files)
    training = [{"image": f"./imagesTr/{f}", "label": f"./labelsTr/{f}"} for f in files]
    return write_dataset_json(
        root, {"name": "Toy", "labels": LABELS, "training": training} | changes
    )


def folder_pair(root: Path, images: Iterable[str], labels: Iterable[str]) -> Path:
    touch(root / "images", images)
    touch(root / "labels", labels)
    return root


@contextmanager
def unprivileged(path: Path) -> Iterator[None]:
    """Be a user who may look into the folders above `path`, and read only what is public."""
    if os.geteuid() != 0:
        yield
        return
    # The folders of pytest are private to who runs it.
    private = [folder for folder in path.parents if not folder.stat().st_mode & 0o001]
    modes = {folder: folder.stat().st_mode for folder in private}
    for folder in private:
        try:
            folder.chmod(0o755)
        except OSError:
            pytest.skip(f"{folder} cannot be opened to another user")
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        for folder, mode in modes.items():
            folder.chmod(mode)
