"""What the header of a DICOM file says: whose image it is, and where its slices are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import UID, SegmentationStorage

from medaug.io.dicom.files import dicom_translated, read_dataset

# The second is Label Map Segmentation Storage, for which pydicom has no name yet.
_SEGMENTATIONS = (SegmentationStorage, UID("1.2.840.10008.5.1.4.1.1.66.7"))

# What tells apart several images of one place in a series, the most telling first.
_MOMENTS = (
    "AcquisitionNumber",
    "TemporalPositionIdentifier",
    "EchoTime",
    "DiffusionBValue",
    "ImageType",
    "TriggerTime",
    "ContentTime",
)

# No names of people are among these, so that no message can show one.
_TAGS = (
    "SOPClassUID",
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "StudyDate",
    "PatientID",
    "Modality",
    "SeriesDescription",
    "SeriesNumber",
    "FrameOfReferenceUID",
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "NumberOfFrames",
    "BitsStored",
    "PixelRepresentation",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SpacingBetweenSlices",
    "SliceThickness",
    "RescaleSlope",
    "RescaleIntercept",
    "ModalityLUTSequence",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "ReferencedSeriesSequence",
    "SegmentSequence",
    *_MOMENTS,
)


@dataclass(frozen=True)
class SlicePlane:
    """A slice: its place in the patient, and how its stored values become what they mean.

    Attributes
    ----------
    file : Path
    frame : int
        Which image of the file, from 0.
    position_mm : tuple of 3 floats
        Centre of the first pixel, in DICOM's patient coordinates (left, posterior, superior).
    orientation : tuple of 6 floats
        Direction cosines along a row (of increasing column), then along a column.
    pixel_spacing_mm : tuple of 2 floats
        Between rows, then between columns.
    depth_mm : float or None
        Distance to the next slice as the header states it, or else the thickness of the slice.
    size : tuple of 2 ints
        Rows and columns.
    slope, intercept : float
        Value = slope x stored + intercept.
    stored_range : tuple of 2 ints
        The lowest and the highest number that the stored bits can hold.
    moments : tuple of str
        When and how it was acquired, the most telling first.
    """

    file: Path
    frame: int
    position_mm: tuple[float, ...]
    orientation: tuple[float, ...]
    pixel_spacing_mm: tuple[float, ...]
    depth_mm: float | None
    size: tuple[int, int]
    slope: float
    intercept: float
    stored_range: tuple[int, int]
    moments: tuple[str, ...]


@dataclass(frozen=True)
class Header:
    """The header of a file.

    Attributes
    ----------
    file : Path
    series, study, frame_of_reference : str
        Unique identifiers; empty where missing.
    study_date : str
        As YYYYMMDD, or empty.
    patient : str
        The patient's ID, possibly empty; never the name.
    modality, description : str
        Of the series.
    number : int
        Of the series; 0 if there is none.
    is_segmentation : bool
    is_localizer : bool
    planes : tuple of SlicePlane
        Empty if the object is not an image with a place in the patient.
    referenced_series : tuple of str
        The series that a segmentation was drawn on.
    segments : dict of int to str
        Name of each segment of a segmentation.
    """

    file: Path
    series: str
    study: str
    frame_of_reference: str
    study_date: str
    patient: str
    modality: str
    description: str
    number: int
    is_segmentation: bool
    is_localizer: bool
    planes: tuple[SlicePlane, ...]
    referenced_series: tuple[str, ...]
    segments: dict[int, str]


def read_header(path: Path) -> Header:
    """Read the header of a DICOM file; the pixels are not touched.

    Raises
    ------
    InputError
        If the file cannot be read, or if an element that matters is damaged.
    """
    dataset = read_dataset(path, _TAGS)
    with dicom_translated(path):
        is_segmentation = dataset.get("SOPClassUID") in _SEGMENTATIONS
        return Header(
            file=path,
            series=_text(dataset, "SeriesInstanceUID"),
            study=_text(dataset, "StudyInstanceUID"),
            frame_of_reference=_text(dataset, "FrameOfReferenceUID"),
            study_date=_text(dataset, "StudyDate"),
            patient=_text(dataset, "PatientID"),
            modality=_text(dataset, "Modality"),
            description=_text(dataset, "SeriesDescription"),
            number=int(dataset.get("SeriesNumber") or 0),
            is_segmentation=is_segmentation,
            is_localizer="LOCALIZER" in (dataset.get("ImageType") or ()),
            planes=() if is_segmentation else _planes(path, dataset),
            referenced_series=tuple(
                str(item.SeriesInstanceUID) for item in dataset.get("ReferencedSeriesSequence", ())
            ),
            segments={
                int(item.SegmentNumber): _text(item, "SegmentLabel")
                for item in dataset.get("SegmentSequence", ())
            },
        )


def _text(dataset: Dataset, keyword: str) -> str:
    """Return an element on one line; padding and line breaks have no place in a message."""
    value = dataset.get(keyword)
    return "" if value is None else " ".join(str(value).replace("\0", " ").split())


def _planes(path: Path, dataset: Dataset) -> tuple[SlicePlane, ...]:
    if not dataset.get("Rows") or dataset.get("SamplesPerPixel", 1) != 1:
        return ()
    if "PerFrameFunctionalGroupsSequence" in dataset:
        shared = next(iter(dataset.get("SharedFunctionalGroupsSequence") or ()), Dataset())
        frames = [_flattened(shared, frame) for frame in dataset.PerFrameFunctionalGroupsSequence]
    elif (dataset.get("NumberOfFrames") or 1) > 1:
        # Without functional groups only the first frame would have a place: cine and dose.
        return ()
    else:
        frames = [dataset]
    if not all(frame.get("ImagePositionPatient") for frame in frames):
        return ()
    return tuple(_plane(path, index, frame, dataset) for index, frame in enumerate(frames))


def _flattened(shared: Dataset, frame: Dataset) -> Dataset:
    """Return the attributes of a frame's functional groups as a single-frame image has them."""
    flat = Dataset()
    for groups in (shared, frame):
        for sequence in (
            "PixelMeasuresSequence",
            "PlaneOrientationSequence",
            "PlanePositionSequence",
            "PixelValueTransformationSequence",
            "FrameContentSequence",
        ):
            for item in groups.get(sequence) or ():
                flat.update(item)
    return flat


