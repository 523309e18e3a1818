"""MetaImage and NRRD files give the same volumes as NIfTI, and bad ones are named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - as its own documentation does

from medaug.errors import InputError
from medaug.io.itk import read_itk
from medaug.io.volume import read_volume

SHAPE = (5, 4, 3)
ENDINGS = (".mha", ".mhd", ".nrrd")

# ITK's x runs to the left and y to the back; NIfTI's to the right and to the front.
AFFINE = np.array(
    [[0.0, -1.5, 0.0, -10.0], [-0.5, 0.0, 0.0, 20.0], [0.0, 0.0, 3.0, 30.0], [0.0, 0.0, 0.0, 1.0]]
)


def ramp(dtype: str = "int16") -> np.ndarray:
    return np.arange(np.prod(SHAPE)).reshape(SHAPE).astype(dtype)


def itk_image(channels: list[np.ndarray]) -> sitk.Image:
    """An image in the place of `AFFINE`: I runs to the back, J to the left."""
    stored = np.stack(channels, axis=-1).transpose(2, 1, 0, 3)  # ITK: [K, J, I, C]
    image = sitk.GetImageFromArray(stored, isVector=True)
    if len(channels) == 1:
        image = sitk.VectorIndexSelectionCast(image, 0)
    image.SetSpacing((0.5, 1.5, 3.0))
    image.SetOrigin((10.0, -20.0, 30.0))
    image.SetDirection((0, 1, 0, 1, 0, 0, 0, 0, 1))
    return image


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
@pytest.mark.parametrize("compress", [False, True])
def test_voxels_dtype_and_place_are_read(
    tmp_path: Path, ending: str, dtype: str, compress: bool
) -> None:
    path = tmp_path / f"M\u00fcller 1{ending}"
    sitk.WriteImage(itk_image([ramp(dtype)]), path, useCompression=compress)
    volume = read_itk(path)
    assert volume.data.dtype == dtype
    assert volume.data.flags.c_contiguous
    np.testing.assert_array_equal(volume.data, ramp(dtype)[np.newaxis])
    np.testing.assert_allclose(volume.affine, AFFINE, atol=1e-12)
    assert volume.header is None


@pytest.mark.parametrize("ending", ENDINGS)
def test_values_of_a_voxel_become_channels(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"scan{ending}"
    sitk.WriteImage(itk_image([ramp(), -ramp(), ramp() * 2]), path)
    np.testing.assert_array_equal(read_itk(path).data, np.stack([ramp(), -ramp(), ramp() * 2]))


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_same_scan_as_nifti_is_in_the_same_place(tmp_path: Path, ending: str) -> None:
    for name in ("scan.nii", f"scan{ending}"):
        sitk.WriteImage(itk_image([ramp()]), tmp_path / name)
    nifti, other = read_volume(tmp_path / "scan.nii"), read_itk(tmp_path / f"scan{ending}")
    np.testing.assert_array_equal(nifti.data, other.data)
    np.testing.assert_allclose(nifti.affine, other.affine, atol=1e-5)


def test_nrrd_in_a_world_that_runs_to_the_right(tmp_path: Path) -> None:
    path = tmp_path / "scan.nrrd"
    sitk.WriteImage(itk_image([ramp()]), path)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"left-posterior-superior", b"right-anterior-superior"))
    expected = np.diag([-1.0, -1.0, 1.0, 1.0]) @ AFFINE
    np.testing.assert_allclose(read_itk(path).affine, expected, atol=1e-12)


# --- bad files --------------------------------------------------------------------------------


def with_spacing(content: bytes, text: bytes) -> bytes:
    meta = content.replace(b"ElementSpacing = 0.5", b"ElementSpacing = " + text)
    return meta.replace(b"(0,0.5,0)", b"(0," + text + b",0)")


BAD: dict[str, Callable[[bytes], bytes]] = {
    "zero bytes": lambda _: b"",
    "another format": lambda _: b"This is a letter, not a scan. " * 40,
    "truncated voxels": lambda content: content[:-20],
    "truncated header": lambda content: content[:60],
    "more voxels stated": lambda content: content.replace(b"5 4 3", b"5 4 4"),
    "no spacing": lambda content: with_spacing(content, b"0"),
    "spacing NaN": lambda content: with_spacing(content, b"nan"),
}


@pytest.mark.parametrize("ending", [".mha", ".nrrd"])
@pytest.mark.parametrize("kind", BAD)
def test_bad_file_is_named_in_one_line_and_nothing_else_is_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], ending: str, kind: str
) -> None:
    path = tmp_path / f"case_07{ending}"
    sitk.WriteImage(itk_image([ramp()]), path, useCompression=False)
    path.write_bytes(BAD[kind](path.read_bytes()))
    capfd.readouterr()
    with pytest.raises(InputError) as caught:
        read_itk(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert len(message.splitlines()) == 1
    assert ("is empty" if kind == "zero bytes" else f"not a valid {ending} file") in message
    assert message.endswith("again.")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("ending", [".mha", ".nrrd"])
def test_damaged_compressed_voxels_are_named(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"scan{ending}"
    sitk.WriteImage(itk_image([ramp()]), path, useCompression=True)
    path.write_bytes(path.read_bytes()[:-25])
    with pytest.raises(InputError, match="not a valid"):
        read_itk(path)


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.mha: no such file"):
        read_itk(tmp_path / "gone.mha")
    sitk.WriteImage(itk_image([ramp()]), tmp_path / "scan.mhd")
    (tmp_path / "scan.raw").unlink()
    with pytest.raises(InputError, match="the file of voxels that it names is missing"):
        read_itk(tmp_path / "scan.mhd")
    with pytest.raises(InputError, match="cannot read"):
        read_itk(tmp_path)


DETACHED = {
    ".mha": "NDims = 3\nDimSize = 5 4 3\nElementType = MET_SHORT\nElementDataFile = {}\n",
    ".nrrd": "NRRD0004\ntype: short\ndimension: 3\nsizes: 5 4 3\nendian: little\n"
    "encoding: raw\ndata file: {}\n\n",
}


@pytest.mark.parametrize("ending", DETACHED)
def test_voxels_are_never_taken_from_another_folder(tmp_path: Path, ending: str) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    for place in (tmp_path, folder):
        ramp().transpose(2, 1, 0).tofile(place / "voxels.raw")
    (folder / "link.raw").symlink_to(tmp_path / "voxels.raw")
    path = folder / f"scan{ending}"
    for name in ("../voxels.raw", str(tmp_path / "voxels.raw"), "link.raw", "LIST"):
        path.write_text(DETACHED[ending].format(name))
        with pytest.raises(InputError) as caught:
            read_itk(path)
        assert str(caught.value) == (
            f"{path}: its voxels are in {name}, not in one file beside it; save the scan as one "
            ".mha or .nrrd file."
        )
    path.write_text(DETACHED[ending].format("voxels.raw"))
    np.testing.assert_array_equal(read_itk(path).data[0], ramp())


@pytest.mark.parametrize("ending", ENDINGS)
def test_other_ranks_are_refused(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"scan{ending}"
    sitk.WriteImage(sitk.Image([6, 5], sitk.sitkUInt8), path)
    with pytest.raises(InputError, match="expected a volume of 3 axes, but the shape is 6 x 5"):
        read_itk(path)


def test_complex_voxels_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "scan.nrrd"  # MetaImage does not tell a complex number from two channels
    sitk.WriteImage(sitk.Image([6, 5, 4], sitk.sitkComplexFloat32), path)
    with pytest.raises(InputError, match="not real numbers"):
        read_itk(path)
