from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import (
    Compose,
    MapTransform,
    RandFlipd,
    RandGaussianNoised,
    ResizeWithPadOrCrop,
    ResizeWithPadOrCropd,
)
from torch.utils.data import DataLoader

from medaug.benchmark.cases.case_set import Case
from medaug.benchmark.training.sampling import (
    PatchDataset,
    batches,
    cut_centre,
    cut_region,
    region_size,
)

PATCH = (16, 16, 16)
#: Samples that are looked at.
N = 12
NOISE = Compose([RandFlipd(["image", "label"], prob=0.5), RandGaussianNoised(["image"], prob=0.5)])


def make_case(name: str, shape: tuple[int, int, int], rng: np.random.Generator) -> Case:
    """A case whose every voxel differs from every other, with two cubes as its classes."""
    image = np.arange(np.prod(shape), dtype=np.float32).reshape(1, *shape) + rng.random()
    label = np.zeros((1, *shape), dtype=np.uint8)
    label[0, 1:3, 1:3, 1:3] = 1
    label[0, -3:-1, -3:-1, -3:-1] = 2
    return Case(name, image, label, (1.0, 1.0, 2.5), name)


def make_dataset(
    cases: list[Case], policy: Compose | None = None, **overrides: Any
) -> PatchDataset:
    settings: dict[str, Any] = {
        "patch_size": PATCH,
        "region_factor": 1.5,
        "foreground_fraction": 0.5,
        "seed": 0,
        "fold": 0,
    }
    return PatchDataset(cases, policy or Compose([]), **(settings | overrides))


@pytest.fixture
def cases(rng: np.random.Generator) -> list[Case]:
    return [make_case(name, (32, 30, 28), rng) for name in "abc"]


def test_an_epoch_has_every_case_once_and_the_next_one_another_order(cases: list[Case]) -> None:
    dataset = make_dataset(cases)
    order = np.reshape([dataset.case_index(sample) for sample in range(60)], (20, 3))
    assert all(sorted(epoch) == [0, 1, 2] for epoch in order.tolist())
    assert len({tuple(epoch) for epoch in order.tolist()}) > 1


def test_a_sample_is_the_same_alone_in_another_order_and_in_a_new_dataset(
    cases: list[Case],
) -> None:
    dataset, again = make_dataset(cases, NOISE), make_dataset(cases, NOISE)
    forwards = [dataset[index]["image"] for index in range(N)]
    for index in reversed(range(N)):
        assert torch.equal(forwards[index], again[index]["image"])


# Newer Pythons warn of every fork, as torch's loaders do it on Linux.
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_samples_do_not_depend_on_the_number_of_workers(cases: list[Case]) -> None:
    dataset, sampler = make_dataset(cases, NOISE), [[0, 1], [2, 3], [4, 5]]
    alone = list(DataLoader(dataset, batch_sampler=sampler))
    shared = list(
        DataLoader(dataset, batch_sampler=sampler, num_workers=2, multiprocessing_context="fork")
    )
    for ours, theirs in zip(alone, shared, strict=True):
        assert torch.equal(ours["image"], theirs["image"])
        assert torch.equal(ours["label"], theirs["label"])


def test_the_policy_does_not_change_which_patches_are_cut(cases: list[Case]) -> None:
    plain = make_dataset(cases)
    drawn = make_dataset(cases, Compose([RandGaussianNoised(["image"], prob=1.0, std=0.1)]))
    for index in range(N):
        assert torch.equal(plain[index]["label"], drawn[index]["label"])
        assert not torch.equal(plain[index]["image"], drawn[index]["image"])


@pytest.mark.parametrize("other", [{"seed": 1}, {"fold": 1}])
def test_seed_and_fold_change_the_patches(cases: list[Case], other: dict[str, int]) -> None:
    ours, theirs = make_dataset(cases[:1]), make_dataset(cases[:1], **other)
    assert any(not torch.equal(ours[n]["image"], theirs[n]["image"]) for n in range(N))


def test_a_patch_holds_the_voxels_of_one_place_in_image_and_label(cases: list[Case]) -> None:
    sample = make_dataset(cases[:1])[0]
    image, label = sample["image"].numpy()[0], sample["label"].numpy()[0]
    where = np.searchsorted(cases[0].image.ravel(), image.ravel())
    assert np.array_equal(cases[0].label.ravel()[where], label.ravel())


def test_a_patch_is_a_plain_tensor_of_the_patch_size(cases: list[Case]) -> None:
    sample = make_dataset(cases)[0]
    assert type(sample["image"]) is torch.Tensor
    assert sample["image"].shape == (1, *PATCH)
    assert sample["image"].dtype == torch.float32
    assert sample["label"].shape == (1, *PATCH)
    assert sample["label"].dtype == torch.uint8


@pytest.mark.parametrize("fraction", [0.0, 1.0])
def test_patches_stay_inside_a_scan_that_is_larger(cases: list[Case], fraction: float) -> None:
    # The value 0 is nowhere in these scans, and only there as padding.
    dataset = make_dataset(cases, foreground_fraction=fraction)
    assert all((dataset[n]["image"] != 0).all() for n in range(N))


