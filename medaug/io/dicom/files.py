"""Find the DICOM files below a folder, and read from them without loading the pixels."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pydicom
from pydicom.dataset import FileDataset
from pydicom.errors import InvalidDicomError

from medaug.errors import InputError
from medaug.io.dicom.detect import is_dicom

#: What a file or its damaged header makes pydicom raise.
DAMAGED = (
    AttributeError,
    EOFError,
    InvalidDicomError,
    KeyError,
    RuntimeError,
    OSError,
    TypeError,
    ValueError,
)


def walk_files(root: Path, *, follow_links: bool = False) -> tuple[list[Path], list[Path]]:
    """List the files below a folder in order of their names, hidden files and folders left out.

    What several links lead to is listed once.

    Parameters
    ----------
    root : Path
        The folder.
    follow_links : bool, default: False
        Take what symbolic links bring in from outside of the folder.

    Returns
    -------
    files : list of Path
    outside : list of Path
        Links that lead out of the folder, and were left out.

    Raises
    ------
    OSError
        If a folder cannot be listed.
    """
    home = root.resolve()
    files: list[Path] = []
    outside: list[Path] = []
    seen = {_identity(root)}

    def admits(path: Path) -> bool:
        if path.name.startswith("."):
            return False
        if not follow_links and path.is_symlink() and not path.resolve().is_relative_to(home):
            outside.append(path)
            return False
        identity = _identity(path)
        new = identity not in seen
        seen.add(identity)
        return new

    # Links are filtered here, and as no folder is admitted twice none is walked for ever.
    for name, subfolders, names in os.walk(root, onerror=_raise, followlinks=True):
        folder = Path(name)
        files += [path for path in (folder / name for name in sorted(names)) if admits(path)]
        subfolders[:] = [name for name in sorted(subfolders) if admits(folder / name)]
    return files, outside


def _raise(error: OSError) -> None:
    """Make `os.walk` report what it would pass over in silence."""
    raise error


def _identity(path: Path) -> object:
    """Return what two paths of one file or folder have in common."""
    try:
        status = path.stat()
    except OSError:
        return path
    return status.st_dev, status.st_ino


def read_dataset(path: Path, tags: Sequence[str] | None = None) -> FileDataset:
    """Read a DICOM file.

    Parameters
    ----------
    path : Path
    tags : sequence of str or None, default: None
        Keywords of the only elements to read, none of which is pixel data; None reads all.

    Raises
    ------
    InputError
        If the file cannot be read or is not DICOM.
    """
    with dicom_translated(path):
        if tags is None:
            return pydicom.dcmread(path, force=is_dicom(path))
        return pydicom.dcmread(
            path, stop_before_pixels=True, force=is_dicom(path), specific_tags=list(tags)
        )


@contextmanager
def dicom_translated(path: Path, doing: str = "reading its header") -> Iterator[None]:
    """Turn what pydicom raises on a damaged file into one InputError, and silence its warnings."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the path.") from None
    except PermissionError:
        raise InputError(f"{path}: no permission to read it; change that.") from None
    except DAMAGED as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{path}: the DICOM file is truncated or damaged ({doing}: {reason}); copy or export "
            "it again."
        ) from None
