"""DICOM SEG as label volumes."""

from __future__ import annotations

from pathlib import Path

import highdicom as hd
import numpy as np
from highdicom.seg import Segmentation, SegmentationTypeValues

from medaug.errors import InputError
from medaug.io.dicom.detect import is_dicom
from medaug.io.dicom.files import dicom_translated
from medaug.io.dicom.headers import read_header
from medaug.io.volume import Remark, Volume
from medaug.typing import AnyArray, Matrix, StrPath

# Of a fractional segmentation, what is in a segment.
_INSIDE = 0.5

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def is_segmentation(path: StrPath) -> bool:
    """Return whether a file is a DICOM SEG; False also for a file that is damaged or missing."""
    path = Path(path)
    try:
        return is_dicom(path) and read_header(path).is_segmentation
    except InputError:
        return False


def read_segmentation(path: StrPath) -> Volume:
    """Read a DICOM SEG as a label volume.

    Frames without any segment are usually left out of a SEG: the volume spans those that are there,
    and what is missing between them is background.

    Parameters
    ----------
    path : path-like
        A binary, fractional or label map segmentation on a regular grid.

    Returns
    -------
    Volume
        Columns, rows and slices as I, J and K, as `read_series` has them; one channel, uint8 or
        uint16, of segment numbers, and 0 outside of all segments. Fractional segments are cut at
        one half, which ``remarks`` tells.

    Raises
    ------
    InputError
        If the file is damaged or not a SEG, if segments overlap, or if its frames form no regular
        grid.
    """
    path = Path(path)
    if not is_segmentation(path):
        read_header(path)
        raise InputError(f"{path}: not a DICOM segmentation; give a DICOM SEG file.")
    with dicom_translated(path, "reading its segments"):
        segmentation = hd.seg.segread(path)
        if segmentation.get_volume_geometry(allow_missing_positions=True) is None:
            raise InputError(
                f"{path}: the frames of the segmentation form no regular grid; export it on the "
                "grid of its image."
            )
        fractional = segmentation.segmentation_type == SegmentationTypeValues.FRACTIONAL
        labels, affine = _cut(path, segmentation) if fractional else _combined(path, segmentation)
    data = np.ascontiguousarray(labels.transpose(2, 1, 0)[np.newaxis])
    remark = Remark(
        "warning",
        f"{path}: a fractional segmentation; its segments were cut at one half; check that this is "
        "what they mean.",
    )
    return Volume(*_right_handed(data, affine), remarks=(remark,) if fractional else ())


def _combined(path: Path, segmentation: Segmentation) -> tuple[AnyArray, Matrix]:
    """Return the label map, [slices, rows, columns], and its affine, of an exact segmentation."""
    try:
        volume = segmentation.get_volume(combine_segments=True, allow_missing_positions=True)
    except RuntimeError as error:
        if "overlap" in str(error):
            raise _overlap(path) from None
        raise
    return volume.array, volume.affine


def _cut(path: Path, segmentation: Segmentation) -> tuple[AnyArray, Matrix]:
    """Return the same of a fractional one, a segment at a time: each takes four bytes a voxel."""
    numbers = segmentation.segment_numbers
    labels: AnyArray = np.zeros(1, np.uint8 if max(numbers) < 256 else np.uint16)
    for number in numbers:
        volume = segmentation.get_volume(
            segment_numbers=[number], rescale_fractional=True, allow_missing_positions=True
        )
        inside = volume.array[..., 0] >= _INSIDE
        if labels.shape != inside.shape:
            labels = np.zeros(inside.shape, labels.dtype)
        if labels[inside].any():
            raise _overlap(path)
        labels[inside] = number
    return labels, volume.affine


def _overlap(path: Path) -> InputError:
    return InputError(
        f"{path}: segments overlap, which a label map cannot hold; export those that do in a file "
        "of their own."
    )


def _right_handed(data: AnyArray, affine: Matrix) -> tuple[AnyArray, Matrix]:
    """Return [1, columns, rows, slices] and its affine in RAS, slices in the order of the normal.

    The affine that comes in is highdicom's: slices, rows and columns to DICOM's coordinates.
    """
    ras = _LPS_TO_RAS @ affine[:, [2, 1, 0, 3]]
    if np.linalg.det(ras[:3, :3]) > 0:
        return data, ras
    ras[:3, 3] += ras[:3, 2] * (data.shape[3] - 1)
    ras[:3, 2] *= -1
    return np.ascontiguousarray(data[..., ::-1]), ras
