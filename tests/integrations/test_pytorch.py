"""medaug in torch's own data sets and loaders."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor, list_data_collate
from monai.data.utils import worker_init_fn
from monai.transforms import Compose, SelectItemsd
from torch.utils.data import DataLoader, Dataset, default_collate

from medaug.data import SeededDataset
from medaug.policy import load_policy

pytestmark = [
    # Newer Pythons warn of every fork, as torch's loaders do it on Linux.
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
    # More workers than cores are the point here.
    pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning"),
]

BOTH = ["image", "label"]
N_CASES = 6
SPACING_MM = (2.0, 2.0, 4.0)


class Cases(Dataset):
    """The same voxels in every case, so that samples differ by their randomness alone."""

    def __len__(self) -> int:
        return N_CASES

    def __getitem__(self, index: int) -> dict:
        if not 0 <= index < N_CASES:
            raise IndexError(index)
        image = np.random.default_rng(1).normal(0, 1, (1, 20, 22, 12)).astype(np.float32)
        label = np.zeros((1, 20, 22, 12), np.uint8)
        label[:, 6:14, 6:14, 3:9] = 1
        affine = torch.diag(torch.tensor([*SPACING_MM, 1.0], dtype=torch.float64))
        return {
            key: MetaTensor(v, affine=affine) for key, v in [("image", image), ("label", label)]
        }


class Augmented(Dataset):
    """As one writes it without SeededDataset; the transform is held as it is, or in a container."""

    def __init__(self, held: Any, key: Any = None) -> None:
        self.cases, self.held, self.key = Cases(), held, key

    def __len__(self) -> int:
        return len(self.cases)

    def __getitem__(self, index: int) -> dict:
        transform = self.held if self.key is None else self.held[self.key]
        return transform(self.cases[index])


def policy() -> Compose:
    return load_policy("nnunet", spatial_size=(16, 16, 8))


def seeded(epoch: int = 0) -> SeededDataset:
    dataset = SeededDataset(Cases(), policy(), seed=0)
    dataset.set_epoch(epoch)
    return dataset


def load(dataset: Dataset, n_workers: int, **options) -> list[dict]:
    context = "fork" if n_workers else None
    loader = DataLoader(dataset, num_workers=n_workers, multiprocessing_context=context, **options)
    return list(loader)


def bits(batches) -> list[tuple[bytes, ...]]:
    """The bits of every sample, in the order of the loader."""
    return [
        tuple(batch[key][n].numpy().tobytes() for key in BOTH)
        for batch in batches
        for n in range(len(batch["image"]))
    ]


@pytest.mark.parametrize(("n_workers", "batch_size"), [(0, 4), (1, 1), (2, 2), (3, 3)])
def test_samples_depend_on_neither_workers_nor_batches(n_workers, batch_size):
    reference = bits(default_collate([seeded()[index]]) for index in range(N_CASES))
    assert len(set(reference)) == N_CASES
    assert bits(load(seeded(), n_workers, batch_size=batch_size)) == reference


def test_each_epoch_is_another_one_and_shuffling_only_reorders_it():
    generator = torch.Generator().manual_seed(4)
    shuffled = bits(load(seeded(epoch=1), 2, shuffle=True, generator=generator))
    in_order = bits(load(seeded(epoch=1), 0))
    assert sorted(shuffled) == sorted(in_order)
    assert shuffled != in_order
    assert not set(in_order) & set(bits(load(seeded(epoch=0), 0)))


def test_forked_workers_repeat_each_other_and_each_epoch_if_nobody_seeds_them():
    dataset = Augmented(policy())
    first = bits(load(dataset, 2))
    assert first[0::2] == first[1::2]  # the two workers take turns
    assert bits(load(dataset, 2)) == first


@pytest.mark.parametrize(
    ("dataset", "found"),
    [
        (Augmented(policy()), True),
        (Augmented([policy()], 0), True),
        (Augmented({"train": policy()}, "train"), False),
    ],
    ids=["attribute", "list", "dictionary"],
)
def test_monais_worker_init_fn_seeds_the_transforms_that_it_finds(dataset, found):
    first = bits(load(dataset, 2, worker_init_fn=worker_init_fn))
    second = bits(load(dataset, 2, worker_init_fn=worker_init_fn))
    assert (len({*first, *second}) == 2 * N_CASES) == found
    assert (first == second) != found


def test_a_batch_is_what_a_network_takes():
    (batch, *_) = load(seeded(), 2, batch_size=2)
    assert batch.keys() == {"image", "label"}
    assert batch["image"].shape == batch["label"].shape == (2, 1, 16, 16, 8)
    plain = batch["image"].as_tensor()
    assert type(plain) is torch.Tensor
    assert (plain.dtype, batch["label"].dtype) == (torch.float32, torch.uint8)
    assert set(batch["label"].unique().tolist()) == {0, 1}
    assert torch.isfinite(torch.nn.Conv3d(1, 2, 3)(plain)).all()


def test_monais_collation_keeps_the_affine_of_every_sample():
    (batch, *_) = load(seeded(), 2, batch_size=3, collate_fn=list_data_collate)
    expected = [seeded()[index]["image"].affine for index in range(3)]
    assert torch.equal(batch["image"].affine, torch.stack(expected))
    assert len({affine.numpy().tobytes() for affine in expected}) == 3


@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor])
def test_arrays_come_out_as_arrays(kind):
    plain = [{key: kind(v.numpy()) for key, v in Cases()[n].items()} for n in range(2)]
    keep = Compose([*policy().transforms, SelectItemsd(BOTH)])
    dataset = SeededDataset(plain, keep, seed=0)
    assert type(dataset[0]["image"]) is type(plain[0]["image"])
    (batch,) = load(dataset, 0, batch_size=2)
    assert batch.keys() == {"image", "label"}
    assert batch["image"].shape == (2, 1, 16, 16, 8)
