"""NIfTI volumes in memory: read with every check that a later layer relies on, and written back."""

from __future__ import annotations

import gzip
import io
import logging
import math
import os
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError

from medaug.errors import InputError
from medaug.typing import AnyArray, Matrix, StrPath

#: File name endings of the volumes that medaug reads and writes.
NIFTI_SUFFIXES = (".nii.gz", ".nii")

_GZIP_MAGIC = b"\x1f\x8b"
_SINGLE_FILE_MAGICS = (b"n+1", b"n+2")

# Takes nibabel's remarks on header trifles; what matters it raises.
_SILENT = logging.Logger("silent", level=logging.CRITICAL)

# NIfTI has no type for these.
_SUBSTITUTES: dict[np.dtype[Any], np.dtype[Any]] = {
    np.dtype(np.bool_): np.dtype(np.uint8),
    np.dtype(np.float16): np.dtype(np.float32),
}

# A unit cube mapped to less than this volume (relative to its edge lengths) is flat.
_FLAT = 1e-6


@dataclass(frozen=True)
class Volume:
    """A 3D image with channels and its place in the world.

    Attributes
    ----------
    data : ndarray, shape [C, I, J, K]
        Voxels, channel-first in array order, C-contiguous.
    affine : ndarray, shape [4, 4], float64
        Voxel coordinates to world coordinates in mm.
    """

    data: AnyArray
    affine: Matrix

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centres along I, J and K, in mm."""
        i, j, k = np.linalg.norm(self.affine[:3, :3], axis=0).tolist()
        return (i, j, k)


def read_volume(path: StrPath) -> Volume:
    """Read a single-file NIfTI-1 or NIfTI-2 volume, compressed or not.

    The last axis of a 4D file becomes the channels; a 3D file has one channel.

    Parameters
    ----------
    path : path-like
        A ``.nii`` or ``.nii.gz`` file. Compression is recognised by content.

    Returns
    -------
    Volume
        With the dtype on disk, in native byte order, or float32 if the header scales the values.

    Raises
    ------
    InputError
        If the file is missing, unreadable, empty, truncated or no NIfTI; if its header disagrees
        with its data; if the rank is not 3 or 4; if the voxels are not real numbers; or if the
        affine is singular or not finite.
    """
    path = Path(path)
    content = _read_content(path)
    with _nibabel_translated(path):
        header = _parse_header(path, content)
        _check_header(path, header, len(content))
        affine = _read_affine(path, header)
        voxels = _read_voxels(header, content)
    data = np.moveaxis(voxels, 3, 0) if voxels.ndim == 4 else voxels[np.newaxis]
    return Volume(np.ascontiguousarray(data), affine)


def write_volume(path: StrPath, data: AnyArray, affine: Matrix) -> None:
    """Write voxels as a NIfTI-1 file; one channel gives a 3D file, several a 4D file.

    Parameters
    ----------
    path : path-like
        Ends in ``.nii`` or, to compress, ``.nii.gz``. The folder must exist.
    data : ndarray, shape [I, J, K] or [C, I, J, K]
        Real numbers. bool is stored as uint8 and float16 as float32, which NIfTI lacks.
    affine : ndarray, shape [4, 4]
        Voxel coordinates to world coordinates in mm. NIfTI stores it in float32.

    Raises
    ------
    InputError
        If the file name has another ending or the file cannot be written.
    ValueError
        If ``data`` has another rank.
    """
    path = Path(path)
    if not path.name.endswith(NIFTI_SUFFIXES):
        raise InputError(
            f"{path}: cannot write this kind of file; end its name in .nii or .nii.gz."
        )
    if data.ndim not in (3, 4):
        raise ValueError(f"data must be [I, J, K] or [C, I, J, K], not of shape {data.shape}")
    voxels = np.moveaxis(data, 0, 3) if data.ndim == 4 else data
    if voxels.ndim == 4 and voxels.shape[3] == 1:
        voxels = voxels[..., 0]
    voxels = voxels.astype(_SUBSTITUTES.get(voxels.dtype, voxels.dtype), copy=False)
    # nibabel refuses 64-bit integers unless they are asked for by name.
    image = nib.Nifti1Image(voxels, np.asarray(affine, np.float64), dtype=voxels.dtype)
    image.header.set_xyzt_units("mm")
    try:
        nib.save(image, path)
    except OSError as error:
        raise InputError(f"{path}: cannot write ({_reason(error)}); check the folder.") from None


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)


def _read_content(path: Path) -> bytes:
    """Return the whole file, decompressed: only a full read sees a truncated or damaged stream."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the path.") from None
    except OSError as error:
        raise InputError(f"{path}: cannot read ({_reason(error)}); check the file.") from None
    if not content:
        raise InputError(f"{path}: the file is empty; copy or export it again.")
    if not content.startswith(_GZIP_MAGIC):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, OSError, zlib.error):
        raise InputError(
            f"{path}: the compressed file is truncated or damaged; copy or export it again."
        ) from None


