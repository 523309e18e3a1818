"""Volumes in the formats of ITK, MetaImage and NRRD, read by SimpleITK."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813 - as its own documentation does

from medaug.errors import InputError
from medaug.io.nifti_header import check_affine
from medaug.io.volume import Volume
from medaug.typing import AnyArray, Matrix, StrPath

#: File name endings of the formats that are read, but not written. The voxels of a ``.mhd`` are in
#: a file beside it that it names.
ITK_SUFFIXES = (".mha", ".mhd", ".nrrd")

# Headers are text and short; this bounds what is searched of the voxels behind them.
_LONGEST_HEADER_BYTES = 1 << 20

# What a header says of the file of its voxels, in MetaImage and in NRRD.
_VOXEL_FILE = re.compile(
    rb"^(?:ElementDataFile[ \t]*[=:]|data ?file:)[ \t]*([^\r\n]*?)[ \t]*\r?$", re.I | re.M
)

# ITK's world runs to the left and to the back, NIfTI's to the right and to the front.
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])

_READERS = {".mha": "MetaImageIO", ".mhd": "MetaImageIO", ".nrrd": "NrrdImageIO"}


def read_itk(path: StrPath) -> Volume:
    """Read a MetaImage or a NRRD volume.

    Parameters
    ----------
    path : path-like
        A ``.mha``, ``.mhd`` or ``.nrrd`` file. Each voxel may hold several values, which become the
        channels.

    Returns
    -------
    Volume
        With the dtype on disk; the affine leads to the same world as that of a NIfTI file.

    Raises
    ------
    InputError
        If the file is missing, unreadable, empty, truncated or of another format; if its voxels are
        in a file that is not beside it; if it has not 3 axes; if the voxels are not real numbers;
        or if the affine is singular or not finite.
    """
    path = Path(path)
    _check_voxel_file(path, _start_of(path))
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.SetImageIO(_READERS[path.suffix.lower()])
    with _itk_translated(path):
        reader.ReadImageInformation()
        _check_information(path, reader)
        image = reader.Execute()
        data = _channels_first(image)
    return Volume(data, _affine(path, image))


def _start_of(path: Path) -> bytes:
    """Return the first bytes of a file, its header among them."""
    try:
        with path.open("rb") as file:
            start = file.read(_LONGEST_HEADER_BYTES)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the path.") from None
    except OSError as error:
        raise InputError(
            f"{path}: cannot read ({error.strerror}); check the file and its permissions."
        ) from None
    if not start:
        raise InputError(f"{path}: the file is empty; copy or export it again.")
    return start


def _check_voxel_file(path: Path, start: bytes) -> None:
    """Refuse a header whose voxels are anywhere but in it or in one file beside it."""
    if path.suffix.lower() == ".nrrd":
        start = re.split(rb"\r?\n\r?\n", start, maxsplit=1)[0]
    named = _VOXEL_FILE.search(start)
    if named is None or named[1] == b"LOCAL":
        return
    name = os.fsdecode(named[1])
    # Both resolved: a scan may be linked to as a whole.
    if name == "LIST" or (path.parent / name).resolve().parent != path.resolve().parent:
        raise InputError(
            f"{path}: its voxels are in {name}, not in one file beside it; save the scan as one "
            ".mha or .nrrd file."
        )


def _check_information(path: Path, reader: sitk.ImageFileReader) -> None:
    rank, size = reader.GetDimension(), reader.GetSize()
    if rank != 3:
        raise InputError(
            f"{path}: expected a volume of 3 axes, but the shape is {' x '.join(map(str, size))}; "
            "split or squeeze the file."
        )
    pixel = sitk.GetPixelIDValueAsString(reader.GetPixelID())
    if "complex" in pixel:
        raise InputError(
            f"{path}: the voxels are complex, not real numbers; convert them to a scalar type."
        )


def _channels_first(image: sitk.Image) -> AnyArray:
    """Return [C, I, J, K]; ITK's own arrays are [K, J, I] or [K, J, I, C]."""
    view = sitk.GetArrayViewFromImage(image)
    if view.ndim == 3:
        view = view[..., np.newaxis]
    return np.ascontiguousarray(view.transpose(3, 2, 1, 0))


def _affine(path: Path, image: sitk.Image) -> Matrix:
    affine = np.eye(4)
    direction = np.array(image.GetDirection()).reshape(3, 3)
    affine[:3, :3] = direction * np.array(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    check_affine(path, affine, "correct the directions, the spacing or the origin in the header")
    return np.asarray(_LPS_TO_RAS @ affine)


@contextmanager
def _itk_translated(path: Path) -> Iterator[None]:
    """Turn SimpleITK's errors into one InputError, and silence what ITK prints."""
    try:
        with _silent():
            yield
    except RuntimeError:
        # SimpleITK's own reasons fill many lines and speak of system calls that were not at fault.
        beside = ", or the file of voxels that it names is missing" if path.suffix == ".mhd" else ""
        raise InputError(
            f"{path}: not a valid {path.suffix} file: truncated, damaged or of another format"
            f"{beside}; copy or export it again."
        ) from None


@contextmanager
def _silent() -> Iterator[None]:
    """Send what C++ code prints to the error stream nowhere; Python has no other hold on it."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
