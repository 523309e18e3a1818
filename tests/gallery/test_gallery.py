"""A gallery shows every operation of the table, the right way up, in files that need no others."""

from __future__ import annotations

import re

import numpy as np
import pytest
from matplotlib.image import imread

from medaug.errors import InputError
from medaug.gallery import Subject, load_subject, make_gallery, phantom_subject
from medaug.gallery.exhibits import STRENGTHS, exhibits, original_view
from medaug.io.volume import write_volume
from medaug.policy import OPERATIONS

SHAPE = (34, 36, 38)


def make_subject(low: float = 0.0, shape: tuple[int, int, int] = SHAPE) -> Subject:
    """A ball with texture, and a label in it."""
    rng = np.random.default_rng(0)
    place = np.indices(shape) - np.reshape(shape, (3, 1, 1, 1)) / 2
    inside = np.sqrt((place**2).sum(axis=0)) < 0.4 * min(shape)
    image = np.where(inside, rng.normal(100, 20, shape), low).astype(np.float32)
    label = (inside & (place[0] > 2)).astype(np.int32)
    return Subject("ball", image[None], label[None], np.eye(4))


@pytest.fixture(scope="module")
def shown():
    return {exhibit.name: exhibit for exhibit in exhibits(make_subject(), 0)}


def test_every_operation_is_shown_at_every_strength(shown):
    assert list(shown) == list(OPERATIONS)
    original = original_view(make_subject()).image
    for exhibit in shown.values():
        assert len(exhibit.views) == len(STRENGTHS) == 3, exhibit.refusal
        for view in exhibit.views:
            assert view.image.shape == original.shape
            assert np.isfinite(view.image).all()
            assert (view.label is not None) == exhibit.operation.moves_voxels


def test_every_operation_changes_the_slice_at_full_strength(shown):
    subject = make_subject()
    for name, exhibit in shown.items():
        in_hu = exhibit.operation.suits == ("ct",)
        before = subject.picture(subject.in_hu if in_hu else subject.zscored)
        assert not np.array_equal(exhibit.views[-1].image, before), name


def test_more_strength_is_more_change(shown):
    before = original_view(make_subject()).image
    for name in ("contrast", "gaussian_noise", "bias_field", "ghosting", "blur"):
        changes = [np.abs(view.image - before).mean() for view in shown[name].views]
        assert changes == sorted(changes)
        assert changes[0] < 0.6 * changes[-1]


def test_the_outline_moves_with_the_label(shown):
    first, *_, last = shown["translate"].views
    assert first.label.any()
    assert not np.array_equal(first.label, last.label)


def test_the_seed_decides_what_is_drawn():
    def bits(seed: int) -> bytes:
        return next(exhibits(make_subject(), seed)).views[-1].image.tobytes()

    assert bits(3) == bits(3) != bits(4)


def test_an_operation_that_refuses_the_scan_says_why():
    small = make_subject(shape=(14, 16, 18))
    refused = {e.name: e.refusal for e in exhibits(small, 0) if not e.views}
    assert list(refused) == ["elastic"]
    assert "larger than the volume" in refused["elastic"]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_slice_is_axial_and_has_the_most_label(axis):
    order = [*range(axis), *range(axis + 1, 3)]
    affine = np.zeros((4, 4))
    affine[3, 3] = affine[2, axis] = 1
    affine[0, order[0]] = affine[1, order[1]] = 1
    label = np.zeros((1, *SHAPE), np.int32)
    slices = np.moveaxis(label[0], axis, 0)
    slices[3, :4], slices[5, :9], slices[7, :2] = 1, 1, 1
    subject = Subject("it", label.astype(np.float32), label, affine)
    assert (subject.plane.axis, subject.plane.at) == (axis, 5)
    assert Subject("it", subject.image, None, affine).plane.at == SHAPE[axis] // 2


def test_other_scans_are_stretched_for_operations_in_hu_and_ct_is_not():
    ct = make_subject(low=-1000.0)
    assert ct.is_ct
    assert ct.in_hu is ct.image
    stretched = make_subject().in_hu
    assert stretched.min() == -1000
    assert np.percentile(stretched, 99.5) == pytest.approx(400, rel=1e-3)


