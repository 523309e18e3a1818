"""Volumes survive a round trip, and each kind of bad file is named with its remedy."""

from __future__ import annotations

import errno
import gzip
import os
import tracemalloc
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scan_folders import unprivileged

from medaug.errors import InputError
from medaug.io import nifti_voxels
from medaug.io.nifti_header import Geometry
from medaug.io.orientation import reorient
from medaug.io.volume import read_volume, write_volume

SHAPE = (5, 4, 3)
AFFINE = np.array(
    [[0.0, -1.5, 0.0, 90.0], [0.75, 0.0, 0.0, -12.5], [0.0, 0.0, 3.0, 7.0], [0.0, 0.0, 0.0, 1.0]]
)


def ramp(shape: tuple[int, ...] = SHAPE, dtype: str = "int16") -> np.ndarray:
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


def nifti_bytes(data: np.ndarray | None = None, **fields: object) -> bytearray:
    """A valid NIfTI-1 file, with some header fields overwritten behind nibabel's back."""
    image = nib.Nifti1Image(ramp() if data is None else data, AFFINE)
    content = bytearray(image.to_bytes())
    header = np.ndarray((), nib.nifti1.header_dtype, content)
    for name, value in fields.items():
        header[name] = value
    return content


# --- what is read is what was written ---------------------------------------------------------


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "float32", "float64"])
def test_round_trip_keeps_voxels_dtype_and_affine(tmp_path: Path, name: str, dtype: str) -> None:
    write_volume(tmp_path / name, ramp((2, *SHAPE), dtype), AFFINE)
    volume = read_volume(tmp_path / name)
    assert volume.data.dtype == dtype
    np.testing.assert_array_equal(volume.data, ramp((2, *SHAPE), dtype))
    np.testing.assert_array_equal(volume.affine, AFFINE)
    assert volume.affine.dtype == np.float64


def test_three_axes_become_one_channel_and_one_channel_is_stored_as_three_axes(
    tmp_path: Path,
) -> None:
    path = tmp_path / "scan.nii.gz"
    write_volume(path, ramp(), AFFINE)
    np.testing.assert_array_equal(read_volume(path).data, ramp()[np.newaxis])
    write_volume(path, ramp()[np.newaxis], AFFINE)
    assert nib.load(path).shape == SHAPE


def test_last_axis_of_a_file_becomes_the_channels(tmp_path: Path) -> None:
    stored = ramp((*SHAPE, 2))
    nib.save(nib.Nifti1Image(stored, AFFINE), tmp_path / "scan.nii")
    data = read_volume(tmp_path / "scan.nii").data
    np.testing.assert_array_equal(data[1], stored[..., 1])
    assert data.flags.c_contiguous


@pytest.mark.parametrize(("dtype", "stored"), [("bool", "uint8"), ("float16", "float32")])
def test_types_that_nifti_lacks_are_widened(tmp_path: Path, dtype: str, stored: str) -> None:
    path = tmp_path / "scan.nii"
    write_volume(path, ramp(dtype=dtype), AFFINE)
    data = read_volume(path).data
    assert data.dtype == stored
    np.testing.assert_array_equal(data[0], ramp(dtype=dtype))


def test_spacing_is_the_length_of_the_affine_columns(tmp_path: Path) -> None:
    write_volume(tmp_path / "scan.nii", ramp(), AFFINE)
    assert read_volume(tmp_path / "scan.nii").spacing_mm == (0.75, 1.5, 3.0)


def test_scaled_voxels_are_read_as_float32(tmp_path: Path) -> None:
    (tmp_path / "scan.nii").write_bytes(nifti_bytes(scl_slope=0.5, scl_inter=-3.0))
    data = read_volume(tmp_path / "scan.nii").data
    assert data.dtype == np.float32
    np.testing.assert_array_equal(data[0], ramp() * 0.5 - 3.0)


