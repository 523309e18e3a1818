"""Cases that are read in parts."""

from __future__ import annotations

import copy
import pickle
import re
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.data import DataLoader, MetaTensor
from monai.transforms import Compose, MapLabelValued

from medaug.data import CachedCases, SeededDataset
from medaug.errors import InputError
from medaug.io import cached
from medaug.io.cached import write_cached_case
from medaug.spatial import index_of
from medaug.transforms import Fused, RandCropd, RandElasticd, RandFlipd, RandSpatiald

KEYS = ["image", "label"]
SHAPE = (40, 44, 48)
AFFINE = np.diag([1.0, 1.5, 2.0, 1.0])


def write_case(folder, name, rng, label=None, shape=SHAPE):
    image = rng.normal(size=(4, *shape)).astype(np.float32)
    if label is None:
        label = np.zeros(shape, np.uint8)
        label[10:20, 10:20, 10:20] = 1
        label[30:33, 30:33, 30:33] = 2
    write_cached_case(
        folder / name, image, label, AFFINE, name=name, patient=name, channels=list("abcd")
    )
    return image, label


@pytest.fixture
def folder(tmp_path, rng):
    for n in range(3):
        write_case(tmp_path, f"case_{n}", rng)
    return tmp_path


def test_a_case_is_a_sample(tmp_path, rng):
    image, label = write_case(tmp_path, "a", rng)
    (sample,) = CachedCases(tmp_path)
    assert (sample["name"], sample["patient"]) == ("a", "a")
    for key in KEYS:
        assert isinstance(sample[key], MetaTensor)
        np.testing.assert_array_equal(sample[key].affine, AFFINE)
    np.testing.assert_array_equal(sample["image"], image.astype(np.float16))
    np.testing.assert_array_equal(sample["label"], label[np.newaxis])


def test_cases_are_chosen_by_name_and_by_slices(folder):
    cases = CachedCases(folder, ["case_2", "case_0"])
    assert cases.names == ("case_2", "case_0")
    assert [case["name"] for case in cases[1:]] == ["case_0"]
    assert cases[-1]["name"] == "case_0"
    with pytest.raises(InputError, match="no cached case 'case_9'"):
        CachedCases(folder, ["case_0", "case_9"])


def test_a_warp_reads_the_file_as_it_would_the_array(tmp_path, rng):
    image, label = write_case(tmp_path, "a", rng)
    transform = RandSpatiald(
        KEYS, rotate_degrees=30, elastic_std_mm=2, spatial_size=24, mode=("linear", "vote")
    )
    sample = CachedCases(tmp_path)[0]
    in_memory = {
        "image": MetaTensor(torch.tensor(image.astype(np.float16)), affine=AFFINE),
        "label": MetaTensor(torch.tensor(label[np.newaxis]), affine=AFFINE),
    }
    record = transform.sample(sample, np.random.default_rng(0))
    mapped, expected = transform.apply(sample, record), transform.apply(in_memory, record)
    assert mapped["image"].dtype == torch.float32
    np.testing.assert_allclose(mapped["image"], expected["image"], atol=1e-5)
    np.testing.assert_array_equal(mapped["label"], expected["label"])