def test_the_files_are_whole_and_load_nothing(tmp_path):
    calls = []
    gallery = make_gallery(
        make_subject(), tmp_path / "a" / "b", on_operation=lambda *call: calls.append(call)
    )
    assert [name for name, *_ in calls] == list(OPERATIONS)
    assert calls[-1][1:] == (len(OPERATIONS), len(OPERATIONS))
    assert sorted(p.name for p in gallery.page.parent.iterdir()) == ["gallery.html", "gallery.png"]
    assert imread(gallery.sheet).shape[1] == 1650
    page = gallery.page.read_text(encoding="utf-8")
    sources = re.findall(r'src="([^"]{0,30})', page)
    assert len(sources) == 1 + 3 * len(OPERATIONS)
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert "://" not in page
    for name in OPERATIONS:
        assert f'<article id="{name}">' in page
    for family in {row.family for row in OPERATIONS.values()}:
        assert f'<section id="{family}">' in page
    assert "prefers-color-scheme: dark" in page


def test_the_same_scan_and_seed_give_the_same_files(tmp_path):
    pages = [
        make_gallery(make_subject(), tmp_path / name, seed=2).page.read_bytes() for name in "ab"
    ]
    assert pages[0] == pages[1]


def test_a_name_is_escaped(tmp_path):
    subject = make_subject()
    named = Subject("<b>&", subject.image, None, subject.affine)
    page = make_gallery(named, tmp_path).page.read_text(encoding="utf-8")
    assert "&lt;b&gt;&amp; under every operation" in page
    assert "Orange" not in page


def test_a_scan_is_read_cut_to_its_foreground_and_keeps_its_place(tmp_path):
    image = np.zeros((2, 30, 31, 32), np.int16)
    image[1, 12:15, 13:16, 14:17] = np.arange(27).reshape(3, 3, 3) + 1
    affine = np.diag([2.0, 2, 2, 1])
    write_volume(tmp_path / "scan.nii.gz", image, affine)
    write_volume(tmp_path / "label.nii.gz", (image[1:] > 20).astype(np.uint8), affine)
    subject = load_subject(tmp_path / "scan.nii.gz", tmp_path / "label.nii.gz", channel=1)
    assert subject.image.shape == subject.label.shape == (1, 19, 19, 19)
    assert subject.affine[:3, 3].tolist() == [8, 10, 12]
    np.testing.assert_array_equal(subject.image[0, 8:11, 8:11, 8:11], image[1, 12:15, 13:16, 14:17])
    np.testing.assert_array_equal(subject.label, subject.image > 20)


def test_the_phantom_has_a_label_in_its_slice():
    subject = phantom_subject()
    assert subject.picture(subject.label).any()
    assert subject.plane.axis == 2


def test_a_scan_that_cannot_be_shown_is_named(tmp_path):
    def written(name: str, data) -> str:
        path = str(tmp_path / name)
        write_volume(path, data, np.eye(4))
        return path

    good = written("good.nii", np.arange(8, dtype=np.float32).reshape(1, 2, 2, 2))
    with pytest.raises(InputError, match=r"good\.nii has 1 channels; there is no channel 1"):
        load_subject(good, channel=1)
    constant = written("constant.nii", np.ones((1, 2, 2, 2), np.float32))
    with pytest.raises(InputError, match=r"constant\.nii is constant"):
        load_subject(constant)
    with_nan = written("nan.nii", np.full((1, 2, 2, 2), np.nan, np.float32))
    with pytest.raises(InputError, match=r"nan\.nii has voxels that are not finite"):
        load_subject(with_nan)
    other = written("other.nii", np.ones((1, 2, 2, 3), np.uint8))
    with pytest.raises(InputError, match=r"other\.nii must have one channel on the grid"):
        load_subject(good, other)
    fractions = written("half.nii", np.full((1, 2, 2, 2), 0.5, np.float32))
    with pytest.raises(InputError, match=r"half\.nii must hold whole numbers"):
        load_subject(good, fractions)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot make the folder .*file"):
        make_gallery(make_subject(), tmp_path / "file")