def test_big_endian_and_nifti_2_files_come_out_native(tmp_path: Path) -> None:
    header = nib.Nifti2Header(endianness=">")
    header.set_data_dtype(np.dtype(">i2"))
    nib.save(nib.Nifti2Image(ramp(), AFFINE, header), tmp_path / "scan.nii")
    data = read_volume(tmp_path / "scan.nii").data
    assert data.dtype == np.int16
    assert data.dtype.isnative
    np.testing.assert_array_equal(data[0], ramp())


def test_compression_is_recognised_by_content(tmp_path: Path) -> None:
    (tmp_path / "packed.nii").write_bytes(gzip.compress(nifti_bytes()))
    (tmp_path / "plain.nii.gz").write_bytes(nifti_bytes())
    for name in ("packed.nii", "plain.nii.gz"):
        np.testing.assert_array_equal(read_volume(tmp_path / name).data[0], ramp())


def test_writing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_volume(tmp_path / folder / "scan.nii.gz", ramp(), AFFINE)
    first, second = ((tmp_path / folder / "scan.nii.gz").read_bytes() for folder in ("a", "b"))
    assert first == second


def test_real_scans_of_both_exports_are_read(hippocampus: Path) -> None:
    dtypes = {
        read_volume(path).data.dtype.name
        for path in sorted((hippocampus / "imagesTr").glob("*.nii.gz"))[:20]
    }
    assert dtypes == {"uint8", "float32"}


def test_header_trifles_are_not_remarked_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    content = nifti_bytes(vox_offset=360)  # nibabel logs that this is no multiple of 16
    (tmp_path / "scan.nii").write_bytes(content[:352] + bytes(8) + content[352:])
    np.testing.assert_array_equal(read_volume(tmp_path / "scan.nii").data[0], ramp())
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


def test_trailing_axes_of_length_one_are_dropped(tmp_path: Path) -> None:
    for axes in ((1,), (1, 1), (2, 1)):
        stored = ramp((*SHAPE, *axes))
        nib.save(nib.Nifti1Image(stored, AFFINE), tmp_path / "scan.nii")
        data = read_volume(tmp_path / "scan.nii").data
        assert data.shape == (axes[0], *SHAPE)
        np.testing.assert_array_equal(data[-1], stored.reshape((*SHAPE, axes[0]))[..., -1])


def test_large_scans_are_read_in_slabs_of_whole_planes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_volume(tmp_path / "scan.nii.gz", ramp((2, 5, 4, 7)), AFFINE)
    for slab in (1, 2 * 5 * 4 * 2, 3 * 5 * 4 * 2 + 1, 1 << 20):
        monkeypatch.setattr(nifti_voxels, "_SLAB_BYTES", slab)
        np.testing.assert_array_equal(
            read_volume(tmp_path / "scan.nii.gz").data, ramp((2, 5, 4, 7))
        )


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz"])
def test_reading_needs_little_memory_beyond_the_voxels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(nifti_voxels, "_SLAB_BYTES", 1 << 20)
    voxels = np.zeros((128, 128, 256), np.int16)
    write_volume(tmp_path / name, voxels, AFFINE)
    tracemalloc.start()
    read_volume(tmp_path / name)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert voxels.nbytes < peak < 1.7 * voxels.nbytes


# --- which affine -----------------------------------------------------------------------------


def two_affines(path: Path, sform: np.ndarray, qform: np.ndarray, codes: tuple[int, int]) -> None:
    image = nib.Nifti1Image(ramp(), None)
    image.set_sform(sform, codes[0])
    image.set_qform(qform, codes[1])
    nib.save(image, path)


def moved(x_mm: float) -> np.ndarray:
    return AFFINE + x_mm * np.eye(4, k=3)


def test_sform_and_qform_that_disagree_need_a_choice(tmp_path: Path) -> None:
    path = tmp_path / "scan.nii"
    two_affines(path, AFFINE, moved(4.0), (1, 1))
    with pytest.raises(InputError) as caught:
        read_volume(path)
    assert str(caught.value) == (
        f"{path}: the sform and the qform of the header disagree, by up to 4 mm; say which one is "
        "right (`geometry: sform` or `geometry: qform` in the configuration) or correct the header."
    )
    np.testing.assert_allclose(read_volume(path, geometry="sform").affine, AFFINE, atol=1e-5)
    np.testing.assert_allclose(read_volume(path, geometry="qform").affine, moved(4.0), atol=1e-5)