@contextmanager
def _nibabel_translated(path: Path) -> Iterator[None]:
    """Turn nibabel's errors into one InputError, and silence its warnings."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except InputError:
        raise
    except (HeaderDataError, KeyError, OverflowError, ValueError) as error:
        raise InputError(
            f"{path}: the NIfTI header is damaged ({error}); export the file again."
        ) from None


def _parse_header(path: Path, content: bytes) -> nib.Nifti1Header:
    for kind in (nib.Nifti1Header, nib.Nifti2Header):
        block = content[: kind.sizeof_hdr]
        if not kind.may_contain_header(block):
            continue
        header = kind(block, check=False)
        header.check_fix(logger=_SILENT)
        if header["magic"].item()[:3] in _SINGLE_FILE_MAGICS:
            return header
    raise InputError(
        f"{path}: not a NIfTI file (no NIfTI magic in its header); convert it to .nii or .nii.gz."
    )


def _check_header(path: Path, header: nib.Nifti1Header, available_bytes: int) -> None:
    """Refuse a rank, a voxel type or a size that the data cannot be read with."""
    shape, dtype = header.get_data_shape(), header.get_data_dtype()
    stated = " x ".join(map(str, shape))
    if len(shape) not in (3, 4):
        raise InputError(
            f"{path}: expected a volume of 3 axes, or 4 with channels last, but the shape is "
            f"{stated}; split or squeeze the file."
        )
    if dtype.kind not in "iuf":
        raise InputError(
            f"{path}: the voxels are {dtype}, not real numbers; convert them to a scalar type."
        )
    expected_bytes = header.get_data_offset() + math.prod(shape) * dtype.itemsize
    if min(shape) < 1 or expected_bytes != available_bytes:
        raise InputError(
            f"{path}: the header states {stated} voxels of {dtype}, {expected_bytes} bytes in all, "
            f"but the file holds {available_bytes}; it is truncated or damaged, copy or export it "
            "again."
        )


def _read_affine(path: Path, header: nib.Nifti1Header) -> Matrix:
    remedy = "correct the sform or qform in the header"
    affine = np.asarray(header.get_best_affine(), np.float64)
    if not np.isfinite(affine).all():
        raise InputError(f"{path}: the affine has NaN or infinite entries; {remedy}.")
    axes = affine[:3, :3]
    edges = np.linalg.norm(axes, axis=0)
    if not edges.all() or abs(np.linalg.det(axes / edges)) < _FLAT:
        raise InputError(f"{path}: the affine is singular (a voxel has no volume); {remedy}.")
    return affine


def _read_voxels(header: nib.Nifti1Header, content: bytes) -> AnyArray:
    slope, intercept = header.get_slope_inter()
    stored = header.raw_data_from_fileobj(io.BytesIO(content))
    # NIfTI marks "not scaled" by a slope of 0 or NaN, which nibabel reports as None.
    if slope in (None, 1.0) and intercept in (None, 0.0):
        return np.asarray(stored, stored.dtype.newbyteorder("="))
    return np.asarray(stored * slope + intercept, np.float32)
