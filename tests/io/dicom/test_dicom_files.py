"""Compressed pixels are decoded; damaged files, strangers and other objects are told apart."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813
from dicom_makers import AXIAL, CORONAL, SAGITTAL, Grid, Study, save, write_series
from pydicom.uid import (
    BasicTextSRStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
    RTStructureSetStorage,
)

from medaug.errors import InputError
from medaug.io.cases import ScanFiles
from medaug.io.dicom.listing import list_dicom
from medaug.io.dicom.series import find_series, is_dicom, read_series

SHAPE = (7, 6, 5)


@pytest.fixture
def voxels(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(-1024, 3000, SHAPE).astype(np.int16)


def read(folder: Path) -> np.ndarray:
    [series] = find_series(folder)
    return read_series(series.scan).data[0]


# --- compression --------------------------------------------------------------------------------


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless])
def test_compressed_slices_are_decoded(tmp_path: Path, voxels: np.ndarray, syntax: str) -> None:
    def edit(image, place):
        image.compress(syntax, generate_instance_uid=False)
        image.RescaleIntercept = "-5"

    files = write_series(tmp_path, voxels, edit=edit)
    assert pydicom.dcmread(files[0]).file_meta.TransferSyntaxUID == syntax
    np.testing.assert_array_equal(read(tmp_path), voxels - 5)


@pytest.mark.parametrize("compressor", ["JPEG", "JPEG2000"])
def test_jpeg_slices_are_decoded_with_their_slopes(
    tmp_path: Path, rng: np.random.Generator, compressor: str
) -> None:
    # pydicom cannot write these: the pixels come from files that GDCM wrote. GDCM writes no
    # JPEG 2000 of images as small as those of the other tests.
    voxels = rng.integers(-1024, 3000, (64, 48, 5)).astype(np.int16)

    def edit(image, place):
        writer = sitk.ImageFileWriter()
        writer.SetImageIO("GDCMImageIO")
        writer.SetFileName(str(tmp_path / "pixels.dcm"))
        writer.UseCompressionOn()
        writer.SetCompressor(compressor)
        writer.Execute(sitk.GetImageFromArray(voxels[:, :, place].T[np.newaxis]))
        written = pydicom.dcmread(tmp_path / "pixels.dcm")
        image.file_meta.TransferSyntaxUID = written.file_meta.TransferSyntaxUID
        image["PixelData"] = written["PixelData"]
        image.RescaleSlope, image.RescaleIntercept = str(1 + place), "0.5"
        assert image.file_meta.TransferSyntaxUID.is_compressed

    write_series(tmp_path / "series", voxels, edit=edit)
    np.testing.assert_array_equal(
        read(tmp_path / "series"), voxels * np.arange(1, 6, dtype=np.float32) + 0.5
    )


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
def test_other_encodings_are_read(tmp_path: Path, voxels: np.ndarray, syntax: str) -> None:
    def edit(image, place):
        image.file_meta.TransferSyntaxUID = syntax
        if syntax == ExplicitVRBigEndian:
            image.PixelData = voxels[:, :, place].T.astype(">i2").tobytes()

    write_series(tmp_path, voxels, edit=edit)
    np.testing.assert_array_equal(read(tmp_path), voxels)


# --- damage -------------------------------------------------------------------------------------


def test_truncated_pixels_are_refused_by_name(tmp_path: Path, voxels: np.ndarray) -> None:
    files = write_series(tmp_path, voxels)
    files[2].write_bytes(files[2].read_bytes()[:-20])
    with pytest.raises(InputError, match="truncated or damaged") as raised:
        read(tmp_path)
    assert str(raised.value).startswith(str(files[2]))
    assert "\n" not in str(raised.value)


def test_truncated_compressed_pixels_are_refused(tmp_path: Path, voxels: np.ndarray) -> None:
    files = write_series(
        tmp_path,
        voxels,
        edit=lambda image, _place: image.compress(RLELossless, generate_instance_uid=False),
    )
    files[0].write_bytes(files[0].read_bytes()[:-60])
    with pytest.raises(InputError, match=r"copy or export it again\.$"):
        read(tmp_path)


def test_header_cut_short_is_a_problem_of_the_listing(tmp_path: Path, voxels: np.ndarray) -> None:
    files = write_series(tmp_path, voxels)
    files[0].write_bytes(files[0].read_bytes()[:420])
    listing = list_dicom(tmp_path)
    assert [series.slices for series in listing.series] == [4]
    [problem] = [problem for problem in listing.problems if problem.file == files[0]]
    assert str(files[0]) in problem.message


def test_empty_file_beside_slices_is_a_problem(tmp_path: Path, voxels: np.ndarray) -> None:
    write_series(tmp_path / "series", voxels)
    (tmp_path / "notes").touch()
    empty = tmp_path / "series" / "00099"
    empty.touch()
    [problem] = list_dicom(tmp_path).problems
    assert (problem.severity, problem.file) == ("error", empty)
    assert problem.message == (
        f"{empty}: the file is empty; if it was a slice, export the series again, otherwise remove "
        "it."
    )


def test_slice_without_a_place_is_a_warning(tmp_path: Path, voxels: np.ndarray) -> None:
    def edit(image, place):
        if place == 4:  # a gap at the end would not be noticed
            del image.ImagePositionPatient

    write_series(tmp_path, voxels, edit=edit)
    [problem] = list_dicom(tmp_path).problems
    assert problem.severity == "warning"
    assert problem.message.endswith("if it is a damaged slice, export the series again.")


def test_no_pixel_data_is_refused(tmp_path: Path, voxels: np.ndarray) -> None:
    def edit(image, place):
        if place == 1:
            del image.PixelData

    files = write_series(tmp_path, voxels, edit=edit)
    with pytest.raises(InputError, match="no pixel data") as raised:
        read(tmp_path)
    assert files[1].name in str(raised.value)


@pytest.mark.parametrize("keyword", ["ImageOrientationPatient", "PixelSpacing", "BitsStored"])
def test_header_that_lacks_what_matters_is_a_problem(
    tmp_path: Path, voxels: np.ndarray, keyword: str
) -> None:
    write_series(tmp_path, voxels, edit=lambda image, _place: delattr(image, keyword))
    listing = list_dicom(tmp_path)
    assert listing.series == ()
    assert len(listing.problems) == SHAPE[2]
    assert {problem.severity for problem in listing.problems} == {"error"}
    assert keyword in listing.problems[0].message


def test_modality_lookup_table_is_refused(tmp_path: Path, voxels: np.ndarray) -> None:
    def edit(image, place):
        image.ModalityLUTSequence = [pydicom.Dataset()]

    write_series(tmp_path, voxels, edit=edit)
    assert "lookup table" in list_dicom(tmp_path).problems[0].message


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_series(ScanFiles(tmp_path, (tmp_path / "gone.dcm",)))


# --- what is no series --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [BasicTextSRStorage, RTStructureSetStorage])
def test_objects_without_pixels_are_no_series(
    tmp_path: Path, voxels: np.ndarray, kind: str
) -> None:
    files = write_series(tmp_path, voxels)
    report = pydicom.dcmread(files[0])
    for keyword in ("PixelData", "Rows", "Columns", "ImagePositionPatient"):
        delattr(report, keyword)
    report.SOPClassUID, report.Modality, report.SeriesInstanceUID = kind, "SR", "1.2.3"
    save(report, tmp_path / "report.dcm")
    listing = list_dicom(tmp_path)
    assert [series.slices for series in listing.series] == [5]
    [problem] = listing.problems
    assert problem.severity == "note"
    assert "report.dcm" in problem.message
    with pytest.raises(InputError, match="not an image"):
        read_series(ScanFiles(tmp_path, (tmp_path / "report.dcm",)))


@pytest.mark.parametrize(
    "elements",
    [
        {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"},  # a screenshot
        {"NumberOfFrames": 8},  # cine or dose: only the first frame has a place
    ],
)
def test_images_without_a_place_for_each_frame_are_no_series(
    tmp_path: Path, voxels: np.ndarray, elements: dict
) -> None:
    write_series(tmp_path, voxels, edit=lambda image, _place: image.update(elements))
    listing = list_dicom(tmp_path)
    assert listing.series == ()
    [problem] = listing.problems
    assert problem.severity == "note"
    assert "and 4 more of its series" in problem.message


def test_strangers_dicomdir_and_hidden_files_are_left_out(
    tmp_path: Path, voxels: np.ndarray
) -> None:
    files = write_series(tmp_path, voxels)
    for name in ("DICOMDIR", ".hidden.dcm", ".trash/copy.dcm"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(files[0], tmp_path / name)
    (tmp_path / "readme.dcm").write_text("not DICOM at all")
    (tmp_path / "lost.dcm").symlink_to(tmp_path / "gone")
    listing = list_dicom(tmp_path)
    assert [series.slices for series in listing.series] == [5]
    [problem] = listing.problems
    assert problem.message.startswith(f"{tmp_path / 'lost.dcm'}: cannot be read")
    assert {path.name for path in listing.others} == {"DICOMDIR", "readme.dcm"}
    assert is_dicom(files[0])
    assert not is_dicom(tmp_path / "readme.dcm")
    assert not is_dicom(tmp_path / "gone")


def test_links_that_leave_the_folder_are_followed_only_on_request(
    tmp_path: Path, voxels: np.ndarray
) -> None:
    outside = write_series(tmp_path / "outside", voxels)
    root = tmp_path / "root"
    inside = write_series(root, voxels, study=Study(series="inside"))
    (root / "link.dcm").symlink_to(outside[0])
    (root / "folder").symlink_to(tmp_path / "outside")
    (root / "again").symlink_to(root)
    (root / "0.dcm").symlink_to(inside[0])
    listing = list_dicom(root)
    assert [len(series.files) for series in listing.series] == [5]
    assert {problem.file.name for problem in listing.problems} == {"link.dcm", "folder"}
    followed = list_dicom(root, follow_links=True)
    assert sorted(series.slices for series in followed.series) == [5, 5]
    assert followed.problems == ()


# --- series that hold several stacks ------------------------------------------------------------


def test_localizer_is_split_by_orientation_and_says_so(tmp_path: Path, voxels: np.ndarray) -> None:
    for place, orientation in enumerate([AXIAL, CORONAL, SAGITTAL]):
        write_series(tmp_path / str(place), voxels, Grid(orientation))
    listing = list_dicom(tmp_path)
    assert [series.slices for series in listing.series] == [5, 5, 5]
    assert [series.part for series in listing.series] == [
        f"orientation {n} of 3" for n in (1, 2, 3)
    ]
    assert "one series holds 3 stacks" in listing.problems[0].message
    np.testing.assert_array_equal(read_series(listing.series[1].scan).data[0], voxels)


@pytest.mark.parametrize("keyword", ["AcquisitionNumber", "TemporalPositionIdentifier", "EchoTime"])
def test_repeated_scans_are_split_by_what_tells_them_apart(
    tmp_path: Path, voxels: np.ndarray, keyword: str
) -> None:
    for turn in (1, 2):
        write_series(
            tmp_path / str(turn),
            voxels + turn,
            edit=lambda image, _place, turn=turn: setattr(image, keyword, turn),
        )
    first, second = find_series(tmp_path)
    assert (first.part, second.part) == ("acquisition 1 of 2", "acquisition 2 of 2")
    np.testing.assert_array_equal(read_series(first.scan).data[0], voxels + 1)
    np.testing.assert_array_equal(read_series(second.scan).data[0], voxels + 2)


def test_acquisition_number_of_each_slice_splits_nothing(
    tmp_path: Path, voxels: np.ndarray
) -> None:
    write_series(
        tmp_path,
        voxels,
        edit=lambda image, place: setattr(image, "AcquisitionNumber", place),
    )
    assert [series.slices for series in find_series(tmp_path)] == [5]


def test_doubled_slice_stays_in_its_series(tmp_path: Path, voxels: np.ndarray) -> None:
    files = write_series(tmp_path, voxels)
    double = pydicom.dcmread(files[1])
    double.AcquisitionNumber, double.ContentTime = 2, "130000"
    save(double, tmp_path / "double.dcm")
    [series] = find_series(tmp_path)
    assert series.slices == 6
    with pytest.raises(InputError, match="twice"):
        read_series(series.scan)