def test_foreground_patches_contain_both_classes_in_turn(cases: list[Case]) -> None:
    dataset = make_dataset(cases, foreground_fraction=1.0)
    seen = [set(dataset[n]["label"].unique().tolist()) - {0} for n in range(30)]
    assert all(seen)
    assert set.union(*seen) == {1, 2}


def test_a_scan_without_foreground_still_gives_patches(rng: np.random.Generator) -> None:
    case = make_case("a", (20, 20, 20), rng)
    empty = Case("empty", case.image, np.zeros_like(case.label), case.spacing_mm, "empty")
    assert make_dataset([empty], foreground_fraction=1.0)[0]["image"].shape == (1, *PATCH)


def test_a_scan_smaller_than_the_patch_is_centred(rng: np.random.Generator) -> None:
    case = make_case("small", (10, 12, 9), rng)
    image = make_dataset([case])[0]["image"].numpy()
    assert np.array_equal(image[:, 3:13, 2:14, 4:13], case.image)
    assert np.count_nonzero(image) == case.image.size


class _Keep(MapTransform):
    """Notes what a policy is given."""

    def __init__(self) -> None:
        super().__init__(["image", "label"])
        self.seen: dict[str, MetaTensor] = {}

    def __call__(self, data: dict[str, MetaTensor]) -> dict[str, MetaTensor]:
        self.seen = dict(data)
        return data


def test_the_policy_gets_a_larger_region_with_the_spacing_of_the_scan(cases: list[Case]) -> None:
    keep = _Keep()
    sample = make_dataset(cases, Compose([keep]))[0]
    region = keep.seen["image"]
    assert region.shape == (1, 24, 24, 24)
    assert region.pixdim.tolist() == [1.0, 1.0, 2.5]
    assert torch.equal(region.as_tensor()[:, 4:20, 4:20, 4:20], sample["image"])


def test_a_region_has_equal_margins() -> None:
    assert region_size((16, 24, 40), 1.5) == (24, 36, 60)
    assert region_size((16, 24, 40), 1.0) == (16, 24, 40)
    assert region_size((16, 16, 16), 1.2) == (20, 20, 20)


def test_a_region_is_zero_outside_the_volume() -> None:
    volume = np.ones((2, 4, 4, 4), dtype=np.int16)
    region = cut_region(volume, (-1, 2, 0), (3, 4, 4))
    assert region.dtype == np.int16
    assert region.shape == (2, 3, 4, 4)
    assert region.sum() == 2 * 2 * 2 * 4
    assert region[:, 1:, :2, :].all()


def test_every_sample_draws_its_own_augmentation(cases: list[Case]) -> None:
    flat = [replace(case, image=np.zeros_like(case.image)) for case in cases[:1]]
    noise = Compose([RandGaussianNoised(["image"], prob=1.0)])
    drawn = [make_dataset(flat, noise)[index]["image"] for index in range(3)]
    assert not torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[1], drawn[2])


@pytest.mark.parametrize("extent", [9, 10, 15, 16])
@pytest.mark.parametrize("length", [9, 10, 12, 16, 21, 22])
def test_the_centre_is_where_monai_has_it(extent: int, length: int) -> None:
    volume = np.arange(2 * extent * 7 * 8, dtype=np.float32).reshape(2, extent, 7, 8) + 1
    size = (length, 7, 5)
    ours, theirs = cut_centre(volume, size), ResizeWithPadOrCrop(size)(volume)
    assert np.array_equal(ours, theirs.numpy())


def test_a_policy_may_return_the_patch_itself(cases: list[Case]) -> None:
    whole, cropped = (
        make_dataset(cases, policy)[0]["image"]
        for policy in (None, Compose([ResizeWithPadOrCropd(["image", "label"], PATCH)]))
    )
    assert torch.equal(whole, cropped)


@pytest.mark.parametrize("n_cases", [5, 10, 20])
def test_every_size_of_the_training_set_has_whole_epochs(
    n_cases: int, rng: np.random.Generator
) -> None:
    small = [make_case(f"{number}", (20, 20, 20), rng) for number in range(n_cases)]
    dataset = make_dataset(small)
    for epoch in range(3):
        numbers = range(epoch * n_cases, (epoch + 1) * n_cases)
        assert sorted(dataset.case_index(number) for number in numbers) == list(range(n_cases))


def test_half_of_the_patches_are_centred_on_the_foreground(rng: np.random.Generator) -> None:
    """On a scan whose only foreground is a voxel that few other patches hold."""
    case = make_case("a", (64, 64, 64), rng)
    label = np.zeros_like(case.label)
    label[0, 32, 32, 32] = 1
    dataset = make_dataset([replace(case, label=label)], foreground_fraction=0.5)
    centred = np.mean([bool(dataset[index]["label"][0, 8, 8, 8]) for index in range(300)])
    assert centred == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / 300))


@pytest.mark.parametrize("devices", [1, 2, 4])
def test_a_step_has_the_same_samples_on_any_number_of_devices(devices: int) -> None:
    shares = [list(islice(batches(3, 4, rank=rank, devices=devices), 2)) for rank in range(devices)]
    assert {len(share) for share in shares[0]} == {4 // devices}
    assert [[n for share in shares for n in share[step]] for step in range(2)] == [
        [12, 13, 14, 15],
        [16, 17, 18, 19],
    ]
