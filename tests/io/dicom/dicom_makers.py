"""Write real DICOM files: series with any geometry and any fault, and segmentations of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pydicom
from highdicom.seg import SegmentAlgorithmTypeValues, SegmentDescription
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.sr.codedict import codes
from pydicom.uid import (
    UID,
    CTImageStorage,
    EnhancedCTImageStorage,
    ExplicitVRLittleEndian,
    generate_uid,
)

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)


def uid(text: str) -> UID:
    """The same identifier for the same text."""
    return generate_uid(entropy_srcs=[text])


@dataclass
class Grid:
    """Where slices are, in DICOM's patient coordinates (LPS), in mm."""

    orientation: tuple[float, ...] = AXIAL
    #: Between columns, between rows, between slices.
    spacing_mm: tuple[float, float, float] = (0.5, 0.75, 2.0)
    origin_mm: tuple[float, float, float] = (-20.0, -30.0, 40.0)
    tilt_degrees: float = 0.0
    #: Added to the place of a slice along the normal, by its index.
    jitter_mm: dict[int, float] = field(default_factory=dict)

    def position(self, place: int) -> np.ndarray:
        row, column = np.reshape(self.orientation, (2, 3))
        along = self.spacing_mm[2] * place + self.jitter_mm.get(place, 0.0)
        lean = along * np.tan(np.radians(self.tilt_degrees))
        return np.array(self.origin_mm) + np.cross(row, column) * along + column * lean


@dataclass
class Study:
    """What the headers say beside the pixels."""

    patient: str = "P01"
    study: str = "study"
    series: str = "series"
    date: str = "20240131"
    number: int = 3
    description: str = "Abdomen 5.0"
    modality: str = "CT"
    frame: str = "frame"


def slice_dataset(stored: np.ndarray, study: Study, grid: Grid, place: int) -> Dataset:
    """A CT slice of `stored`, [columns, rows], at a place of the grid."""
    image = _common(study, CTImageStorage, f"{study.series} {place}")
    image.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    image.InstanceNumber = place + 1
    image.ImagePositionPatient = _decimals(grid.position(place))
    image.ImageOrientationPatient = _decimals(grid.orientation)
    image.PixelSpacing = _decimals([grid.spacing_mm[1], grid.spacing_mm[0]])
    image.SliceThickness = "9.0"  # wrong on purpose: nobody may trust it
    image.RescaleSlope, image.RescaleIntercept = "1", "0"
    _set_pixels(image, stored.T)
    return image


def _decimals(values: Sequence[float]) -> list[str]:
    return [f"{value:.10g}" for value in values]


def _common(study: Study, kind: UID, instance: str) -> Dataset:
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID = kind
    image.SOPInstanceUID = uid(f"{study.study} {instance}")
    image.StudyInstanceUID, image.SeriesInstanceUID = uid(study.study), uid(study.series)
    image.FrameOfReferenceUID = uid(study.frame)
    image.PatientID, image.PatientName = study.patient, "SECRET^NAME"
    image.PatientBirthDate, image.PatientSex = "", ""
    image.StudyDate, image.StudyTime, image.StudyID = study.date, "120000", "1"
    image.AccessionNumber, image.ReferringPhysicianName = "", ""
    image.Modality, image.SeriesDescription = study.modality, study.description
    image.SeriesNumber, image.AcquisitionNumber = study.number, 1
    return image


def _set_pixels(image: Dataset, pixels: np.ndarray) -> None:
    pixels = np.ascontiguousarray(pixels)
    image.Rows, image.Columns = pixels.shape[-2:]
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated = image.BitsStored = 8 * pixels.dtype.itemsize
    image.HighBit = image.BitsStored - 1
    image.PixelRepresentation = int(pixels.dtype.kind == "i")
    image.PixelData = pixels.tobytes()


def write_series(
    folder: Path,
    voxels: np.ndarray,
    grid: Grid | None = None,
    study: Study | None = None,
    *,
    leave_out: Sequence[int] = (),
    edit: Callable[[Dataset, int], Any] | None = None,
    name: str = "{scrambled:05d}.dcm",
) -> list[Path]:
    """Write `voxels`, [columns, rows, slices], as a file a slice; return them in order.

    The order of the file names has nothing to do with the order of the slices.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for place in range(voxels.shape[2]):
        if place in leave_out:
            continue
        image = slice_dataset(voxels[:, :, place], study or Study(), grid or Grid(), place)
        if edit is not None:
            edit(image, place)
        scrambled = (place * 7919 + 13) % 10007
        file = folder / name.format(place=place, scrambled=scrambled)
        save(image, file)
        files.append(file)
    return files


def save(image: Dataset, file: Path) -> None:
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.save_as(file, enforce_file_format=True)


def write_enhanced(
    file: Path,
    voxels: np.ndarray,
    grid: Grid | None = None,
    study: Study | None = None,
    slopes: Sequence[float] | None = None,
) -> None:
    """Write `voxels`, [columns, rows, slices], as one file with a frame a slice, last one first."""
    grid = grid or Grid()
    file.parent.mkdir(parents=True, exist_ok=True)
    image = _common(study or Study(), EnhancedCTImageStorage, "enhanced")
    image.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    measures, orientation, shared = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing = _decimals([grid.spacing_mm[1], grid.spacing_mm[0]])
    measures.SliceThickness = "9.0"
    orientation.ImageOrientationPatient = _decimals(grid.orientation)
    shared.PixelMeasuresSequence = Items([measures])
    shared.PlaneOrientationSequence = Items([orientation])
    image.SharedFunctionalGroupsSequence = Items([shared])
    frames = []
    order = list(reversed(range(voxels.shape[2])))
    for place in order:
        position, transformation, frame = Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient = _decimals(grid.position(place))
        transformation.RescaleSlope = str(slopes[place]) if slopes else "1"
        transformation.RescaleIntercept = "0"
        frame.PlanePositionSequence = Items([position])
        frame.PixelValueTransformationSequence = Items([transformation])
        frames.append(frame)
    image.PerFrameFunctionalGroupsSequence = Items(frames)
    image.NumberOfFrames = len(frames)
    _set_pixels(image, voxels[:, :, order].T)
    save(image, file)


def write_segmentation(
    file: Path,
    series: Sequence[Path],
    masks: np.ndarray,
    names: Sequence[str] = ("liver", "spleen"),
    *,
    kind: str = "BINARY",
    **settings: Any,
) -> None:
    """Write a DICOM SEG; `masks` is [slices, rows, columns(, segments)] as its files."""
    sources = [pydicom.dcmread(path) for path in series]
    descriptions = [
        SegmentDescription(
            segment_number=number,
            segment_label=name,
            segmented_property_category=codes.SCT.Organ,
            segmented_property_type=codes.SCT.Liver,
            algorithm_type=SegmentAlgorithmTypeValues.MANUAL,
        )
        for number, name in enumerate(names, start=1)
    ]
    segmentation = hd.seg.Segmentation(
        source_images=sources,
        pixel_array=masks,
        segmentation_type=kind,
        segment_descriptions=descriptions,
        series_instance_uid=uid(f"seg {file}"),
        series_number=100,
        sop_instance_uid=uid(f"seg instance {file}"),
        instance_number=1,
        manufacturer="medaug",
        manufacturer_model_name="tests",
        software_versions="1",
        device_serial_number="1",
        **settings,
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    segmentation.save_as(file)
