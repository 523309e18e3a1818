"""Folders that appear whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from medaug.errors import InputError
from medaug.typing import StrPath


@contextmanager
def new_folder(folder: StrPath) -> Iterator[Path]:
    """Fill a folder under a temporary name beside it, and give it its name once it is whole.

    What a killed process left under the temporary name is removed by the next one, so that one
    process at a time can make a folder.

    Parameters
    ----------
    folder : path-like
        The folder to make, and its parents where they are missing. It may exist if it is empty.

    Yields
    ------
    Path
        The empty folder to fill. It is removed again if an exception passes.

    Raises
    ------
    InputError
        If the folder holds something, is a file, or cannot be made or written to: every OSError in
        the block becomes one.
    """
    folder = Path(folder)
    # Absolute, for "." has no name to derive one from.
    place = folder.absolute()
    temporary = place.parent / f".{place.name}.unfinished"
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError(f"{folder}: already there; remove it or name another folder.")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        yield temporary
        temporary.replace(folder)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be made ({_reason(error)}); check the free space and permissions."
        ) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _reason(error: OSError) -> str:
    """Return what is wrong with which file, for it may be one that is read."""
    reason = error.strerror or str(error)
    return f"{reason}: {error.filename}" if error.filename else reason