@pytest.mark.parametrize(("apart", "refused"), [(0.07, False), (0.08, True)])
def test_they_may_differ_by_a_tenth_of_the_finest_axis(
    tmp_path: Path, apart: float, refused: bool
) -> None:
    two_affines(tmp_path / "scan.nii", AFFINE, moved(apart), (1, 1))  # the finest axis: 0.75 mm
    with pytest.raises(InputError) if refused else nullcontext():
        read_volume(tmp_path / "scan.nii")


@pytest.mark.parametrize("geometry", [None, "sform", "qform"])
def test_an_affine_whose_code_is_not_set_does_not_count(tmp_path: Path, geometry: Any) -> None:
    path = tmp_path / "scan.nii"
    two_affines(path, AFFINE, moved(4.0), (2, 0))
    np.testing.assert_allclose(read_volume(path, geometry=geometry).affine, AFFINE, atol=1e-5)
    two_affines(path, AFFINE, moved(4.0), (0, 1))
    np.testing.assert_allclose(read_volume(path, geometry=geometry).affine, moved(4.0), atol=1e-5)


# --- what is written --------------------------------------------------------------------------


def test_header_of_another_volume_is_kept(tmp_path: Path) -> None:
    image = nib.Nifti1Image(ramp(dtype="uint8"), AFFINE)
    image.set_sform(AFFINE, "mni")
    image.set_qform(AFFINE, "scanner")
    header = image.header
    header["descrip"], header["cal_max"] = b"T1w of 2019", 200
    header.set_xyzt_units("mm", "msec")
    header.set_dim_info(0, 1, 2)
    header.set_slope_inter(2, 5)
    nib.save(image, tmp_path / "original.nii")
    like = read_volume(tmp_path / "original.nii")
    path = tmp_path / "new.nii.gz"
    write_volume(path, ramp(dtype="float32"), AFFINE, like=like)
    kept = read_volume(path)
    np.testing.assert_array_equal(kept.data[0], ramp(dtype="float32"))
    np.testing.assert_array_equal(kept.affine, AFFINE)
    assert kept.header["descrip"].item() == b"T1w of 2019"
    assert kept.header.get_xyzt_units() == ("mm", "msec")
    assert (kept.header["sform_code"], kept.header["qform_code"]) == (4, 1)
    assert kept.header.get_dim_info() == (0, 1, 2)
    assert kept.header["cal_max"] == 0


def test_on_another_grid_the_order_of_acquisition_is_dropped(tmp_path: Path) -> None:
    image = nib.Nifti1Image(ramp(), AFFINE)
    image.header.set_dim_info(0, 1, 2)
    nib.save(image, tmp_path / "original.nii")
    like = read_volume(tmp_path / "original.nii")
    write_volume(tmp_path / "new.nii", ramp((7, 8, 9)), moved(9), like=like)
    written = read_volume(tmp_path / "new.nii")
    assert written.header.get_dim_info() == (None, None, None)
    np.testing.assert_array_equal(written.affine, moved(9))


@pytest.mark.parametrize("axes", ["PIR", "LAS"])
def test_on_turned_axes_the_order_of_acquisition_is_dropped(tmp_path: Path, axes: str) -> None:
    image = nib.Nifti1Image(ramp(), AFFINE)
    image.header.set_dim_info(0, 1, 2)
    nib.save(image, tmp_path / "original.nii")
    turned = reorient(read_volume(tmp_path / "original.nii"), axes)
    write_volume(tmp_path / "new.nii", turned.data, turned.affine, like=turned)
    assert read_volume(tmp_path / "new.nii").header.get_dim_info() == (None, None, None)


