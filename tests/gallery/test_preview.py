"""A preview shows the original and its copies at one place, in files that need no others."""

from __future__ import annotations

import re
from io import BytesIO

import numpy as np
import pytest
from matplotlib.image import imread

from medaug.errors import InputError
from medaug.gallery.preview import load_scan, make_preview
from medaug.gallery.preview_files import check_name, preview_page, preview_png, write_preview
from medaug.io.volume import write_volume
from medaug.policy import policy_path
from medaug.preprocessing.augmentation import Pair
from medaug.preprocessing.records import Recipe

#: Voxels along the axes, 1, 1 and 2 mm apart.
SHAPE = (40, 48, 30)
TURNED = (
    "- {_target_: medaug.transforms.RandSpatiald, keys: [image, label], mode: [linear, vote],"
    " flip_prob: [1, 0, 0]}"
)


def recipe(policy: str = TURNED, name: str = "mine") -> Recipe:
    return Recipe(policy_name=name, policy=policy, seed=1)


@pytest.fixture
def pair(rng):
    image = rng.normal(100, 20, (1, *SHAPE)).astype(np.float32)
    label = np.zeros((1, *SHAPE), np.uint8)
    label[:, 5:12, 10:30, 10:20] = 1
    label[:, 8:12, 15:25, 12:18] = 2
    label[:, 10, 5:35, 15], label[:, 3:16, 20, 15], label[:, 10, 20, 5:25] = 2, 2, 2
    return Pair(image, label, np.diag([1.0, 1, 2, 1]))


def test_all_rows_are_the_same_place_in_the_same_greys(pair):
    preview = make_preview(pair, "scan", recipe(), copies=2)
    assert [caption for caption, _ in preview.rows] == [
        "original", "1: mirrored along I", "2: mirrored along I",
    ]  # fmt: skip
    assert [plane.view for plane in preview.planes] == ["axial", "coronal", "sagittal"]
    assert [plane.at for plane in preview.planes] == [15, 20, 10]
    original, copy = preview.rows[0][1], preview.rows[1][1]
    assert abs(original.image.mean()) < 1e-5
    assert original.image.std() == pytest.approx(1, rel=1e-4)
    np.testing.assert_array_equal(copy.label, original.label[:, ::-1])
    assert preview.window == tuple(np.percentile(original.image, (0.5, 99.8)))


def test_a_policy_for_ct_gets_hounsfield_units(pair):
    ct = recipe(policy_path("ct").read_text(), "ct")
    preview = make_preview(pair, "scan", ct, copies=1)
    assert preview.rows[0][1].image is pair.image
    assert preview.window == (-160, 240)
    assert "no CT" in preview.remark
    air = Pair(pair.image - 1000, pair.label, pair.affine)
    assert make_preview(air, "scan", ct, copies=1).remark == ""


def test_a_patch_is_shown_where_it_was_in_the_original(pair):
    crop = "- {_target_: monai.transforms.CenterSpatialCropd, keys: [image, label], roi_size: 20}"
    preview = make_preview(pair, "scan", recipe(crop), copies=1)
    assert preview.rows[1][1].image.shape == (1, 20, 20, 20)
    assert preview_png(preview)


def test_a_millimetre_is_as_long_in_all_planes(pair):
    """Axial 48 x 40 mm, coronal 60 x 40 mm and sagittal 60 x 48 mm share a width of 8.76 inch."""
    bright = Pair(pair.image, pair.label * 0, pair.affine)
    preview = make_preview(bright, "scan", recipe("[]"), copies=1)
    seen = imread(BytesIO(preview_png(preview)))[..., :3]
    pixels_per_mm = 876 / 128
    top = 45 + 32  # of the first row of pictures
    middle = top + int(30 * pixels_per_mm)
    inked = (seen[middle - 20 : middle + 20].min(axis=-1) < 0.99).mean(axis=0) > 0.5
    starts, ends = np.flatnonzero(np.diff(inked.astype(int))).reshape(-1, 2).T
    np.testing.assert_allclose((ends - starts) / pixels_per_mm, [40, 40, 48], atol=0.3)
    row = seen[top : top + int(60 * pixels_per_mm) + 1]
    for start, end, height_mm in zip(starts, ends, (48, 60, 60), strict=True):
        inked = (row[:, start + 3 : end - 3].min(axis=-1) < 0.99).mean(axis=1) > 0.5
        assert inked.sum() / pixels_per_mm == pytest.approx(height_mm, abs=0.4)
    assert "grid-template-columns: 40fr 40fr 48fr" in preview_page(preview)


def test_the_page_loads_nothing_and_names_what_it_shows(pair):
    page = preview_page(make_preview(pair, "<b>scan", recipe(), copies=2))
    sources = re.findall(r'src="([^"]{0,30})', page)
    assert len(sources) == 9
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert "://" not in page
    assert "&lt;b&gt;scan under policy mine, seed 1" in page
    assert "2: mirrored along I" in page
    assert page.count('class="key"') == 2
    assert "prefers-color-scheme: dark" in page


def test_the_same_seed_gives_the_same_files_and_another_does_not(pair, tmp_path):
    noise = "- {_target_: medaug.transforms.RandGaussianNoised, keys: image, prob: 1, std: 1}"
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        asked = recipe(noise).model_copy(update={"seed": seed})
        write_preview(make_preview(pair, "scan", asked, copies=1), tmp_path / f"{name}.png")
    one, same, other = (path.read_bytes() for path in sorted(tmp_path.iterdir()))
    assert one == same != other


def test_a_channel_and_a_label_are_read(tmp_path, pair):
    image = np.concatenate([pair.image, pair.image + 7])
    write_volume(tmp_path / "scan.nii.gz", image, pair.affine)
    write_volume(tmp_path / "label.nii.gz", pair.label, pair.affine)
    scan = load_scan(tmp_path / "scan.nii.gz", tmp_path / "label.nii.gz", channel=1)
    np.testing.assert_array_equal(scan.image, image[1:])
    np.testing.assert_array_equal(scan.label, pair.label)
    assert not load_scan(tmp_path / "scan.nii.gz").label.any()
    with pytest.raises(InputError, match=r"has 2 channels; there is no channel 2"):
        load_scan(tmp_path / "scan.nii.gz", channel=2)


def test_what_cannot_be_shown_is_named(tmp_path, pair):
    constant = Pair(pair.image * 0, pair.label, pair.affine)
    with pytest.raises(InputError, match="scan: channel 0 is constant"):
        make_preview(constant, "scan", recipe(), copies=1)
    with pytest.raises(InputError, match=r"\.jpg: must end in \.png or \.html"):
        check_name(tmp_path / "out.jpg")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds 0 DICOM series"):
        load_scan(tmp_path / "empty")
    preview = make_preview(pair, "scan", recipe("[]"), copies=1)
    with pytest.raises(InputError, match="cannot be written"):
        write_preview(preview, tmp_path / "gone" / "out.png")
    image = pair.image.copy()
    image[0, 0, 0, 0] = np.nan
    write_volume(tmp_path / "nan.nii", image, pair.affine)
    with pytest.raises(InputError, match=r"nan\.nii: has voxels that are not finite"):
        load_scan(tmp_path / "nan.nii")
