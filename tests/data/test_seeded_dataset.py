from __future__ import annotations

import copy
import operator
import pickle
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor, ThreadDataLoader
from monai.transforms import (
    Compose,
    OneOf,
    RandAffined,
    RandFlipd,
    RandGaussianNoised,
    Randomizable,
    RandomOrder,
    RandScaleIntensityd,
    RandSpatialCropSamplesd,
    SomeOf,
)
from monai.utils import set_determinism
from scipy.stats import kstest

from medaug.data import SeededDataset
from medaug.transforms import RandGaussianNoised as RandNoised  # MONAI's is used as well
from medaug.transforms import RandSpatiald

pytestmark = [
    # Newer Pythons warn of every fork, as torch's loaders do it on Linux.
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
    # More workers than cores are the point here.
    pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning"),
]

BOTH = ["image", "label"]
N_CASES = 10


def make_cases() -> list[dict]:
    """The same voxels in every case, so that samples differ by their randomness alone."""
    image = np.arange(6 * 7 * 8, dtype=np.float32).reshape(1, 6, 7, 8)
    return [{"image": image, "label": (image % 3).astype(np.uint8)} for _ in range(N_CASES)]


def make_dataset(seed: int = 0, epoch: int = 0) -> SeededDataset:
    transform = [
        RandSpatiald(
            BOTH,
            rotate_degrees=20,
            elastic_spacing_mm=4,
            elastic_std_mm=0.5,
            flip_prob=0.5,
            mode=["linear", "nearest"],
        ),
        RandNoised("image", prob=0.5, std=2.0),
        RandGaussianNoised("image", prob=0.5, std=3.0),
    ]
    dataset = SeededDataset(make_cases(), transform, seed)
    dataset.set_epoch(epoch)
    return dataset


def voxels(samples) -> list[tuple[bytes, ...]]:
    """The bits of every sample; ``samples`` may be a dataset or a loader with batch size 1."""
    return [tuple(np.asarray(sample[key]).tobytes() for key in BOTH) for sample in samples]


class Draw(Randomizable):
    """Append a uniform number to a list."""

    def __call__(self, numbers: list[float]) -> list[float]:
        return [*numbers, float(self.R.random())]


class GiveWay:
    """Let other threads run; cannot be copied meanwhile, as an open file could not."""

    def __call__(self, sample):
        self.lock = threading.Lock()
        time.sleep(0.001)
        del self.lock
        return sample


def make_draws(transforms, n_samples: int = 40) -> SeededDataset:
    data = [[float(index)] for index in range(n_samples)]
    return SeededDataset(data, Compose(transforms, map_items=False), 0)


