"""NIfTI volumes in memory: read with every check that a later layer relies on, and written back."""

from __future__ import annotations

import gzip
import io
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from medaug.errors import InputError
from medaug.io.files import write_atomically
from medaug.io.grids import is_same_place
from medaug.io.nifti_header import (
    LONGEST_HEADER_BYTES,
    Geometry,
    believe,
    check_voxel_type,
    nibabel_translated,
    parse_header,
    read_affine,
    volume_shape,
)
from medaug.io.nifti_voxels import check_size, opened, read_voxels
from medaug.io.problems import Severity
from medaug.typing import AnyArray, Matrix, StrPath

#: File name endings of the volumes that medaug writes.
NIFTI_SUFFIXES = (".nii.gz", ".nii")

# What nibabel compresses with: higher levels take several times as long for a few percent.
_GZIP_LEVEL = 1

# NIfTI has no type for these.
_SUBSTITUTES: dict[np.dtype[Any], np.dtype[Any]] = {
    np.dtype(np.bool_): np.dtype(np.uint8),
    np.dtype(np.float16): np.dtype(np.float32),
}


@dataclass(frozen=True)
class Remark:
    """What was noticed about a scan while it was read.

    Attributes
    ----------
    severity : {"error", "warning", "note"}
    text : str
        One line that names the file, what was noticed and, where there is one, the remedy.
    """

    severity: Severity
    text: str


@dataclass(frozen=True)
class Volume:
    """A 3D image with channels and its place in the world.

    Attributes
    ----------
    data : ndarray, shape [C, I, J, K]
        Voxels, channel-first in array order, C-contiguous.
    affine : ndarray, shape [4, 4], float64
        Voxel coordinates to world coordinates in mm.
    header : nibabel Nifti1Header, Nifti2Header or None
        Of the file, if that is NIfTI; on the grid of the file, wherever the voxels are brought.
    remarks : tuple of Remark
        What was noticed while it was read.
    """

    data: AnyArray
    affine: Matrix
    header: Any = field(default=None, repr=False)
    remarks: tuple[Remark, ...] = ()

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centres along I, J and K, in mm."""
        i, j, k = np.linalg.norm(self.affine[:3, :3], axis=0).tolist()
        return (i, j, k)


def read_volume(path: StrPath, *, geometry: Geometry | None = None) -> Volume:
    """Read a single-file NIfTI-1 or NIfTI-2 volume, compressed or not.

    The last axis of a 4D file becomes the channels; a 3D file has one channel. Little memory is
    needed beyond that of the result.

    Parameters
    ----------
    path : path-like
        A ``.nii`` or ``.nii.gz`` file. Compression is recognised by content.
    geometry : {"sform", "qform"} or None, default: None
        Which affine of the header to take if both are set. None refuses two that disagree.

    Returns
    -------
    Volume
        With the dtype on disk, in native byte order, or float32 if the header scales the values.

    Raises
    ------
    InputError
        If the file is missing, unreadable, empty, truncated or no NIfTI; if its header disagrees
        with its data; if the rank is not 3 or 4; if the voxels are not real numbers; if the
        affine is singular or not finite; or if sform and qform disagree.
    """
    path = Path(path)
    with opened(path) as stream, nibabel_translated(path):
        header = parse_header(path, stream.read(LONGEST_HEADER_BYTES))
        check_voxel_type(path, header)
        shape = volume_shape(path, header)
        check_size(path, header, stream)
        affine = read_affine(path, header, geometry)
        believe(header, geometry)
        return Volume(read_voxels(path, header, shape, stream), affine, header)


def write_volume(
    path: StrPath, data: AnyArray, affine: Matrix, *, like: Volume | None = None
) -> None:
    """Write voxels as a NIfTI file; one channel gives a 3D file, several a 4D file.

    The file appears whole or not at all, and equal input gives equal bytes.

    Parameters
    ----------
    path : path-like
        Ends in ``.nii`` or, to compress, ``.nii.gz``. The folder must exist.
    data : ndarray, shape [I, J, K] or [C, I, J, K]
        Real numbers. bool is stored as uint8 and float16 as float32, which NIfTI lacks.
    affine : ndarray, shape [4, 4]
        Voxel coordinates to world coordinates in mm. NIfTI-1 stores it in float32.
    like : Volume, optional
        Whose header to keep, if it has one: units, description, intent, and what the coordinates
        refer to. On another grid than that of `like`, what the header says about the order of
        acquisition is dropped, and in any case its range of display.

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
    header = _new_header(voxels, np.asarray(affine, np.float64), like)
    try:
        write_atomically(path, _encoded(voxels, header, compress=path.name.endswith(".gz")))
    except OSError as error:
        raise InputError(
            f"{path}: cannot write ({_reason(error)}); check the folder and the free space."
        ) from None


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)


def _new_header(voxels: AnyArray, affine: Matrix, like: Volume | None) -> nib.Nifti1Header:
    kept = None if like is None else like.header
    header = nib.Nifti1Header() if kept is None else kept.copy()
    header.set_data_dtype(voxels.dtype)
    header.set_data_shape(voxels.shape)
    header["cal_min"] = header["cal_max"] = 0
    if kept is not None and not _is_its_grid(kept, voxels.shape[:3], affine):
        for name in ("dim_info", "slice_code", "slice_start", "slice_end", "slice_duration"):
            header[name] = 0
    space, time = header.get_xyzt_units()
    header.set_xyzt_units("mm" if space == "unknown" else space, time)
    sform, qform = int(header["sform_code"]), int(header["qform_code"])
    header.set_sform(affine, sform or qform or 2)
    # A qform cannot hold a sheared affine; one that disagreed would mislead other readers.
    header.set_qform(affine, qform or sform or 2, strip_shears=True)
    if not is_same_place(voxels.shape[:3], affine, header.get_qform()):
        header["qform_code"] = 0
    return header


def _is_its_grid(header: nib.Nifti1Header, shape: tuple[int, ...], affine: Matrix) -> bool:
    """Return whether a header is of this grid; one with turned axes is another."""
    same_shape = tuple(header.get_data_shape()[:3]) == shape
    return same_shape and is_same_place(shape, affine, header.get_best_affine())


def _encoded(voxels: AnyArray, header: nib.Nifti1Header, *, compress: bool) -> bytes:
    """Return the content of the file; a compressed one tells neither its name nor the time."""
    kind = nib.Nifti2Image if isinstance(header, nib.Nifti2Header) else nib.Nifti1Image
    image = kind(voxels, None, header, dtype=voxels.dtype)
    content = io.BytesIO()
    if compress:
        with gzip.GzipFile("", "wb", _GZIP_LEVEL, content, mtime=0) as deflated:
            image.to_stream(deflated)
    else:
        image.to_stream(content)
    return content.getvalue()
