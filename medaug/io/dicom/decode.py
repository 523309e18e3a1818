"""Stored pixel values of a DICOM file, whatever its compression."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813 - as its own documentation does
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    generate_uid,
)

from medaug.errors import InputError
from medaug.io.dicom.files import dicom_translated, read_dataset
from medaug.typing import AnyArray

# All that says how pixels are stored, and nothing of what they mean.
_PIXEL_ELEMENTS = (
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelData",
)


def stored_frames(path: Path) -> AnyArray:
    """Return the values as they are stored, before slope and intercept.

    pydicom decodes what it can; the rest, such as lossless JPEG, is left to GDCM. GDCM is handed
    a copy without slope and intercept: it would apply those of the first frame to all.

    Parameters
    ----------
    path : Path

    Returns
    -------
    ndarray, shape [frames, rows, columns], of integers

    Raises
    ------
    InputError
        If there are no pixels, or fewer than the header states, or in an unknown compression.
    """
    dataset = read_dataset(path)
    if "PixelData" not in dataset:
        raise InputError(f"{path}: the DICOM file holds no pixel data; copy or export it again.")
    with dicom_translated(path, "decoding its pixels"):
        if "TransferSyntaxUID" not in dataset.file_meta:
            # Files without the preamble do not say; their elements showed how they are written.
            implicit, _ = dataset.original_encoding
            dataset.file_meta.TransferSyntaxUID = (
                ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
            )
        stored = (
            dataset.pixel_array if _pydicom_decodes(dataset) else _decode_by_gdcm(path, dataset)
        )
    return stored.reshape(-1, dataset.Rows, dataset.Columns)


def _pydicom_decodes(dataset: FileDataset) -> bool:
    syntax = dataset.file_meta.TransferSyntaxUID
    if not syntax.is_compressed:
        return True
    try:
        return get_decoder(syntax).is_available
    except NotImplementedError:
        return False


def _decode_by_gdcm(file: Path, dataset: FileDataset) -> AnyArray:
    bare = Dataset()
    for keyword in _PIXEL_ELEMENTS:
        if keyword in dataset:
            bare[keyword] = dataset[keyword]
    bare.SOPClassUID = MultiFrameGrayscaleWordSecondaryCaptureImageStorage
    bare.SOPInstanceUID = generate_uid()
    bare.file_meta = FileMetaDataset()
    bare.file_meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
    with tempfile.TemporaryDirectory(prefix="medaug-") as folder:
        path = Path(folder) / "frames.dcm"
        bare.save_as(path, enforce_file_format=True)
        try:
            return np.asarray(sitk.GetArrayFromImage(sitk.ReadImage(path, imageIO="GDCMImageIO")))
        except RuntimeError:
            name = dataset.file_meta.TransferSyntaxUID.name
            raise InputError(
                f"{file}: cannot decode the pixels ({name}); decompress the file, for "
                "example by gdcmconv --raw."
            ) from None
