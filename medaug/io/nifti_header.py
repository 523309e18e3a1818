"""What a NIfTI header says: parsed, checked, and the one of its affines that counts."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeAlias

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError

from medaug.errors import InputError
from medaug.io.grids import ALIGNMENT_VOXELS, corner_distance_mm
from medaug.typing import Matrix

#: Which of the two affines of a header is believed where they disagree.
Geometry: TypeAlias = Literal["sform", "qform"]

#: Bytes that hold any NIfTI header.
LONGEST_HEADER_BYTES = int(nib.Nifti2Header.sizeof_hdr)

_SINGLE_FILE_MAGICS = (b"n+1", b"n+2")

# Takes nibabel's remarks on header trifles; what matters it raises.
_SILENT = logging.Logger("silent", level=logging.CRITICAL)

# A unit cube mapped to less than this volume (relative to its edge lengths) is flat.
_FLAT = 1e-6


@contextmanager
def nibabel_translated(path: Path) -> Iterator[None]:
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


def parse_header(path: Path, start: bytes) -> nib.Nifti1Header:
    """Return the header that a file starts with, NIfTI-1 or NIfTI-2.

    Raises
    ------
    InputError
        If there is none.
    """
    for kind in (nib.Nifti1Header, nib.Nifti2Header):
        block = start[: kind.sizeof_hdr]
        if not kind.may_contain_header(block):
            continue
        header = kind(block, check=False)
        header.check_fix(logger=_SILENT)
        if header["magic"].item()[:3] in _SINGLE_FILE_MAGICS:
            return header
    raise InputError(
        f"{path}: not a NIfTI file (no NIfTI magic in its header); convert it to .nii or .nii.gz."
    )


def volume_shape(path: Path, header: nib.Nifti1Header) -> tuple[int, int, int, int]:
    """Return the voxels along I, J and K and the number of channels.

    Raises
    ------
    InputError
        If the rank is another, trailing axes of length 1 aside, or an axis has no voxels.
    """
    stated = header.get_data_shape()
    shape = list(stated)
    while len(shape) > 3 and shape[-1] == 1:
        shape.pop()
    if len(shape) not in (3, 4):
        raise InputError(
            f"{path}: expected a volume of 3 axes, or 4 with channels last, but the shape is "
            f"{' x '.join(map(str, stated))}; split or squeeze the file."
        )
    i, j, k = shape[:3]
    return i, j, k, shape[3] if len(shape) == 4 else 1


def check_voxel_type(path: Path, header: nib.Nifti1Header) -> None:
    """Refuse voxels that are no real numbers."""
    dtype = header.get_data_dtype()
    if dtype.kind not in "iuf":
        raise InputError(
            f"{path}: the voxels are {dtype}, not real numbers; convert them to a scalar type."
        )


def read_affine(path: Path, header: nib.Nifti1Header, geometry: Geometry | None) -> Matrix:
    """Return voxel coordinates to world coordinates in mm, float64.

    It is the sform if its code is set, otherwise the qform.

    Parameters
    ----------
    path : Path
    header : Nifti1Header
    geometry : {"sform", "qform"} or None
        Which one to take if both codes are set. None refuses two that disagree by more than
        `medaug.io.grids.ALIGNMENT_VOXELS` at a corner of the volume.

    Raises
    ------
    InputError
        If the affine is singular or not finite, or the two disagree.
    """
    remedy = "correct the sform or qform in the header"
    both = header["sform_code"] > 0 and header["qform_code"] > 0
    chosen = header.get_qform() if both and geometry == "qform" else header.get_best_affine()
    affine = np.asarray(chosen, np.float64)
    check_affine(path, affine, remedy)
    if both and geometry is None:
        _require_agreement(path, header, affine)
    return affine


def believe(header: nib.Nifti1Header, geometry: Geometry | None) -> None:
    """Let the affine that is not believed say, in place, what the one that is says, code and all.

    Parameters
    ----------
    header : Nifti1Header
    geometry : {"sform", "qform"} or None
        Which one is believed; None: both, and the header stays as it is.
    """
    if not (header["sform_code"] > 0 and header["qform_code"] > 0):
        return
    if geometry == "qform":
        header.set_sform(header.get_qform(), int(header["qform_code"]))
    elif geometry == "sform":
        header.set_qform(header.get_sform(), int(header["sform_code"]), strip_shears=True)


def check_affine(path: Path, affine: Matrix, remedy: str) -> None:
    """Refuse an affine that is not finite, or that gives a voxel no volume."""
    if not np.isfinite(affine).all():
        raise InputError(f"{path}: the affine has NaN or infinite entries; {remedy}.")
    axes = affine[:3, :3]
    edges = np.linalg.norm(axes, axis=0)
    if not edges.all() or abs(np.linalg.det(axes / edges)) < _FLAT:
        raise InputError(f"{path}: the affine is singular (a voxel has no volume); {remedy}.")


def _require_agreement(path: Path, header: nib.Nifti1Header, sform: Matrix) -> None:
    apart_mm = corner_distance_mm(header.get_data_shape()[:3], sform, header.get_qform())
    finest_mm = float(np.linalg.norm(sform[:3, :3], axis=0).min())
    if not apart_mm <= ALIGNMENT_VOXELS * finest_mm:  # also if the qform is not finite
        raise InputError(
            f"{path}: the sform and the qform of the header disagree, by up to {apart_mm:.3g} mm; "
            "say which one is right (`geometry: sform` or `geometry: qform` in the configuration) "
            "or correct the header."
        )
