"""The record of an augmented copy: all that it takes to make it again."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from medaug import __version__
from medaug.errors import InputError
from medaug.io.cases import ScanFiles
from medaug.io.checksums import sha256_of
from medaug.io.files import write_atomically
from medaug.preprocessing.config import Geometry
from medaug.typing import AnyArray

#: What a copy consists of.
ArrayName: TypeAlias = Literal["image", "label", "affine"]

_PACKAGES = ("monai", "numpy", "torch")


class Source(BaseModel):
    """The files of a scan.

    Attributes
    ----------
    path : str
        Relative to the folder of the data set.
    slices : tuple of str
        Of a DICOM series, likewise.
    sha256 : tuple of str
        Of each of its files.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    slices: tuple[str, ...]
    sha256: tuple[str, ...]

    def files_in(self, root: Path) -> ScanFiles:
        """Return the files below the folder of a data set."""
        return ScanFiles(root / self.path, tuple(root / name for name in self.slices))


class Recipe(BaseModel):
    """What is asked for, the same for all copies of a run.

    Attributes
    ----------
    policy_name : str
        As the user has given it.
    policy : str
        The text of its file.
    seed : int
        Of all draws, not negative.
    spatial_size : tuple of int or None
        What ``@spatial_size`` stands for in it.
    geometry : {"sform", "qform"} or None
        Which affine of a NIfTI header is believed where they disagree.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    policy_name: str
    policy: str
    seed: int
    spatial_size: tuple[int, ...] | None = None
    geometry: Geometry | None = None


class Drawn(BaseModel):
    """What one transform of the policy has drawn.

    Attributes
    ----------
    transform : str
        Its class.
    record : dict or None
        The parameters, if it is medaug's: `apply` takes them.
    seed : int or None
        What another transform was seeded with.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    transform: str
    record: dict[str, Any] | None = None
    seed: int | None = None


class CopyRecord(BaseModel):
    """How a copy was made.

    Attributes
    ----------
    case : str
    number : int
        Of the copy, from 1 on.
    recipe : Recipe
    root : str
        Folder of the data set.
    image : tuple of Source
    label : Source
    drawn : tuple of Drawn
        One for each entry of the policy.
    arrays : dict of str to str
        `hash_array` of ``image``, ``label`` and ``affine``.
    files : dict of str to str
        SHA-256 of each file of the copy, by its name relative to the output folder.
    versions : dict of str to str
        Of medaug and what it stands on.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    case: str = Field(pattern=r"^[^/\\]+$")  # names files
    number: int
    recipe: Recipe
    root: str
    image: tuple[Source, ...]
    label: Source
    drawn: tuple[Drawn, ...]
    arrays: dict[ArrayName, str]
    files: dict[str, str]
    versions: dict[str, str]


def read_record(path: Path) -> CopyRecord:
    """Read a record.

    Raises
    ------
    InputError
        If the file cannot be read or is none.
    """
    try:
        return CopyRecord.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except ValidationError as error:
        fault = error.errors()[0]
        reason = ": ".join(filter(None, (".".join(map(str, fault["loc"])), fault["msg"])))
        raise InputError(
            f"{path}: is no record of a copy ({reason}); "
            "name a file of a folder 'records' that medaug augment has written"
        ) from error


def write_record(path: Path, record: CopyRecord) -> None:
    """Write a record, one field a line."""
    fields = record.model_dump(mode="json", exclude_none=True)
    # NaN is no JSON, and would not come back as what it was.
    lines = [f"{json.dumps(name)}: {json.dumps(fields[name], allow_nan=False)}" for name in fields]
    write_atomically(path, "{\n" + ",\n".join(lines) + "\n}\n")


def describe_source(scan: ScanFiles, root: Path) -> Source:
    """Return what a record says of a scan in the folder ``root``.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    try:
        checksums = tuple(sha256_of(file) for file in scan.files)
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be read ({error.strerror})") from error
    return Source(
        path=_relative(scan.path, root),
        slices=tuple(_relative(file, root) for file in scan.slices),
        sha256=checksums,
    )


def hash_array(array: AnyArray) -> str:
    """Return the SHA-256 of an array: of its dtype, its shape and its elements in C order."""
    digest = hashlib.sha256(f"{array.dtype.str} {list(array.shape)} ".encode())
    digest.update(array.tobytes())
    return digest.hexdigest()


def current_versions() -> dict[str, str]:
    """Return the versions that decide what a copy is."""
    return {
        "medaug": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
    }


def _relative(path: Path, root: Path) -> str:
    return Path(os.path.relpath(path, root)).as_posix()
