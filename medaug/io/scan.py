"""Scans of any format, and the image and the label of a case on one grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from medaug.errors import InputError
from medaug.io.cases import CaseFiles, ScanFiles
from medaug.io.dicom.detect import is_dicom, require_dicom
from medaug.io.grids import is_part, is_same_place, overlap, share_inside
from medaug.io.itk import ITK_SUFFIXES, read_itk
from medaug.io.nifti_header import Geometry
from medaug.io.resampling import resample_label
from medaug.io.volume import Remark, Volume, read_volume
from medaug.typing import AnyArray

#: Least share of the smaller field of view of image and label that must lie inside of the other,
#: and of the labelled voxels that must lie inside of the image, for a label on another grid.
LEAST_OVERLAP = 0.9


def read_scan(files: ScanFiles, *, geometry: Geometry | None = None) -> Volume:
    """Read a scan: NIfTI, MetaImage, NRRD, a DICOM series or a DICOM segmentation.

    Parameters
    ----------
    files : ScanFiles
    geometry : {"sform", "qform"} or None, default: None
        For NIfTI, see `medaug.io.volume.read_volume`.

    Returns
    -------
    Volume

    Raises
    ------
    InputError
        If it cannot be read, see the functions that read each format.
    """
    if not files.slices and files.path.name.lower().endswith(ITK_SUFFIXES):
        return read_itk(files.path)
    if files.slices or is_dicom(files.path):
        return _read_dicom(files)
    return read_volume(files.path, geometry=geometry)


def _read_dicom(files: ScanFiles) -> Volume:
    require_dicom(files.path)
    from medaug.io.dicom.segmentation import is_segmentation, read_segmentation  # noqa: PLC0415  # an extra
    from medaug.io.dicom.series import read_series  # noqa: PLC0415  # likewise

    if not files.slices and is_segmentation(files.path):
        return read_segmentation(files.path)
    return read_series(ScanFiles(files.path, files.files))


def read_image(case: CaseFiles, *, geometry: Geometry | None = None) -> Volume:
    """Read the image of a case, its channels in the order of the files.

    Parameters
    ----------
    case : CaseFiles
    geometry : {"sform", "qform"} or None, default: None
        For NIfTI, see `medaug.io.volume.read_volume`.

    Returns
    -------
    Volume
        With the affine and the header of the first channel, and the smallest dtype that holds all
        channels exactly.

    Raises
    ------
    InputError
        If a file cannot be read, if one of several files holds several channels, or if the files do
        not lie voxel by voxel on each other.
    """
    first = read_scan(case.images[0], geometry=geometry)
    if len(case.images) == 1:
        return first
    data = np.empty((len(case.images), *first.data.shape[1:]), first.data.dtype)
    remarks: tuple[Remark, ...] = ()
    for index, files in enumerate(case.images):
        channel = read_scan(files, geometry=geometry) if index else first
        _check_channel(files.path, channel, case.images[0].path, first)
        data = data.astype(np.result_type(data, channel.data), copy=False)
        data[index] = channel.data[0]
        remarks += channel.remarks
    return Volume(data, first.affine, first.header, remarks)


def _check_channel(path: Path, channel: Volume, first_path: Path, first: Volume) -> None:
    if len(channel.data) != 1:
        raise InputError(
            f"{path}: the file holds {len(channel.data)} channels, but each file of this case is "
            "one channel; split it or give the case this file alone."
        )
    shape, first_shape = channel.data.shape[1:], first.data.shape[1:]
    if shape != first_shape:
        raise InputError(
            f"{path}: its shape, {shape}, differs from {first_shape} of {first_path}, another "
            "channel of the case; resample one to the grid of the other."
        )
    if not is_same_place(shape, first.affine, channel.affine):
        raise InputError(
            f"{path}: its affine puts it in another place than {first_path}, another channel of "
            "the case; correct the header or resample one to the grid of the other."
        )


def read_label(case: CaseFiles, image: Volume, *, geometry: Geometry | None = None) -> Volume:
    """Read the label of a case onto the grid of its image.

    A label whose corner voxels lie within a tenth of a voxel of those of the image is on its grid.
    A label on another grid is resampled by a linear vote if it is of the same place: if at least
    `LEAST_OVERLAP` of the smaller of the two fields of view lies inside of the other, and as large
    a share of the labelled voxels inside of the image. ``remarks`` then has a warning.

    Parameters
    ----------
    case : CaseFiles
        With a label.
    image : Volume
        Its image.
    geometry : {"sform", "qform"} or None, default: None
        For NIfTI, see `medaug.io.volume.read_volume`.

    Returns
    -------
    Volume
        One channel of label values from 0 up, of an integer dtype, on the grid of the image.

    Raises
    ------
    InputError
        If the file cannot be read, if it has several channels, if its values are not whole numbers
        from 0 up, or if it is of another place than the image.
    ValueError
        If the case has no label.
    """
    if case.label is None:
        raise ValueError(f"case {case.name} has no label")
    path, label = case.label.path, read_scan(case.label, geometry=geometry)
    if len(label.data) != 1:
        raise InputError(
            f"{path}: the label has {len(label.data)} channels; store one channel with one value a "
            "class."
        )
    values = Volume(_whole(path, label.data), label.affine, label.header, label.remarks)
    shape = image.data.shape[1:]
    if values.data.shape[1:] == shape and is_same_place(shape, image.affine, label.affine):
        return Volume(values.data, image.affine, values.header, values.remarks)
    return _resampled(path, values, case.images[0].path, image)


def _whole(path: Path, data: AnyArray) -> AnyArray:
    """Return label values in an integer dtype, once they are known to be whole and not negative."""
    if data.dtype.kind in "ub":
        return data
    # Slice by slice: the intermediate arrays of a whole scan would be as large as the scan.
    if not all(((plane >= 0) & (plane == np.floor(plane))).all() for plane in data[0]):
        raise _strange(path, data)
    highest = data.max()
    if not np.isfinite(highest) or highest >= 2**31:
        raise _strange(path, data[data == highest])
    return data if data.dtype.kind == "i" else data.astype(np.min_scalar_type(int(highest)))


def _strange(path: Path, data: AnyArray) -> InputError:
    values = np.unique(data)
    strange = values[~((values >= 0) & (values == np.floor(values)) & (values < 2**31))]
    some = ", ".join(f"{value:g}" for value in strange[:3].tolist())
    return InputError(
        f"{path}: label value {some}{', ...' if len(strange) > 3 else ''} is no whole number from "
        "0 up; was this file resampled with interpolation? Export the label again."
    )


def _resampled(path: Path, label: Volume, image_path: Path, image: Volume) -> Volume:
    shape, label_shape = image.data.shape[1:], label.data.shape[1:]
    common = overlap(shape, image.affine, label_shape, label.affine)
    kept = share_inside(label.data[0], label.affine, shape, image.affine)
    if min(common, kept) < LEAST_OVERLAP:
        raise InputError(
            f"{path}: the label lies in another place than its image {image_path} (shapes "
            f"{label_shape} and {shape}; {common:.0%} of the smaller field of view and {kept:.0%} "
            "of the labelled voxels are inside of the other); correct the header or export the "
            "label on the grid of the image."
        )
    if is_dicom(path) and is_part(label_shape, label.affine, shape, image.affine):
        # Most DICOM SEG leave out the frames without a segment.
        remark = Remark(
            "note",
            f"{path}: the label covers a part of its image {image_path} (shapes {label_shape} and "
            f"{shape}); the rest is background.",
        )
        return _on_image(label, image, remark)
    remark = Remark(
        "warning",
        f"{path}: the label is on another grid than its image {image_path} (shapes {label_shape} "
        f"and {shape}, {kept:.1%} of the labelled voxels inside of the image); it was resampled to "
        "the grid of the image; check that it fits.",
    )
    return _on_image(label, image, remark)


def _on_image(label: Volume, image: Volume, remark: Remark) -> Volume:
    resampled = resample_label(label, image.data.shape[1:], image.affine)
    return Volume(resampled.data, image.affine, label.header, (*label.remarks, remark))
