"""A curriculum rises as its formula says, everywhere at once."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset, ThreadDataLoader
from monai.transforms import Compose
from scipy.stats import kstest

from medaug.data import SeededDataset
from medaug.epoch import SharedEpoch, find_epochs
from medaug.policy import Curriculumd, RandAugmentd
from medaug.ranges import Strength
from medaug.rng import generator
from medaug.transforms import PadCropd, RandContrastd, RandFlipd

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning"),
]

SAMPLE = {"image": np.arange(8, dtype=np.float32).reshape(1, 2, 2, 2)}


def doubling(epochs: int = 10, raises: str = "magnitude", **arguments) -> Curriculumd:
    """Contrast is scaled by 1 plus the magnitude."""
    inner = [RandContrastd("image", factor=(2, 2))]
    return Curriculumd(inner, epochs, raises=raises, **arguments)


def spread(samples) -> list[float]:
    """The contrast that samples have; 1 is what they had."""
    return [float(np.std(np.asarray(s["image"])) / np.std(SAMPLE["image"])) for s in samples]


@pytest.fixture
def torch_threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("linear", [0, 1 / 8, 2 / 8, 3 / 8, 4 / 8, 5 / 8, 6 / 8, 7 / 8, 1, 1]),
        ("cosine", [(1 - np.cos(np.pi * min(e, 8) / 8)) / 2 for e in range(10)]),
        ("step", [0, 0, 1 / 4, 1 / 4, 2 / 4, 2 / 4, 3 / 4, 3 / 4, 1, 1]),
    ],
)
@pytest.mark.parametrize(("start", "end"), [(0, 1), (0.2, 0.9), (0.8, 0.1)])
def test_the_strength_follows_the_formula(shape, expected, start, end):
    curriculum = doubling(8, "both", shape=shape, start=start, end=end)
    levels = [start + (end - start) * t for t in expected]
    for epoch, level in enumerate(levels):
        assert curriculum.strength_at(epoch) == pytest.approx(Strength(level, level))


@pytest.mark.parametrize("steps", [1, 3, 7])
def test_steps_are_reached_on_time_whatever_divides_what(steps):
    curriculum = doubling(21, shape="step", steps=steps)
    for epoch in range(25):
        expected = min(epoch, 21) * steps // 21 / steps
        assert curriculum.strength_at(epoch).magnitude == pytest.approx(expected)
    assert curriculum.strength_at(21) == Strength(1.0, 1.0)


def test_only_what_is_to_rise_rises():
    assert doubling(raises="prob").strength_at(3) == pytest.approx(Strength(1.0, 0.3))
    assert doubling(raises="magnitude").strength_at(3) == pytest.approx(Strength(0.3, 1.0))
    assert doubling(raises="both").strength_at(3) == pytest.approx(Strength(0.3, 0.3))


@pytest.mark.parametrize("epoch", [0, 2, 5, 10, 100])
def test_magnitudes_are_realised(epoch):
    curriculum = doubling()
    curriculum.set_epoch(epoch)
    assert spread([curriculum(SAMPLE)]) == pytest.approx([1 + min(epoch / 10, 1)])


@pytest.mark.parametrize("epoch", [0, 2, 5, 10])
def test_probabilities_are_realised(epoch):
    inner = RandContrastd("image", 0.8, factor=(2, 2))
    curriculum = Curriculumd([inner], 10, raises="prob").set_random_state(seed=0)
    curriculum.set_epoch(epoch)
    changed = np.array(spread(curriculum(SAMPLE) for _ in range(800))) > 1.5
    p = 0.8 * epoch / 10
    assert abs(changed.mean() - p) <= 4 * np.sqrt(p * (1 - p) / 800)


def test_half_way_the_parameters_come_from_half_the_range():
    curriculum = Curriculumd([RandContrastd("image", factor=(0.4, 1.8))], 10, raises="magnitude")
    curriculum.set_epoch(5)
    records = [curriculum.sample(SAMPLE, generator(seed)) for seed in range(400)]
    factors = [r["steps"][0]["record"]["parameters"]["image"][0][0]["factor"] for r in records]
    assert kstest(factors, "uniform", (0.7, 0.7)).pvalue > 0.001


def test_what_is_not_random_takes_part_from_the_first_epoch_on():
    curriculum = Curriculumd([PadCropd("image", spatial_size=5), RandFlipd("image")], 10)
    assert curriculum(SAMPLE)["image"].shape == (1, 5, 5, 5)


def test_a_curriculum_of_a_curriculum_multiplies():
    inner = doubling()
    outer = Curriculumd([inner], 10, raises="magnitude")
    inner.set_epoch(5)
    outer.set_epoch(4)
    assert spread([outer(SAMPLE)]) == pytest.approx([1 + 0.5 * 0.4])


def test_it_asks_for_no_more_than_it_is_asked_for():
    curriculum = doubling(start=1.0, raises="both")
    weak = curriculum.sample(SAMPLE, generator(0), Strength(0.25, 1.0))
    assert spread([curriculum.apply(SAMPLE, weak)]) == pytest.approx([1.25])
    for seed in range(10):
        never = curriculum.sample(SAMPLE, generator(seed), Strength(1.0, 0.0))
        assert never["steps"][0]["record"]["parameters"]["image"] == [[]]


def test_it_scales_the_magnitude_and_the_probability_of_randaugment():
    space = [RandContrastd("image", factor=(2, 2))]
    augment = RandAugmentd("image", (), operations=1, magnitude=5, space=space)
    curriculum = Curriculumd([augment], 10).set_random_state(seed=0)
    curriculum.set_epoch(6)
    results = np.array(spread(curriculum(SAMPLE) for _ in range(600)))
    fired = results > 1.001
    assert results[fired] == pytest.approx(1 + 0.5 * 0.6, rel=1e-5)
    assert abs(fired.mean() - 0.6) < 4 * np.sqrt(0.24 / 600)


# Where the epoch reaches


def check_epochs_reach(dataset, loader, set_epoch) -> None:
    for epoch in (0, 3, 10, 1):
        set_epoch(epoch)
        assert spread(loader) == pytest.approx([1 + epoch / 10] * len(dataset))


@pytest.mark.parametrize("seeded", [True, False])
@pytest.mark.parametrize(
    ("n_workers", "start", "persistent"),
    [
        (0, None, False),
        (2, "fork", False),
        (2, "fork", True),
        (2, "spawn", False),
        (2, "spawn", True),
    ],
)
def test_workers_see_the_new_epoch(seeded, n_workers, start, persistent):
    curriculum = doubling()
    data = [SAMPLE] * 4
    dataset = (
        SeededDataset(data, Compose([curriculum]), 0)
        if seeded
        else Dataset(data, Compose([curriculum]))
    )
    loader = DataLoader(
        dataset,
        num_workers=n_workers,
        multiprocessing_context=start,
        persistent_workers=persistent,
    )
    check_epochs_reach(dataset, loader, curriculum.set_epoch)
    if seeded:
        check_epochs_reach(dataset, loader, dataset.set_epoch)


@pytest.mark.parametrize("n_workers", [0, 3])
def test_thread_workers_see_the_new_epoch(n_workers, torch_threads):
    curriculum = doubling()
    dataset = SeededDataset([SAMPLE] * 6, [RandFlipd("image", flip_prob=0), curriculum], 0)
    loader = ThreadDataLoader(dataset, num_workers=n_workers, use_thread_workers=True)
    check_epochs_reach(dataset, loader, curriculum.set_epoch)
    check_epochs_reach(dataset, loader, dataset.set_epoch)
    with ThreadPoolExecutor(4) as pool:
        dataset.set_epoch(7)
        samples = list(pool.map(dataset.__getitem__, range(6)))
    assert spread(samples) == pytest.approx([1.7] * 6)


def test_a_dataset_sets_the_epoch_of_curricula_at_any_depth():
    inner = doubling()
    outer = Curriculumd([inner, RandFlipd("image", flip_prob=0)], 10, raises="magnitude")
    dataset = SeededDataset([SAMPLE], Compose([Compose([outer])]), 0)
    dataset.set_epoch(5)
    assert spread(dataset) == pytest.approx([1 + 0.5 * 0.5])
    assert (inner.epoch, outer.epoch) == (5, 5)


def test_a_transform_that_is_put_in_later_follows_as_well():
    dataset = SeededDataset([SAMPLE], None, 0)
    dataset.transform = Compose([doubling()])
    dataset.set_epoch(4)
    assert spread(dataset) == pytest.approx([1.4])


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy])
def test_a_copy_of_a_curriculum_follows_the_same_epoch(again):
    curriculum = doubling()
    twin = again(curriculum)
    curriculum.set_epoch(3)
    assert twin.epoch == 3
    twin.set_epoch(8)
    assert spread([curriculum(SAMPLE)]) == pytest.approx([1.8])


def test_a_pickled_curriculum_goes_on_from_its_epoch_by_itself():
    curriculum = doubling()
    curriculum.set_epoch(3)
    twin = pickle.loads(pickle.dumps(curriculum))
    curriculum.set_epoch(9)
    assert (twin.epoch, curriculum.epoch) == (3, 9)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda data: pickle.loads(pickle.dumps(data))])
def test_a_copy_of_a_dataset_has_curricula_of_its_own(again):
    curriculum = doubling()
    dataset = SeededDataset([SAMPLE] * 2, Compose([curriculum]), 0)
    dataset.set_epoch(2)
    twin = again(dataset)
    assert spread(twin) == pytest.approx([1.2] * 2)
    loader = DataLoader(
        twin, num_workers=2, persistent_workers=True, multiprocessing_context="fork"
    )
    for epoch in (5, 7):
        twin.set_epoch(epoch)
        assert spread(loader) == pytest.approx([1 + epoch / 10] * 2)
    assert spread(dataset) == pytest.approx([1.2] * 2)
    assert curriculum.epoch == 2


def test_epochs_are_found_once_each_and_nothing_is_looked_into_forever():
    first, second = SharedEpoch(1), SharedEpoch(2)

    class Holder:
        def __init__(self) -> None:
            self.itself = self
            self.library = np
            self.some = {"a": [first, (second, first)], "b": {first}}

    assert {int(epoch) for epoch in find_epochs([Holder(), Holder()])} == {1, 2}
    assert len(find_epochs(Holder())) == 2
    assert find_epochs("text") == find_epochs(torch.zeros(3)) == ()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"epochs": 0}, ValueError, "epochs must be at least 1"),
        ({"epochs": 2.5}, TypeError, "epochs must be an integer"),
        ({"steps": 0}, ValueError, "steps must be at least 1"),
        ({"shape": "sine"}, ValueError, "shape.*'sine'"),
        ({"raises": "all"}, ValueError, "raises.*'all'"),
        ({"start": -0.1}, ValueError, "start must lie"),
        ({"end": 1.1}, ValueError, "end must lie"),
        ({"transforms": []}, ValueError, "at least one transform"),
        ({"transforms": [abs]}, TypeError, "medaug's transforms only; got builtin"),
    ],
)
def test_wrong_arguments_are_refused_when_it_is_built(arguments, error, message):
    with pytest.raises(error, match=message):
        Curriculumd(**{"transforms": [RandFlipd("image")], "epochs": 3, **arguments})


@pytest.mark.parametrize(("value", "error"), [(-1, ValueError), (1.0, TypeError)])
def test_a_wrong_epoch_is_refused_and_nothing_is_set(value, error):
    curriculum = doubling()
    dataset = SeededDataset([SAMPLE], curriculum, 0)
    dataset.set_epoch(2)
    for it in (curriculum, dataset):
        with pytest.raises(error, match="epoch"):
            it.set_epoch(value)
    assert curriculum.epoch == 2
