"""DICOM series: which there are below a folder, and each as a volume."""

from __future__ import annotations

from pathlib import Path

from medaug.errors import InputError
from medaug.io.cases import ScanFiles
from medaug.io.dicom.detect import is_dicom
from medaug.io.dicom.geometry import StackGeometry, stack_geometry
from medaug.io.dicom.headers import SlicePlane, read_header
from medaug.io.dicom.listing import list_dicom
from medaug.io.dicom.stacks import Series
from medaug.io.dicom.voxels import read_voxels
from medaug.io.volume import Remark, Volume
from medaug.typing import StrPath

__all__ = ["Series", "find_series", "is_dicom", "read_series"]


def find_series(root: StrPath) -> list[Series]:
    """List the image series below a folder, whatever the names of its files.

    Hidden files, DICOMDIR, damaged files and objects that are not stacks of slices are left out,
    and so are links that lead out of the folder. `list_dicom` says which.

    Parameters
    ----------
    root : path-like

    Returns
    -------
    list of Series
    """
    return list(list_dicom(root).series)


def read_series(files: ScanFiles) -> Volume:
    """Read the slices of a DICOM series, or a multi-frame image, as a volume.

    Slices are put in order by their places, and each is rescaled by its own slope and intercept. A
    stack that leans (gantry tilt) is straightened: its slices are shifted in their planes,
    with linear interpolation, onto a grid with orthogonal axes.

    Parameters
    ----------
    files : ScanFiles
        In any order.

    Returns
    -------
    Volume
        Columns, rows and slices as I, J and K; one channel. int16, or int32 where a value needs it,
        if all slopes and intercepts are whole numbers, otherwise float32. ``remarks`` tells of
        a tilt, of uneven distances, of slopes that differ and of a depth that is not known.

    Raises
    ------
    InputError
        If a file is damaged or has no pixels, or if the slices do not form one regular stack: one
        is missing, or there twice, or they differ in size, orientation or pixel spacing.
    """
    planes: list[SlicePlane] = []
    for file in files.files:
        header = read_header(file)
        if not header.planes:
            raise InputError(
                f"{file}: the DICOM object ({header.modality or 'no modality'}) is not an image "
                "with a place in the patient; leave it out."
            )
        planes += header.planes
    geometry = stack_geometry(files.path, planes)
    data = read_voxels(geometry)
    return Volume(data, geometry.affine, remarks=_remarks(files.path, geometry))


def _remarks(source: Path, geometry: StackGeometry) -> tuple[Remark, ...]:
    remarks: list[Remark] = []
    planes = geometry.planes
    if geometry.tilt_degrees:
        remarks.append(
            Remark(
                "warning",
                f"{source}: gantry tilt of {geometry.tilt_degrees:.1f} degrees; the slices were "
                "shifted onto an upright grid, which adds a margin of the lowest value.",
            )
        )
    if geometry.unevenness_mm:
        remarks.append(
            Remark(
                "warning",
                f"{source}: uneven distances of the slices; read with their mean, which "
                f"misplaces a slice by up to {geometry.unevenness_mm:.2g} mm; check that this is "
                "close enough.",
            )
        )
    if len({(plane.slope, plane.intercept) for plane in planes}) > 1:
        remarks.append(
            Remark(
                "note",
                f"{source}: slope and intercept differ between the slices; each slice was "
                "rescaled by its own.",
            )
        )
    if len(planes) == 1:
        depth_mm = planes[0].depth_mm or 1.0
        stated = "as its header states" if planes[0].depth_mm else "for want of any in its header"
        remarks.append(
            Remark(
                "warning",
                f"{source}: a single slice; its depth is taken as {depth_mm:g} mm, "
                f"{stated}; check that it is meant to be a volume.",
            )
        )
    return tuple(remarks)