@pytest.mark.parametrize(("geometry", "code"), [("sform", 4), ("qform", 1)])
def test_the_affine_that_is_believed_says_what_coordinates_refer_to(
    tmp_path: Path, geometry: Geometry, code: int
) -> None:
    path = tmp_path / "scan.nii"
    two_affines(path, AFFINE, moved(4.0), (4, 1))
    like = read_volume(path, geometry=geometry)
    write_volume(tmp_path / "new.nii", like.data, like.affine, like=like)
    written = read_volume(tmp_path / "new.nii")
    np.testing.assert_allclose(written.affine, like.affine, atol=1e-5)
    assert (written.header["sform_code"], written.header["qform_code"]) == (code, code)


def test_kind_and_byte_order_of_the_header_are_kept(tmp_path: Path) -> None:
    header = nib.Nifti2Header(endianness=">")
    nib.save(nib.Nifti2Image(ramp(), AFFINE, header), tmp_path / "original.nii")
    like = read_volume(tmp_path / "original.nii")
    write_volume(tmp_path / "new.nii", ramp((2, *SHAPE), "float32"), AFFINE, like=like)
    written = read_volume(tmp_path / "new.nii")
    assert isinstance(written.header, nib.Nifti2Header)
    assert written.header.endianness == ">"
    np.testing.assert_array_equal(written.data, ramp((2, *SHAPE), "float32"))


def test_sheared_affine_is_in_the_sform_alone(tmp_path: Path) -> None:
    sheared = AFFINE.copy()
    sheared[0, 2] = 1.5
    write_volume(tmp_path / "scan.nii", ramp(), sheared)
    volume = read_volume(tmp_path / "scan.nii")
    np.testing.assert_array_equal(volume.affine, sheared)
    assert volume.header["qform_code"] == 0
    write_volume(tmp_path / "scan.nii", ramp(), AFFINE)
    assert read_volume(tmp_path / "scan.nii").header["qform_code"] == 2


def test_compressed_file_tells_neither_time_nor_name(tmp_path: Path) -> None:
    write_volume(tmp_path / "scan.nii.gz", ramp(), AFFINE)
    content = (tmp_path / "scan.nii.gz").read_bytes()
    assert content[3:8] == bytes(5)  # flags, none of which is FNAME, and the time
    assert [path.name for path in tmp_path.iterdir()] == ["scan.nii.gz"]


def test_failed_write_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "scan.nii"
    write_volume(path, ramp(), AFFINE)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError) as caught:
        write_volume(path, ramp() + 1, AFFINE)
    assert str(caught.value).startswith(f"{path}: cannot write (No space left on device);")
    np.testing.assert_array_equal(read_volume(path).data[0], ramp())
    assert [file.name for file in tmp_path.iterdir()] == ["scan.nii"]


# --- bad files --------------------------------------------------------------------------------


def not_nifti() -> bytes:
    return b"This is a letter, not a scan. " * 40


def flipped(content: bytes, position: int) -> bytes:
    changed = bytearray(content)
    changed[position] ^= 0xFF
    return bytes(changed)


