"""The image and the label of a case end on one grid, or it is said why they cannot."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - as its own documentation does

from medaug.errors import InputError
from medaug.io.cases import CaseFiles, ScanFiles
from medaug.io.scan import read_image, read_label, read_scan
from medaug.io.volume import Volume, write_volume

SHAPE = (12, 10, 8)
AFFINE = np.diag([1.0, 1.5, 2.0, 1.0])


def ramp(dtype: str = "int16") -> np.ndarray:
    return np.arange(np.prod(SHAPE)).reshape(SHAPE).astype(dtype)


def two_values(dtype: str = "uint8") -> np.ndarray:
    label = np.zeros(SHAPE, dtype)
    label[2:6, 3:7, 2:6] = 1
    label[6:9, 3:7, 2:6] = 4
    return label


def case(*images: Path, label: Path | None = None) -> CaseFiles:
    return CaseFiles(
        "a", tuple(map(ScanFiles, images)), None if label is None else ScanFiles(label), "a"
    )


def volume(path: Path, data: np.ndarray, affine: np.ndarray = AFFINE) -> Path:
    write_volume(path, data, affine)
    return path


def one_line(message: object) -> str:
    assert len(str(message).splitlines()) == 1
    return str(message)


# --- images -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz", "scan.mha", "scan.nrrd", "SCAN.NRRD"])
def test_every_format_is_read(tmp_path: Path, name: str) -> None:
    image = sitk.GetImageFromArray(ramp().transpose(2, 1, 0))
    image.SetSpacing((1.0, 1.5, 2.0))
    sitk.WriteImage(image, tmp_path / name.lower())
    (tmp_path / name.lower()).rename(tmp_path / name)
    scan = read_scan(ScanFiles(tmp_path / name))
    np.testing.assert_array_equal(scan.data[0], ramp())
    np.testing.assert_allclose(np.abs(scan.affine), AFFINE, atol=1e-6)


def test_files_become_channels_in_their_order_and_one_dtype(tmp_path: Path) -> None:
    first = volume(tmp_path / "1.nii", ramp())
    second = volume(tmp_path / "2.nii", -ramp("float32") / 2)
    third = volume(tmp_path / "3.nii", ramp() % 7, AFFINE + 1e-3 * np.eye(4, k=3))
    image = read_image(case(first, second, third))
    assert image.data.dtype == np.float32
    np.testing.assert_array_equal(image.data, np.stack([ramp(), -ramp() / 2, ramp() % 7]))
    np.testing.assert_array_equal(image.affine, AFFINE)
    assert image.header is not None
    assert read_image(case(first, third)).data.dtype == np.int16


def test_one_file_may_hold_all_channels_but_one_of_several_may_not(tmp_path: Path) -> None:
    both = volume(tmp_path / "both.nii", np.stack([ramp(), ramp()]))
    one = volume(tmp_path / "one.nii", ramp())
    assert read_image(case(both)).data.shape == (2, *SHAPE)
    for files in ((one, both), (both, one)):
        with pytest.raises(InputError) as caught:
            read_image(case(*files))
        assert one_line(caught.value).startswith(f"{both}: the file holds 2 channels, but each")


def test_channels_on_several_grids_are_named(tmp_path: Path) -> None:
    first = volume(tmp_path / "1.nii", ramp())
    small = volume(tmp_path / "2.nii", ramp()[:-1])
    moved = volume(tmp_path / "3.nii", ramp(), AFFINE + 0.2 * np.eye(4, k=3))
    with pytest.raises(InputError) as caught:
        read_image(case(first, small))
    assert one_line(caught.value).startswith(
        f"{small}: its shape, (11, 10, 8), differs from (12, 10, 8) of {first}"
    )
    with pytest.raises(InputError) as caught:
        read_image(case(first, moved))
    assert one_line(caught.value).startswith(f"{moved}: its affine puts it in another place")


def test_geometry_is_passed_on(tmp_path: Path) -> None:
    doubled = AFFINE @ np.diag([2.0, 2.0, 2.0, 1.0])
    image = nib.Nifti1Image(two_values(), None)
    image.set_sform(AFFINE, 1)
    image.set_qform(doubled, 1)
    nib.save(image, tmp_path / "scan.nii")
    files = case(tmp_path / "scan.nii", label=tmp_path / "scan.nii")
    with pytest.raises(InputError, match="disagree"):
        read_image(files)
    scan = read_image(files, geometry="qform")
    np.testing.assert_allclose(scan.affine, doubled, atol=1e-5)
    assert not read_label(files, scan, geometry="qform").remarks
    with pytest.raises(InputError, match="disagree"):
        read_label(files, scan)


# --- labels on the grid of the image ----------------------------------------------------------

IMAGE = Volume(ramp()[np.newaxis], AFFINE)


def label_of(path: Path) -> Volume:
    return read_label(case(path, label=path), IMAGE)


def label_refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        label_of(path)
    return one_line(caught.value)


@pytest.mark.parametrize(
    ("stored", "dtype"),
    [("uint8", "uint8"), ("int16", "int16"), ("float32", "uint8"), ("float64", "uint8")],
)
def test_whole_numbers_of_any_dtype_are_labels(tmp_path: Path, stored: str, dtype: str) -> None:
    path = volume(tmp_path / "label.nii", two_values(stored), AFFINE + 0.05 * np.eye(4, k=3))
    label = label_of(path)
    assert label.data.dtype == dtype
    np.testing.assert_array_equal(label.data[0], two_values())
    np.testing.assert_array_equal(label.affine, AFFINE)
    assert label.remarks == ()


def test_large_label_values_keep_their_value(tmp_path: Path) -> None:
    path = volume(tmp_path / "label.nii", two_values("float32") * 70000)
    assert label_of(path).data.max() == 280000


@pytest.mark.parametrize("value", [0.5, -1, np.nan, np.inf, 3e9])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_that_are_no_class_numbers_are_named(
    tmp_path: Path, value: float, dtype: str
) -> None:
    path = volume(tmp_path / "label.nii", np.where(two_values() == 1, value, 0).astype(dtype))
    assert label_refusal(path) == (
        f"{path}: label value {value:g} is no whole number from 0 up; was this file resampled with "
        "interpolation? Export the label again."
    )


def test_negative_integers_and_many_values_are_named(tmp_path: Path) -> None:
    path = volume(tmp_path / "label.nii", ramp() - 900)
    assert "label value -900, -899, -898, ... is no whole number" in label_refusal(path)


def test_label_with_channels_is_named(tmp_path: Path) -> None:
    path = volume(tmp_path / "label.nii", np.stack([two_values(), two_values()]))
    assert label_refusal(path).startswith(f"{path}: the label has 2 channels; store one channel")


def test_case_without_label_is_a_mistake_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="case a has no label"):
        read_label(case(tmp_path / "x.nii"), IMAGE)


# --- labels on another grid -------------------------------------------------------------------


def check_resampled(path: Path) -> None:
    """The label comes out as `two_values` on the grid of the image, with a warning."""
    label = label_of(path)
    np.testing.assert_array_equal(label.data[0], two_values())
    np.testing.assert_array_equal(label.affine, AFFINE)
    (remark,) = label.remarks
    assert remark.severity == "warning"
    assert one_line(remark.text).startswith(f"{path}: the label is on another grid than its image")
    assert "resampled" in remark.text


def shifted(*voxels: float) -> np.ndarray:
    shift = np.eye(4)
    shift[:3, 3] = voxels
    return AFFINE @ shift


def test_crop_of_the_same_place_is_put_back(tmp_path: Path) -> None:
    crop = two_values()[1:11, 2:9, 1:7]
    check_resampled(volume(tmp_path / "label.nii", crop, shifted(1, 2, 1)))


def test_other_orientation_is_put_back(tmp_path: Path) -> None:
    flip = np.diag([-1.0, 1, 1, 1])
    flip[0, 3] = SHAPE[0] - 1
    check_resampled(volume(tmp_path / "label.nii", two_values()[::-1], AFFINE @ flip))


def test_finer_voxels_are_put_back(tmp_path: Path) -> None:
    thirds = np.diag([1 / 3, 1 / 3, 1 / 3, 1])
    thirds[:3, 3] = -1 / 3
    fine = two_values().repeat(3, 0).repeat(3, 1).repeat(3, 2)
    check_resampled(volume(tmp_path / "label.nii", fine, AFFINE @ thirds))


def test_larger_field_of_view_is_cut_if_the_labels_are_inside(tmp_path: Path) -> None:
    wide = np.pad(two_values(), 5)
    path = volume(tmp_path / "label.nii", wide, shifted(-5, -5, -5))
    check_resampled(path)
    wide[:2] = 1  # outside of the image
    volume(path, wide, shifted(-5, -5, -5))
    message = label_refusal(path)
    assert message.startswith(f"{path}: the label lies in another place than its image")
    assert "100% of the smaller field of view" in message


def test_nine_tenths_of_the_field_of_view_must_be_shared(tmp_path: Path) -> None:
    path = volume(tmp_path / "label.nii", np.roll(two_values(), -1, 0), shifted(1, 0, 0))
    check_resampled(path)  # 11 of 12 slices
    volume(path, two_values(), shifted(2, 0, 0))
    message = label_refusal(path)
    assert "83% of the smaller field of view and 100% of the labelled voxels" in message


def test_lost_header_is_another_place(tmp_path: Path) -> None:
    path = volume(tmp_path / "label.nii", two_values(), np.eye(4))
    image = Volume(IMAGE.data, shifted(-100, -80, 40))
    with pytest.raises(InputError) as caught:
        read_label(case(tmp_path / "image.nii", label=path), image)
    assert one_line(caught.value).startswith(
        f"{path}: the label lies in another place than its image {tmp_path / 'image.nii'}"
    )
