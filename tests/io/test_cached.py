"""The files of a cached case."""

from __future__ import annotations

import json

import numpy as np
import pytest

from medaug.errors import InputError
from medaug.io import cached
from medaug.io.cached import find_cached_cases, map_cached_case, write_cached_case

SHAPE = (9, 10, 11)
AFFINE = np.array([[0, 2.0, 0, -5], [1, 0, 0, 7], [0, 0, -3, 9], [0, 0, 0, 1]])


def write(folder, image, label=None):
    channels = [f"c{n}" for n in range(len(image))]
    return write_cached_case(
        folder, image, label, AFFINE, name="Fäll 1", patient="P", channels=channels
    )


@pytest.fixture
def image(rng):
    return rng.normal(size=(3, *SHAPE)).astype(np.float32)


@pytest.fixture
def label(rng):
    return rng.integers(0, 3, SHAPE).astype(np.uint8)


def test_a_case_comes_back(tmp_path, image, label):
    written = write(tmp_path / "a", image, label)
    case = map_cached_case(tmp_path / "a")
    assert case.facts == written
    assert case.facts.name == "Fäll 1"
    np.testing.assert_array_equal(case.facts.affine, AFFINE)
    np.testing.assert_array_equal(case.image, image.astype(np.float16))
    np.testing.assert_array_equal(case.label, label)
    assert case.label.dtype == np.uint8


def test_the_channels_of_a_voxel_lie_side_by_side(tmp_path, image):
    write(tmp_path, image)
    case = map_cached_case(tmp_path)
    assert case.image.strides[0] == case.image.itemsize
    assert isinstance(case.image, np.memmap)
    assert case.label is None


def test_what_half_precision_rounds_away_is_said(tmp_path, image):
    exact = np.round(image)
    mixed = np.concatenate([image, exact])
    rounding = write(tmp_path, mixed).rounding
    for channel, said in zip(mixed, rounding, strict=True):
        lost = channel - channel.astype(np.float16).astype(np.float32)
        assert said == pytest.approx(np.sqrt((lost**2).mean()) / channel.std(), rel=1e-5, abs=1e-12)
    assert 1e-5 < rounding[0] < 1e-3
    assert rounding[3:] == (0, 0, 0)


@pytest.mark.parametrize("change", [lambda x: x + 1000, lambda x: x * 1e5])
def test_half_precision_is_refused_where_it_would_matter(tmp_path, image, change):
    """Small differences on a large offset, and numbers beyond 65504."""
    changed = change(image)
    assert write(tmp_path, changed).rounding == (0, 0, 0)
    case = map_cached_case(tmp_path)
    assert case.image.dtype == np.float32
    np.testing.assert_array_equal(case.image, changed)


def test_whole_numbers_stay(tmp_path, rng):
    image = rng.integers(-3000, 3000, (2, *SHAPE)).astype(np.int16)
    write(tmp_path, image)
    case = map_cached_case(tmp_path)
    assert case.image.dtype == np.int16
    np.testing.assert_array_equal(case.image, image)


def test_places_are_all_voxels_of_each_value(tmp_path, image, label):
    label[label == 1] = 200
    facts = write(tmp_path, image, label)
    places = map_cached_case(tmp_path).places
    assert list(places) == [0, 2, 200]
    for value, flat in places.items():
        np.testing.assert_array_equal(flat, np.flatnonzero(label == value))
        assert facts.voxels[value] == (label == value).sum()


def test_of_many_voxels_a_random_part_is_written_down(tmp_path, image, label, monkeypatch):
    monkeypatch.setattr(cached, "MOST_PLACES", 100)
    label[:] = 0
    label[:2] = 1
    write(tmp_path, image, label)
    places = map_cached_case(tmp_path).places
    assert len(places[0]) == len(places[1]) == len(np.unique(places[0])) == 100
    assert set(label.ravel()[places[0]]) == {0}
    assert np.diff(places[0]).max() > 5  # not simply the first ones
    before = (tmp_path / "places.npy").read_bytes()
    write(tmp_path, image, label)
    assert (tmp_path / "places.npy").read_bytes() == before


def test_writing_to_the_arrays_changes_no_file(tmp_path, image):
    write(tmp_path, image)
    map_cached_case(tmp_path).image[:] = 9
    np.testing.assert_array_equal(map_cached_case(tmp_path).image, image.astype(np.float16))


def test_cases_are_found_by_their_record(tmp_path, image):
    for name in ("b", "a b"):
        write(tmp_path / name, image)
    write(tmp_path / "c", image)
    (tmp_path / "c" / "case.json").unlink()  # as a killed run leaves it
    assert [path.name for path in find_cached_cases(tmp_path)] == ["a b", "b"]


def truncate(path):
    path.write_bytes(path.read_bytes()[:-200])


def other_version(path):
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))


def pickled(path):
    np.save(path, np.array([{"a": 1}], object), allow_pickle=True)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("image.npy", truncate),
        ("image.npy", pickled),
        ("label.npy", pickled),
        ("places.npy", lambda path: path.unlink()),
        ("image.npy", lambda path: path.write_bytes(b"")),
        ("case.json", truncate),
        ("case.json", other_version),
        ("label.npy", lambda path: np.save(path, np.zeros((4, 4, 4), np.uint8))),
    ],
)
def test_a_damaged_case_is_refused_in_one_line(tmp_path, image, label, name, damage):
    write(tmp_path / "a", image, label)
    damage(tmp_path / "a" / name)
    with pytest.raises(InputError, match=r"write the case again") as caught:
        map_cached_case(tmp_path / "a")
    assert str(tmp_path / "a") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_without_cases_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"no cached cases.*--format cache"):
        find_cached_cases(tmp_path)
