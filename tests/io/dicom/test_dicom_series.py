"""A DICOM series comes out with its voxels where the headers say, or is refused in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from dicom_makers import (
    AXIAL,
    CORONAL,
    SAGITTAL,
    Grid,
    Study,
    uid,
    write_enhanced,
    write_series,
)
from scipy.spatial.transform import Rotation

from medaug.errors import InputError
from medaug.io.cases import ScanFiles
from medaug.io.dicom.series import find_series, read_series
from medaug.io.volume import read_volume

OBLIQUE = tuple(Rotation.from_euler("zyx", [20, -35, 10], degrees=True).as_matrix()[:2].ravel())
SHAPE = (7, 6, 5)


@pytest.fixture
def voxels(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(-1024, 3000, SHAPE).astype(np.int16)


def scan(folder: Path, files: list[Path]) -> ScanFiles:
    return ScanFiles(folder, tuple(files))


def refusal(folder: Path, files: list[Path]) -> str:
    with pytest.raises(InputError) as raised:
        read_series(scan(folder, files))
    message = str(raised.value)
    assert "\n" not in message
    assert message.startswith(str(folder))
    return message


# --- where voxels are ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("orientation", "mark", "ras_mm"),
    [
        # Columns go left, rows go posterior, slices go up.
        (AXIAL, (3, 2, 4), (20 - 3 * 0.5, 30 - 2 * 0.75, 40 + 4 * 2)),
        # Columns go posterior, rows go down, slices go right.
        (SAGITTAL, (3, 2, 4), (20 + 4 * 2, 30 - 3 * 0.5, 40 - 2 * 0.75)),
        # Columns go left, rows go down, slices go posterior.
        (CORONAL, (3, 2, 4), (20 - 3 * 0.5, 30 - 4 * 2, 40 - 2 * 0.75)),
    ],
)
def test_marked_voxel_is_where_the_headers_put_it(
    tmp_path: Path, orientation: tuple, mark: tuple, ras_mm: tuple
) -> None:
    marked = np.zeros(SHAPE, np.int16)
    marked[mark] = 1000
    files = write_series(tmp_path, marked, Grid(orientation))
    volume = read_series(scan(tmp_path, sorted(files)))
    place = np.argwhere(volume.data[0] == 1000)
    assert len(place) == 1
    np.testing.assert_allclose(volume.affine @ [*place[0], 1], [*ras_mm, 1], atol=1e-9)
    assert volume.remarks == ()


@pytest.mark.parametrize("orientation", [AXIAL, SAGITTAL, CORONAL, OBLIQUE])
def test_series_is_as_simpleitk_reads_it(
    tmp_path: Path, voxels: np.ndarray, orientation: tuple
) -> None:
    files = write_series(tmp_path, voxels, Grid(orientation))
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(file) for file in files])
    image = reader.Execute()
    volume = read_series(scan(tmp_path, files[::-1]))
    np.testing.assert_array_equal(volume.data[0], sitk.GetArrayFromImage(image).T)
    for corner in [(0, 0, 0), (6, 0, 0), (0, 5, 0), (0, 0, 4), (6, 5, 4)]:
        left, posterior, up = image.TransformIndexToPhysicalPoint(corner)
        world = volume.affine @ [*corner, 1]
        np.testing.assert_allclose(world[:3], [-left, -posterior, up], atol=1e-6)
    assert volume.spacing_mm == pytest.approx((0.5, 0.75, 2.0))
    assert np.linalg.det(volume.affine) > 0


def test_order_of_the_files_does_not_matter(
    tmp_path: Path, voxels: np.ndarray, rng: np.random.Generator
) -> None:
    files = write_series(tmp_path, voxels)
    volume = read_series(scan(tmp_path, files))
    shuffled = read_series(scan(tmp_path, [files[place] for place in rng.permutation(5)]))
    np.testing.assert_array_equal(shuffled.data, volume.data)
    np.testing.assert_array_equal(shuffled.affine, volume.affine)


def test_voxels_are_one_contiguous_channel(tmp_path: Path, voxels: np.ndarray) -> None:
    data = read_series(scan(tmp_path, write_series(tmp_path, voxels))).data
    assert data.shape == (1, *SHAPE)
    assert data.flags.c_contiguous


def test_real_scan_survives_the_way_through_dicom(tmp_path: Path, hippocampus: Path) -> None:
    original = read_volume(hippocampus / "imagesTr" / "hippocampus_001.nii.gz")
    stored = original.data[0].astype(np.int16)
    np.testing.assert_array_equal(stored, original.data[0])
    lps = np.diag([-1, -1, 1, 1]) @ original.affine
    edges = np.linalg.norm(lps[:3, :3], axis=0)
    row, column, normal = (lps[:3, :3] / edges).T
    # DICOM sorts along row x column; a left-handed scan comes out with its last axis reversed.
    reverse = np.dot(np.cross(row, column), normal) < 0
    origin = lps[:3, 3] + reverse * lps[:3, 2] * (stored.shape[2] - 1)
    grid = Grid((*row, *column), tuple(edges), tuple(origin))
    files = write_series(tmp_path, stored[:, :, ::-1] if reverse else stored, grid)
    volume = read_series(scan(tmp_path, files))
    np.testing.assert_array_equal(volume.data[0, :, :, ::-1] if reverse else volume.data[0], stored)
    last = [0, 0, stored.shape[2] - 1, 1]
    first = volume.affine @ (last if reverse else [0, 0, 0, 1])
    np.testing.assert_allclose(first, original.affine[:, 3], atol=1e-6)
    sign = [1, 1, -1 if reverse else 1]
    np.testing.assert_allclose(volume.affine[:3, :3] * sign, original.affine[:3, :3], atol=1e-6)


# --- what values mean ---------------------------------------------------------------------------


def test_whole_slopes_keep_integers(tmp_path: Path, voxels: np.ndarray) -> None:
    def edit(image, place):
        image.RescaleSlope, image.RescaleIntercept = "2", "-1024"

    volume = read_series(scan(tmp_path, write_series(tmp_path, voxels, edit=edit)))
    assert volume.data.dtype == np.int16
    np.testing.assert_array_equal(volume.data[0], 2 * voxels - 1024)


def test_values_beyond_int16_come_as_int32(tmp_path: Path) -> None:
    stored = np.full(SHAPE, 65535, np.uint16)
    volume = read_series(scan(tmp_path, write_series(tmp_path, stored)))
    assert volume.data.dtype == np.int32
    assert volume.data.max() == 65535


def test_each_slice_is_rescaled_by_its_own_slope(tmp_path: Path, voxels: np.ndarray) -> None:
    slopes = np.array([0.25, 0.5, 1.0, 1.5, 2.0])

    def edit(image, place):
        image.RescaleSlope, image.RescaleIntercept = str(slopes[place]), str(place)

    volume = read_series(scan(tmp_path, write_series(tmp_path, voxels, edit=edit)))
    assert volume.data.dtype == np.float32
    np.testing.assert_array_equal(volume.data[0], voxels * slopes + np.arange(5))
    assert [remark.severity for remark in volume.remarks] == ["note"]
    assert "slope and intercept differ" in volume.remarks[0].text


# --- gaps, doubles, tilt ------------------------------------------------------------------------


def test_missing_slices_are_counted_and_named(tmp_path: Path, voxels: np.ndarray) -> None:
    files = write_series(tmp_path, voxels, leave_out=[2])
    message = refusal(tmp_path, files)
    assert "1 slice is missing" in message
    assert files[1].name in message
    assert files[2].name in message


def test_gap_of_several_slices_is_a_gap(tmp_path: Path) -> None:
    files = write_series(tmp_path, np.zeros((4, 4, 12), np.int16), leave_out=[4, 5, 9])
    assert "3 slices are missing" in refusal(tmp_path, files)


def test_doubled_slice_is_named(tmp_path: Path, voxels: np.ndarray) -> None:
    files = write_series(tmp_path, voxels)
    double = tmp_path / "copy.dcm"
    double.write_bytes(files[3].read_bytes())
    message = refusal(tmp_path, [*files, double])
    assert "copy.dcm" in message
    assert files[3].name in message
    assert "same place" in message


def test_distance_comes_from_positions_and_rounding_is_no_matter(
    tmp_path: Path, voxels: np.ndarray
) -> None:
    # Headers of thin slices round to more than a hundredth of their distance.
    grid = Grid(spacing_mm=(0.5, 0.75, 0.4), jitter_mm={1: 0.006, 3: -0.006})
    volume = read_series(scan(tmp_path, write_series(tmp_path, voxels, grid)))
    assert volume.spacing_mm[2] == pytest.approx(0.4)
    assert volume.remarks == ()


def test_slight_unevenness_is_read_with_a_warning(tmp_path: Path, voxels: np.ndarray) -> None:
    grid = Grid(jitter_mm={2: 0.15})
    volume = read_series(scan(tmp_path, write_series(tmp_path, voxels, grid)))
    assert volume.spacing_mm[2] == pytest.approx(2.0)
    [remark] = volume.remarks
    assert remark.severity == "warning"
    assert "0.15 mm" in remark.text
    np.testing.assert_array_equal(volume.data[0], voxels)


def test_strong_unevenness_is_refused(tmp_path: Path, voxels: np.ndarray) -> None:
    files = write_series(tmp_path, voxels, Grid(jitter_mm={2: 0.5}))
    assert "varies from 1.5 to 2.5 mm" in refusal(tmp_path, files)


def test_tilted_stack_is_straightened_where_its_slices_are(tmp_path: Path) -> None:
    # A ramp over the patient is linear, so that linear interpolation keeps it but for rounding.
    tilt, shape = 17.0, (4, 40, 9)
    grid = Grid(tilt_degrees=tilt)
    places = np.stack([grid.position(place) for place in range(shape[2])])
    rows_mm = 0.75 * np.arange(shape[1])[:, np.newaxis] + places[:, 1]
    ramp = np.broadcast_to(np.rint(100 * rows_mm) + 20000, shape).astype(np.int16)
    volume = read_series(scan(tmp_path, write_series(tmp_path, ramp, grid)))
    [remark] = volume.remarks
    assert remark.severity == "warning"
    assert "gantry tilt of 17.0 degrees" in remark.text
    axes = volume.affine[:3, :3]
    np.testing.assert_allclose(axes.T @ axes, np.diag([0.25, 0.5625, 4.0]), atol=1e-9)
    lowest = ramp.min()
    inside = np.argwhere(volume.data[0] > lowest)
    posterior = -(inside @ volume.affine[1, :3] + volume.affine[1, 3])
    values = volume.data[0][tuple(inside.T)]
    np.testing.assert_allclose(values, 100 * posterior + 20000, atol=1.01)
    # Rounded, not cut off: there is no bias.
    assert abs((values - 100 * posterior - 20000).mean()) < 0.1
    assert volume.data.min() == lowest
    covered = (volume.data[0] > lowest).sum()
    assert covered > 0.95 * ramp.size
    assert volume.data.dtype == np.int16


def test_tilt_of_the_other_sign_leans_the_other_way(tmp_path: Path) -> None:
    marked = np.zeros((4, 30, 5), np.int16)
    marked[2, 11, 4] = 900
    grid = Grid(spacing_mm=(1.0, 1.0, 3.0), tilt_degrees=float(np.degrees(np.arctan(-1.0))))
    volume = read_series(scan(tmp_path, write_series(tmp_path, marked, grid)))
    # Slice 4 is 12 mm up, and so 12 mm towards the front: the shift is of whole rows.
    [place] = np.argwhere(volume.data[0] == 900)
    np.testing.assert_allclose(
        (volume.affine @ [*place, 1])[:3], [20 - 2, 30 - 11 + 12, 40 + 12], atol=1e-9
    )


def test_slices_that_wander_are_refused(tmp_path: Path) -> None:
    def edit(image, place):
        image.ImagePositionPatient = [str(4.0 * (place % 2)), "0", str(2 * place)]

    files = write_series(tmp_path, np.zeros((4, 4, 8), np.int16), edit=edit)
    assert "straight line" in refusal(tmp_path, files)


# --- slices that do not belong together ---------------------------------------------------------


def test_slices_of_different_size_are_refused(tmp_path: Path, voxels: np.ndarray) -> None:
    files = write_series(tmp_path / "a", voxels[:, :, :3])
    other = write_series(tmp_path / "b", voxels[:5], leave_out=[0, 1, 2])
    message = refusal(tmp_path, files + other)
    assert "6 x 7 and 6 x 5 pixels" in message


def test_slices_of_different_pixel_spacing_are_refused(tmp_path: Path, voxels: np.ndarray) -> None:
    def edit(image, place):
        if place == 3:
            image.PixelSpacing = ["0.75", "0.6"]

    message = refusal(tmp_path, write_series(tmp_path, voxels, edit=edit))
    assert "(0.75, 0.5) and (0.75, 0.6) mm" in message


def test_slices_of_different_orientation_are_refused(tmp_path: Path, voxels: np.ndarray) -> None:
    files = write_series(tmp_path / "a", voxels)
    other = write_series(tmp_path / "b", voxels, Grid(SAGITTAL))
    assert "different orientations" in refusal(tmp_path, files + other)


@pytest.mark.parametrize(
    "edit",
    [
        lambda image, _place: image.update({"PixelSpacing": ["0", "0"]}),
        lambda image, _place: image.update({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}),
    ],
)
def test_senseless_geometry_is_refused(tmp_path: Path, voxels: np.ndarray, edit) -> None:
    assert "make no sense" in refusal(tmp_path, write_series(tmp_path, voxels, edit=edit))


def test_single_slice_has_its_depth_from_the_header(tmp_path: Path, voxels: np.ndarray) -> None:
    volume = read_series(scan(tmp_path, write_series(tmp_path, voxels[:, :, :1])))
    assert volume.spacing_mm[2] == 9.0
    assert "a single slice" in volume.remarks[0].text


# --- multi-frame --------------------------------------------------------------------------------


def test_multi_frame_image_is_read_as_the_series_is(tmp_path: Path, voxels: np.ndarray) -> None:
    file = tmp_path / "multi" / "enhanced.dcm"
    write_enhanced(file, voxels, Grid(OBLIQUE))
    [series] = find_series(tmp_path)
    assert (series.path, series.files, series.slices) == (file, (file,), 5)
    volume = read_series(series.scan)
    single = read_series(scan(tmp_path, write_series(tmp_path / "single", voxels, Grid(OBLIQUE))))
    np.testing.assert_array_equal(volume.data, single.data)
    np.testing.assert_allclose(volume.affine, single.affine, atol=1e-9)


def test_each_frame_has_its_own_slope(tmp_path: Path, voxels: np.ndarray) -> None:
    slopes = [0.5, 1.0, 2.0, 2.5, 3.0]
    write_enhanced(tmp_path / "enhanced.dcm", voxels, slopes=slopes)
    volume = read_series(find_series(tmp_path)[0].scan)
    np.testing.assert_array_equal(volume.data[0], voxels * np.array(slopes))


def test_multi_frame_images_of_one_series_are_volumes_of_their_own(
    tmp_path: Path, voxels: np.ndarray
) -> None:
    for name in ("1.dcm", "2.dcm"):
        write_enhanced(tmp_path / name, voxels)
    assert [series.path.name for series in find_series(tmp_path)] == ["1.dcm", "2.dcm"]


def test_frames_at_one_place_are_refused(tmp_path: Path, voxels: np.ndarray) -> None:
    write_enhanced(tmp_path / "enhanced.dcm", voxels, Grid(jitter_mm={2: -2.0}))
    message = refusal(tmp_path / "enhanced.dcm", [tmp_path / "enhanced.dcm"])
    assert "frames 4 and 3" in message or "frames 3 and 4" in message


# --- what a folder holds ------------------------------------------------------------------------


def test_series_are_told_apart_and_sorted_whatever_the_names(
    tmp_path: Path, voxels: np.ndarray
) -> None:
    late = Study(series="b", number=7, description="Thorax")
    first = write_series(tmp_path / "x" / "y", voxels, name="IM{scrambled}")
    second = write_series(tmp_path / "x" / "y", voxels, study=late, name="IM_{scrambled}.ima")
    found = find_series(tmp_path)
    assert [series.files for series in found] == [tuple(first), tuple(second)]
    assert [str(series) for series in found] == [
        "CT 'Abdomen 5.0' (series 3, 5 slices)",
        "CT 'Thorax' (series 7, 5 slices)",
    ]
    assert found[0].uid == uid("series")
    assert found[0].path == tmp_path / "x" / "y"


def test_preamble_may_be_missing(tmp_path: Path, voxels: np.ndarray) -> None:
    files = write_series(tmp_path, voxels)
    for file in files:
        content = file.read_bytes()
        # The group length comes first in the meta information and tells where the image starts.
        meta = int.from_bytes(content[140:144], "little")
        file.write_bytes(content[144 + meta :])
    [series] = find_series(tmp_path)
    np.testing.assert_array_equal(read_series(series.scan).data[0], voxels)