BAD_FILES = {
    "zero bytes": (b"", "the file is empty"),
    "no NIfTI": (not_nifti(), "not a NIfTI file"),
    "compressed, no NIfTI": (gzip.compress(not_nifti()), "not a NIfTI file"),
    "shorter than a header": (nifti_bytes()[:200], "not a NIfTI file"),
    "wrong magic": (nifti_bytes(magic=b"xyz"), "not a NIfTI file"),
    "header of a pair of files": (nifti_bytes(magic=b"ni1"), "not a NIfTI file"),
    "truncated data": (nifti_bytes()[:-7], "truncated or damaged"),
    "more data than the shape": (nifti_bytes() + b"\0\0", "truncated or damaged"),
    "shape too large": (nifti_bytes(dim=[3, 5, 4, 4, 1, 1, 1, 1]), "5 x 4 x 4 voxels of int16"),
    "shape beyond any memory, compressed": (
        gzip.compress(nifti_bytes(dim=[3, 32767, 32767, 32767, 1, 1, 1, 1])),
        "but the file holds 472;",
    ),
    "compressed, shape too large": (
        gzip.compress(nifti_bytes(dim=[3, 5, 4, 4, 1, 1, 1, 1])),
        "but the file holds 472;",
    ),
    "compressed, more data than the shape": (
        gzip.compress(nifti_bytes() + b"\0\0"),
        "but the file holds 474;",
    ),
    "damaged checksum": (flipped(gzip.compress(nifti_bytes()), -6), "truncated or damaged"),
    "shape beyond any memory": (nifti_bytes(dim=[3, 32767, 32767, 32767, 1, 1, 1, 1]), "32767 x"),
    "shape of zero": (nifti_bytes(dim=[3, 0, 4, 3, 1, 1, 1, 1]), "0 x 4 x 3"),
    "truncated gzip": (gzip.compress(nifti_bytes())[:-20], "compressed file is truncated"),
    "gzip without its end": (gzip.compress(nifti_bytes())[:-4], "compressed file is truncated"),
    "damaged gzip": (flipped(gzip.compress(nifti_bytes()), 40), "truncated or damaged"),
    "two axes": (nifti_bytes(ramp((5, 4))), "expected a volume of 3 axes"),
    "five axes": (nifti_bytes(ramp((5, 4, 3, 1, 2))), "expected a volume of 3 axes"),
    "complex voxels": (nifti_bytes(ramp(dtype="complex64")), "not real numbers"),
    "colour voxels": (nifti_bytes(datatype=128, bitpix=24), "not real numbers"),
    "unknown voxel type": (nifti_bytes(datatype=77), "header is damaged"),
    "data offset not a number": (nifti_bytes(vox_offset=np.nan), "header is damaged"),
    "data offset negative": (nifti_bytes(vox_offset=-600), "header is damaged"),
    "scaling infinite": (nifti_bytes(scl_slope=2, scl_inter=np.inf), "header is damaged"),
    "affine NaN": (nifti_bytes(srow_x=[np.nan, 0, 0, 0]), "NaN or infinite"),
    "affine infinite": (nifti_bytes(srow_z=[0, 0, 1, np.inf]), "NaN or infinite"),
    "affine with a zero axis": (nifti_bytes(srow_z=[0, 0, 0, 4]), "singular"),
    "affine with parallel axes": (
        nifti_bytes(srow_x=[1, 1, 0, 0], srow_y=[1, 1, 0, 0]),
        "singular",
    ),
    "quaternion out of range": (nifti_bytes(sform_code=0, qform_code=1, quatern_b=9), "damaged"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_bad_file_is_named_with_its_problem(tmp_path: Path, kind: str) -> None:
    content, problem = BAD_FILES[kind]
    path = tmp_path / "case_07.nii.gz"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_volume(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert problem in message
    assert len(message.splitlines()) == 1


def test_missing_file_and_folder_in_place_of_a_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.nii: no such file"):
        read_volume(tmp_path / "gone.nii")
    with pytest.raises(InputError, match="cannot read"):
        read_volume(tmp_path)


def test_file_without_permission_is_named(tmp_path: Path) -> None:
    path = tmp_path / "scan.nii.gz"
    write_volume(path, ramp(), AFFINE)
    path.chmod(0)
    with unprivileged(path), pytest.raises(InputError) as caught:
        read_volume(path)
    assert str(caught.value) == (
        f"{path}: cannot read (Permission denied); check the file and its permissions."
    )


@given(keep=st.integers(0, len(gzip.compress(nifti_bytes())) - 1))
def test_no_truncation_of_a_compressed_file_goes_unnoticed(
    tmp_path_factory: pytest.TempPathFactory, keep: int
) -> None:
    path = tmp_path_factory.mktemp("cut") / "scan.nii.gz"
    path.write_bytes(gzip.compress(nifti_bytes(), mtime=0)[:keep])
    with pytest.raises(InputError):
        read_volume(path)


def test_unknown_ending_and_missing_folder_are_refused_on_writing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"scan\.img: .* \.nii"):
        write_volume(tmp_path / "scan.img", ramp(), AFFINE)
    with pytest.raises(InputError, match="cannot write"):
        write_volume(tmp_path / "nowhere" / "scan.nii", ramp(), AFFINE)
    with pytest.raises(ValueError, match=r"\[I, J, K\]"):
        write_volume(tmp_path / "scan.nii", ramp((5, 4)), AFFINE)