def _plane(path: Path, index: int, frame: Dataset, image: Dataset) -> SlicePlane:
    if "ModalityLUTSequence" in image:
        raise ValueError("its values need a modality lookup table, which is not supported")
    bits, signed = int(image.BitsStored), bool(image.PixelRepresentation)
    return SlicePlane(
        file=path,
        frame=index,
        position_mm=_floats(frame, "ImagePositionPatient", 3),
        orientation=_floats(frame, "ImageOrientationPatient", 6),
        pixel_spacing_mm=_floats(frame, "PixelSpacing", 2),
        depth_mm=_depth_mm(frame),
        size=(int(image.Rows), int(image.Columns)),
        slope=_number(frame, "RescaleSlope", 1.0),
        intercept=_number(frame, "RescaleIntercept", 0.0),
        stored_range=(-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1),
        moments=tuple(_text(frame, keyword) for keyword in _MOMENTS),
    )


def _depth_mm(frame: Dataset) -> float | None:
    for keyword in ("SpacingBetweenSlices", "SliceThickness"):
        value = abs(_number(frame, keyword, 0.0))
        if value:
            return value
    return None


def _floats(dataset: Dataset, keyword: str, count: int) -> tuple[float, ...]:
    value: Any = dataset.get(keyword)
    numbers = tuple(map(float, value)) if value else ()
    if len(numbers) != count:
        raise ValueError(f"{keyword} must hold {count} numbers, not {len(numbers)}")
    return numbers


def _number(dataset: Dataset, keyword: str, default: float) -> float:
    value: Any = dataset.get(keyword)
    return default if value in (None, "") else float(value)
