"""DICOM SEG comes out as a label map on the grid of its series."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dicom_makers import AXIAL, CORONAL, SAGITTAL, Grid, write_segmentation, write_series
from pydicom.uid import RLELossless

from medaug.errors import InputError
from medaug.io.cases import CaseFiles, ScanFiles
from medaug.io.dicom.headers import read_header
from medaug.io.dicom.segmentation import is_segmentation, read_segmentation
from medaug.io.dicom.series import read_series
from medaug.io.scan import read_image, read_label

SHAPE = (7, 6, 5)


@pytest.fixture
def truth(rng: np.random.Generator) -> np.ndarray:
    """Labels 0, 1 and 2, [columns, rows, slices]."""
    return rng.integers(0, 3, SHAPE).astype(np.uint8)


def segments(labels: np.ndarray) -> np.ndarray:
    return np.stack([labels.T == 1, labels.T == 2], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("orientation", [AXIAL, SAGITTAL, CORONAL])
def test_binary_segments_lie_on_their_series(
    tmp_path: Path, truth: np.ndarray, orientation: tuple
) -> None:
    files = write_series(tmp_path, truth.astype(np.int16), Grid(orientation))
    write_segmentation(tmp_path / "seg.dcm", files, segments(truth))
    image = read_series(ScanFiles(tmp_path, tuple(files)))
    label = read_segmentation(tmp_path / "seg.dcm")
    np.testing.assert_array_equal(label.data, image.data)
    np.testing.assert_allclose(label.affine, image.affine, atol=1e-9)
    assert label.data.dtype == np.uint8
    assert label.remarks == ()


def test_order_of_the_frames_does_not_matter(tmp_path: Path, truth: np.ndarray) -> None:
    files = write_series(tmp_path, truth.astype(np.int16))
    write_segmentation(tmp_path / "seg.dcm", files[::-1], segments(truth)[::-1])
    label = read_segmentation(tmp_path / "seg.dcm")
    np.testing.assert_array_equal(label.data[0], truth)
    assert np.linalg.det(label.affine) > 0


def test_label_map_and_compression_are_read(tmp_path: Path, truth: np.ndarray) -> None:
    files = write_series(tmp_path, truth.astype(np.int16))
    write_segmentation(
        tmp_path / "seg.dcm",
        files,
        truth.T.copy(),
        kind="LABELMAP",
        transfer_syntax_uid=RLELossless,
    )
    assert is_segmentation(tmp_path / "seg.dcm")
    label = read_segmentation(tmp_path / "seg.dcm")
    np.testing.assert_array_equal(label.data[0], truth)
    assert label.data.dtype == np.uint8


def test_frames_left_out_are_background(tmp_path: Path) -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels[2, 3, 1], labels[4, 1, 3] = 1, 2
    files = write_series(tmp_path, labels.astype(np.int16))
    write_segmentation(tmp_path / "seg.dcm", files, segments(labels))
    image = read_series(ScanFiles(tmp_path, tuple(files)))
    label = read_segmentation(tmp_path / "seg.dcm")
    # Slices 1 to 3: the empty ones at both ends are not stored.
    np.testing.assert_array_equal(label.data, image.data[..., 1:4])
    np.testing.assert_allclose(label.affine[:, :3], image.affine[:, :3], atol=1e-9)
    np.testing.assert_allclose(label.affine[:, 3], image.affine @ [0, 0, 1, 1], atol=1e-9)
    scan = ScanFiles(tmp_path, tuple(files))
    case = CaseFiles("a", (scan,), ScanFiles(tmp_path / "seg.dcm"), "a")
    on_image = read_label(case, read_image(case))
    np.testing.assert_array_equal(on_image.data[0], labels)
    [remark] = on_image.remarks
    assert remark.severity == "note"
    assert remark.text.endswith("the rest is background.")


def test_fractional_segments_are_cut_at_one_half(tmp_path: Path, truth: np.ndarray) -> None:
    files = write_series(tmp_path, truth.astype(np.int16))
    share = np.where(truth.T == 1, 0.6, 0.4)
    shares = np.stack([share, 0.9 * (truth.T == 2)], axis=-1)
    write_segmentation(tmp_path / "seg.dcm", files, shares, kind="FRACTIONAL")
    label = read_segmentation(tmp_path / "seg.dcm")
    np.testing.assert_array_equal(label.data[0], truth)
    [remark] = label.remarks
    assert remark.severity == "warning"
    assert "one half" in remark.text


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL"])
def test_segments_that_overlap_are_refused(tmp_path: Path, truth: np.ndarray, kind: str) -> None:
    files = write_series(tmp_path, truth.astype(np.int16))
    masks = segments(truth)
    masks[2, 3, 3] = 1
    write_segmentation(
        tmp_path / "seg.dcm",
        files,
        masks.astype(float if kind != "BINARY" else np.uint8),
        kind=kind,
    )
    with pytest.raises(InputError, match="segments overlap") as raised:
        read_segmentation(tmp_path / "seg.dcm")
    assert str(raised.value).startswith(str(tmp_path / "seg.dcm"))


def test_segments_have_names(tmp_path: Path, truth: np.ndarray) -> None:
    files = write_series(tmp_path, truth.astype(np.int16))
    write_segmentation(tmp_path / "seg.dcm", files, segments(truth), ["Leber", "Milz"])
    assert read_header(tmp_path / "seg.dcm").segments == {1: "Leber", 2: "Milz"}


def test_series_is_no_segmentation(tmp_path: Path, truth: np.ndarray) -> None:
    files = write_series(tmp_path, truth.astype(np.int16))
    assert not is_segmentation(files[0])
    assert not is_segmentation(tmp_path / "gone.dcm")
    with pytest.raises(InputError, match="not a DICOM segmentation"):
        read_segmentation(files[0])


def test_damaged_segmentation_is_refused(tmp_path: Path, truth: np.ndarray) -> None:
    files = write_series(tmp_path, truth.astype(np.int16))
    path = tmp_path / "seg.dcm"
    write_segmentation(path, files, segments(truth))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match="truncated or damaged") as raised:
        read_segmentation(path)
    assert "\n" not in str(raised.value)


def test_segmentation_of_a_leaning_stack_is_refused(tmp_path: Path, truth: np.ndarray) -> None:
    files = write_series(tmp_path, truth.astype(np.int16), Grid(tilt_degrees=20))
    write_segmentation(tmp_path / "seg.dcm", files, segments(truth))
    with pytest.raises(InputError, match="no regular grid"):
        read_segmentation(tmp_path / "seg.dcm")