@pytest.fixture
def torch_threads():
    """Put back the number of threads, which torch sets to 1 in every worker, threads included."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def determinism():
    set_determinism(seed=7)
    yield
    set_determinism(seed=None)


@pytest.mark.parametrize("n_workers", [0, 1, 2, 8])
def test_samples_do_not_depend_on_the_number_of_workers(n_workers):
    loader = DataLoader(
        make_dataset(),
        num_workers=n_workers,
        multiprocessing_context="fork" if n_workers else None,
    )
    assert voxels(loader) == voxels(make_dataset())


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_an_epoch_begins_in_workers_that_are_already_running(start):
    dataset = make_dataset()
    loader = DataLoader(
        dataset, num_workers=2, persistent_workers=True, multiprocessing_context=start
    )
    assert voxels(loader) == voxels(make_dataset(epoch=0))
    dataset.set_epoch(1)
    assert voxels(loader) == voxels(make_dataset(epoch=1))
    dataset.set_epoch(2)
    next(iter(loader))  # broken off, with samples of epoch 2 on their way
    dataset.set_epoch(3)
    assert voxels(loader) == voxels(make_dataset(epoch=3))


@pytest.mark.parametrize("again", [copy.deepcopy, lambda data: pickle.loads(pickle.dumps(data))])
def test_a_copy_goes_on_by_itself_and_reaches_its_own_workers(again):
    dataset = make_dataset(epoch=2)
    twin = again(dataset)
    assert voxels(twin) == voxels(make_dataset(epoch=2))
    loader = DataLoader(
        twin, num_workers=2, persistent_workers=True, multiprocessing_context="fork"
    )
    assert voxels(loader) == voxels(make_dataset(epoch=2))
    twin.set_epoch(3)
    assert voxels(loader) == voxels(make_dataset(epoch=3))
    assert voxels(dataset) == voxels(make_dataset(epoch=2))


@pytest.mark.parametrize("n_workers", [0, 4])
def test_samples_do_not_depend_on_thread_workers(n_workers, torch_threads):
    dataset = make_dataset()
    loader = ThreadDataLoader(dataset, num_workers=n_workers, use_thread_workers=True)
    assert voxels(loader) == voxels(make_dataset())
    dataset.set_epoch(1)
    assert voxels(loader) == voxels(make_dataset(epoch=1))


def test_threads_share_a_dataset_without_disturbing_each_other():
    dataset = make_draws([Draw(), GiveWay(), Draw(), GiveWay(), Draw()])
    indices = [*range(40), *reversed(range(40))]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(dataset.__getitem__, indices))
    alone = make_draws([Draw(), Draw(), Draw()])
    assert together == [alone[index] for index in indices]


def test_a_transform_may_take_another_sample_of_its_dataset():
    def add_sample_three(numbers: list[float]) -> list[float]:
        return numbers + dataset[3] if numbers[0] == 1 else numbers

    dataset = make_draws([Draw(), add_sample_three, Draw()])
    plain = make_draws([Draw(), Draw()])
    index, first, second = plain[1]
    assert dataset[1] == [index, first, *plain[3], second]


def test_a_loader_that_is_built_meanwhile_reseeds_nothing():
    def build_a_loader(numbers: list[float]) -> list[float]:
        DataLoader(dataset)
        return numbers

    dataset = make_draws([Draw(), build_a_loader, Draw()])
    assert list(dataset) == list(make_draws([Draw(), Draw()]))


def test_the_transform_that_went_in_may_be_used_meanwhile():
    draw = Draw()

    def draw_elsewhere(numbers: list[float]) -> list[float]:
        draw([])
        return numbers

    assert list(make_draws([draw_elsewhere, draw])) == list(make_draws([Draw()]))


def test_another_transform_can_be_put_in():
    dataset = make_draws([Draw(), Draw()])
    dataset.transform = Compose([Draw()], map_items=False)
    assert list(dataset) == list(make_draws([Draw()]))


def test_samples_do_not_depend_on_the_order_of_access():
    dataset, expected = make_dataset(), voxels(make_dataset())
    order = [7, 2, 2, 9, 0, 7, 1, 8, 3, 4, 6, 5]
    assert voxels(dataset[index] for index in order) == [expected[index] for index in order]


def test_every_index_epoch_and_seed_gives_another_sample():
    samples = [
        sample
        for seed, epoch in [(0, 0), (0, 1), (1, 0), (1, 1), (0, 2)]
        for sample in voxels(make_dataset(seed, epoch))
    ]
    assert len(set(samples)) == 5 * N_CASES


def test_an_epoch_that_is_resumed_is_the_one_that_was_reached():
    dataset = make_dataset()
    for epoch in range(4):
        dataset.set_epoch(epoch)
        reached = voxels(dataset)
    assert voxels(make_dataset(epoch=3)) == reached


def test_the_numbers_of_successive_samples_are_independent_and_uniform():
    dataset = make_draws([Draw(), Draw()], n_samples=2000)
    this_epoch = np.array(list(dataset))
    dataset.set_epoch(1)
    next_epoch = np.array(list(dataset))
    columns = [
        this_epoch[:-1, 1],
        this_epoch[1:, 1],  # the next sample
        this_epoch[:-1, 2],  # the next transform
        next_epoch[:-1, 1],  # the next epoch
    ]
    correlations = np.corrcoef(columns)[np.triu_indices(4, 1)]
    assert np.abs(correlations).max() < 4 / np.sqrt(2000)
    for column in columns:
        assert kstest(column, "uniform").pvalue > 0.001


@pytest.mark.parametrize(
    "transform",
    [
        Compose([Compose([RandGaussianNoised("image", prob=1.0)])]),
        OneOf([RandFlipd(BOTH, prob=0.5, spatial_axis=axis) for axis in range(3)]),
        SomeOf([RandGaussianNoised("image", prob=1.0), RandNoised("image")], num_transforms=1),
        RandomOrder([RandNoised("image"), RandScaleIntensityd("image", factors=0.5)]),
        RandAffined(BOTH, prob=1.0, rotate_range=0.5, padding_mode="border"),
        Compose(
            [RandSpatialCropSamplesd(BOTH, (3, 3, 3), num_samples=1), operator.itemgetter(0)],
            map_items=False,
        ),
    ],
    ids=["Compose", "OneOf", "SomeOf", "RandomOrder", "RandAffined", "RandSpatialCropSamplesd"],
)
def test_nested_random_states_are_reached(transform):
    first = voxels(SeededDataset(make_cases(), transform, 0))
    backwards = SeededDataset(make_cases(), transform, 0)
    assert voxels(backwards[i] for i in reversed(range(N_CASES)))[::-1] == first
    assert len(set(first)) > 1


@pytest.mark.parametrize(
    ("transform", "expected"),
    [(None, [1, 2]), (abs, [1, 2]), ([float.__neg__, str], ["-1.0", "-2.0"]), ([], [1, 2])],
)
def test_transforms_without_randomness_work_as_in_monai(transform, expected):
    data = [1.0, 2.0]
    assert list(SeededDataset(data, transform, 0)) == expected
    assert list(Dataset(data, transform)) == expected


def test_a_list_is_mapped_as_in_monai():
    data = [[-1, 2], [3, -4]]
    assert list(SeededDataset(data, abs, 0)) == list(Dataset(data, abs)) == [[1, 2], [3, 4]]


def test_negative_indices_count_from_the_end_and_slices_are_subsets():
    dataset, expected = make_dataset(), voxels(make_dataset())
    assert voxels(dataset[i] for i in range(-N_CASES, 0)) == expected
    assert voxels(dataset[2:7:2]) == expected[2:7:2]
    assert voxels(dataset[::-1]) == expected[::-1]
    assert voxels(dataset[[4, -1]]) == [expected[4], expected[-1]]
    for outside in (N_CASES, -N_CASES - 1):
        with pytest.raises(IndexError):
            dataset[outside]


@pytest.mark.parametrize("after_threads", [False, True])
def test_the_datasets_transform_inverts_its_samples(after_threads):
    image = MetaTensor(np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4))
    transform = [RandSpatiald("image", flip_prob=0.5), GiveWay()]
    dataset = SeededDataset([{"image": image}] * N_CASES, transform, 0)
    if after_threads:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(dataset.__getitem__, range(N_CASES)))
    samples = list(dataset)
    assert any(not torch.equal(sample["image"], image) for sample in samples)
    for sample in samples:
        assert torch.equal(dataset.transform.inverse(sample)["image"], image)


def test_the_global_generators_are_left_alone():
    def states() -> list[str]:
        legacy = np.random.get_state()  # noqa: NPY002  # the global one is meant
        return [str(random.getstate()), str(legacy), str(torch.get_rng_state().tolist())]

    dataset = make_dataset()
    before = states()
    voxels(dataset)
    assert states() == before


def test_numpys_integers_are_integers():
    dataset = make_dataset(np.int64(4), np.int64(2))
    assert voxels([dataset[np.int64(3)]]) == [voxels(make_dataset(4, 2))[3]]


@pytest.mark.parametrize(
    ("value", "error"), [(-1, ValueError), (1.0, TypeError), ("1", TypeError), (None, TypeError)]
)
def test_a_seed_or_an_epoch_that_is_no_whole_number_is_refused_by_name(value, error):
    with pytest.raises(error, match="seed"):
        SeededDataset([], None, value)
    dataset = make_dataset(epoch=1)
    with pytest.raises(error, match="epoch"):
        dataset.set_epoch(value)
    assert voxels(dataset) == voxels(make_dataset(epoch=1))


@pytest.mark.parametrize("n_workers", [0, 2])
def test_monais_own_seeding_holds_with_a_plain_dataset(n_workers, determinism):
    transform = Compose([RandSpatiald(BOTH, rotate_degrees=20), RandNoised("image", std=2.0)])
    dataset = Dataset(make_cases(), transform)

    def run(seed: int) -> list:
        set_determinism(seed=seed)
        context = "fork" if n_workers else None
        return voxels(DataLoader(dataset, num_workers=n_workers, multiprocessing_context=context))

    first = run(7)
    assert len(set(first)) == N_CASES
    assert run(8) != first
    assert run(7) == first