def middles(sample, size=3, n_draws=200, **options):
    crop = RandCropd(KEYS, size, method="foreground", **options)
    crop.set_random_state(0)
    return [
        crop(sample)["label"][0, size // 2, size // 2, size // 2].item() for _ in range(n_draws)
    ]


def test_a_crop_about_the_foreground_finds_its_class(folder):
    sample = CachedCases(folder)[0]
    assert set(middles(sample, class_ratios={2: 1})) == {2}
    found = Counter(middles(sample, class_ratios={1: 1, 2: 3, 0: 1}))
    assert 0.1 < found[0] / 200 < 0.3
    assert 0.5 < found[2] / 200 < 0.7


def test_it_takes_the_index_and_does_not_search_the_label(folder):
    """The file of the index is made to lie: what it says is where the crop goes."""
    sample = CachedCases(folder)[0]
    places = np.load(folder / "case_0" / "places.npy")
    places[-27:] = np.ravel_multi_index((5, 5, 5), SHAPE)  # those of class 2
    np.save(folder / "case_0" / "places.npy", places)
    assert set(middles(CachedCases(folder)[0], class_ratios={2: 1})) == {0}
    assert set(middles(CachedCases(folder)[1], class_ratios={2: 1})) == {2}
    del sample


def test_the_index_does_not_outlive_what_it_is_about(folder):
    sample = CachedCases(folder)[0]
    label = sample["label"].numpy()[0]
    assert index_of(label) is not None
    assert index_of(label[1:]) is None
    assert index_of(label[:, ::-1]) is None
    assert index_of(label.copy()) is None
    moved = MapLabelValued("label", [1, 2], [2, 1])(sample)
    assert set(middles(moved, class_ratios={1: 1})) == {1}
    flipped = RandFlipd(KEYS, flip_prob=(1, 0, 0))(sample)
    assert set(middles(flipped, class_ratios={1: 1})) == {1}


def test_every_voxel_has_the_same_chance_though_few_are_written_down(tmp_path, rng, monkeypatch):
    monkeypatch.setattr(cached, "MOST_PLACES", 64)
    label = np.zeros((16, 16, 16), np.uint8)
    label[:8] = 1  # 2048 voxels
    label[12:, 12:, 12:] = 2  # 64 voxels
    write_case(tmp_path, "a", rng, label, label.shape)
    found = Counter(middles(CachedCases(tmp_path)[0], size=1, n_draws=1000))
    assert found[2] / 1000 == pytest.approx(64 / (2048 + 64), abs=0.015)


def test_a_crop_after_a_crop_stays_in_view(folder):
    sample = CachedCases(folder)[0]
    augment = Fused(
        [
            RandFlipd(KEYS, flip_prob=(1, 0, 0), swap_labels=[(1, 2)], mode="nearest"),
            RandCropd(KEYS, (16, 16, 16), method="foreground", class_ratios={1: 1}, mode="nearest"),
            RandElasticd(KEYS, elastic_spacing_mm=16, elastic_std_mm=0.1, mode="nearest"),
        ]
    )
    augment.set_random_state(0)
    for _ in range(20):
        labels = augment(sample)["label"]
        assert (labels == 1).sum() == pytest.approx(27, abs=12)  # those that were 2


@pytest.mark.parametrize("context", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_workers_give_the_same_samples(folder, context):
    transform = Compose(
        [RandSpatiald(KEYS, rotate_degrees=20, spatial_size=16, mode=("linear", "nearest"))]
    )
    dataset = SeededDataset(CachedCases(folder), transform, seed=3)
    here = [batch["image"] for batch in DataLoader(dataset, batch_size=1)]
    loader = DataLoader(dataset, batch_size=1, num_workers=2, multiprocessing_context=context)
    for batch, expected in zip(loader, here, strict=True):
        np.testing.assert_array_equal(batch["image"], expected)


def test_it_pickles_and_copies(folder):
    cases = CachedCases(folder)
    for twin in (pickle.loads(pickle.dumps(cases)), copy.deepcopy(cases)):
        assert twin.names == cases.names
        np.testing.assert_array_equal(twin[1]["image"], cases[1]["image"])


def resident_bytes(path) -> int:
    """Return how much of a mapped file this process has touched, from the kernel's own account."""
    smaps = Path("/proc/self/smaps").read_text()
    found = re.findall(rf"{re.escape(str(path))}\n.*?Rss:\s+(\d+) kB", smaps, flags=re.DOTALL)
    return 1024 * sum(map(int, found))


@pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux says of mapped files")
def test_a_sample_reads_only_the_pages_that_its_warp_touches(tmp_path, rng):
    shape = (160, 160, 160)
    label = np.zeros(shape, np.uint8)
    label[20:25, 20:25, 20:25] = 1
    write_case(tmp_path, "big", rng, label, shape)
    sample = CachedCases(tmp_path)[0]
    file = tmp_path / "big" / "image.npy"
    assert resident_bytes(file) < 1 << 20
    augment = Fused(
        [
            RandCropd(KEYS, 32, method="foreground", class_ratios={1: 1}),
            RandSpatiald(KEYS, rotate_degrees=15, elastic_std_mm=1, mode=("linear", "nearest")),
        ]
    )
    result = augment(sample)
    assert (result["label"] == 1).any()
    # 32 of 160 planes, a little more for the rotation; the system maps some MB at a time.
    assert 0 < resident_bytes(file) < 0.5 * file.stat().st_size
