"""medaug's transforms inside TorchIO's, by its adapter for MONAI."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torchio as tio
from catalogue import CATALOGUE, SPATIAL
from monai.data import MetaTensor
from monai.data.utils import worker_init_fn
from monai.transforms import Compose
from torch.utils.data import DataLoader

from medaug.data import SeededDataset
from medaug.policy import load_policy
from medaug.transforms import Fused, PadCropd, RandCropd, RandFlipd, RandGaussianNoised

pytestmark = [
    # Newer Pythons warn of every fork, as torch's loaders do it on Linux.
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]

BOTH = ["image", "label"]
SHAPE = (22, 26, 20)

#: Axes permuted and mirrored, spacing 1.5, 0.8 and 2 mm, and an origin somewhere else.
AFFINE = np.array(
    [[0.0, -0.8, 0.0, 30.0], [1.5, 0.0, 0.0, -12.0], [0.0, 0.0, 2.0, 5.0], [0.0, 0.0, 0.0, 1.0]]
)


def make_subject() -> tio.Subject:
    rng = np.random.default_rng(5)
    image = torch.from_numpy(rng.normal(0, 1, (2, *SHAPE)).astype(np.float32))
    distance = np.linalg.norm(np.indices(SHAPE) - np.reshape([11, 12, 9], (3, 1, 1, 1)), axis=0)
    label = torch.from_numpy(np.digitize(-distance, [-8, -4]).astype(np.uint8))[None]
    return tio.Subject(
        image=tio.ScalarImage(tensor=image, affine=AFFINE),
        label=tio.LabelMap(tensor=label, affine=AFFINE),
        name="a",
    )


def as_tensors(subject: tio.Subject) -> dict[str, MetaTensor]:
    """What a pipeline of MONAI would carry."""
    images = subject.get_images_dict(intensity_only=False)
    return {
        name: MetaTensor(image.data, affine=torch.from_numpy(image.affine))
        for name, image in images.items()
    }


def assert_same(subject: tio.Subject, sample: dict) -> None:
    for key in BOTH:
        expected = sample[key]
        assert subject[key].data.dtype == expected.dtype
        assert torch.equal(subject[key].data, expected.as_tensor())
        np.testing.assert_array_equal(subject[key].affine, expected.affine.numpy())


# TorchIO raises what NumPy else passes over, such as a division by zero; so each one runs.
@pytest.mark.parametrize("row", CATALOGUE, ids=str)
def test_every_transform_does_in_torchio_what_it_does_alone(row):
    direct, inside = row.build(), row.build()
    if row.random:
        direct.set_random_state(seed=3)
        inside.set_random_state(seed=3)
    adapted = tio.Compose([tio.MonaiAdapter(inside)])
    subject = make_subject()
    for _ in range(2):
        sample = direct(as_tensors(subject))
        assert_same(adapted(subject), sample)
    assert_same(subject, as_tensors(make_subject()))  # the input stays as it was


@pytest.mark.parametrize("row", [r for r in CATALOGUE if not r.moves_voxels], ids=str)
def test_a_channel_without_contrast_is_no_error(row):
    subject = make_subject()
    subject.image.set_data(torch.zeros(2, *SHAPE))
    result = tio.MonaiAdapter(row.build())(subject)
    assert torch.isfinite(result.image.data).all()


def test_image_and_label_move_together_between_transforms_of_torchio():
    pipeline = tio.Compose(
        [
            tio.ToCanonical(),
            tio.MonaiAdapter(SPATIAL.build()),
            tio.MonaiAdapter(RandCropd(BOTH, (16, 16, 16), method="foreground")),
            tio.RandomBlur(),
            tio.ZNormalization(),
        ]
    )
    subject = make_subject()
    subject.image.set_data(subject.label.data.float())
    result = pipeline(subject)
    assert result.spatial_shape == (16, 16, 16)
    np.testing.assert_array_equal(result.image.affine, result.label.affine)
    label = result.label.data
    assert set(label.unique().tolist()) <= {0, 1, 2}
    means = [float(result.image.data[label == value].mean()) for value in label.unique()]
    assert len(means) > 1
    assert means == sorted(means)  # what was brighter inside still is


def test_a_voxel_keeps_its_place_in_the_world():
    subject = make_subject()
    crop = tio.MonaiAdapter(PadCropd(BOTH, (10, 12, 30)))
    flip = tio.MonaiAdapter(RandFlipd(BOTH, flip_prob=(1, 0, 1)))
    result = tio.Compose([crop, flip])(subject)
    assert result.spatial_shape == (10, 12, 30)
    # The first axis is cut by 6 in front and mirrored, the second cut by 7, the third padded by 5.
    inner = result.image.data[..., 5:25]
    assert torch.equal(inner, subject.image.data[:, 6:16, 7:19].flip(1, 3))
    for voxel, before in [((0, 0, 5), (15, 7, 19)), ((9, 11, 24), (6, 18, 0))]:
        np.testing.assert_allclose(
            result.image.affine @ [*voxel, 1], AFFINE @ [*before, 1], atol=1e-9
        )


def test_a_policy_goes_in_transform_by_transform():
    policy = load_policy("default", spatial_size=(16, 16, 16)).set_random_state(seed=1)
    alone = load_policy("default", spatial_size=(16, 16, 16)).set_random_state(seed=1)
    adapted = tio.Compose([tio.MonaiAdapter(transform) for transform in policy.transforms])
    subject = make_subject()
    for _ in range(4):
        assert_same(adapted(subject), alone(as_tensors(subject)))


def test_the_history_keeps_what_torchio_can_make_again():
    pipeline = tio.Compose([tio.RandomGamma(), tio.MonaiAdapter(SPATIAL.build())])
    names = [transform.name for transform in pipeline(make_subject()).history]
    assert names == ["Gamma"]


def make_dataset() -> tio.SubjectsDataset:
    augment = Fused([SPATIAL.build(), RandCropd(BOTH, (16, 16, 16))])
    noise = RandGaussianNoised("image", std=1)
    transform = tio.Compose([tio.MonaiAdapter(augment), tio.MonaiAdapter(noise)])
    return tio.SubjectsDataset([make_subject() for _ in range(4)], transform)


def bits(loader) -> list[bytes]:
    return [batch["image"]["data"].numpy().tobytes() for batch in loader]


@pytest.mark.parametrize(("init", "n_different"), [(worker_init_fn, 4), (None, 2)])
def test_workers_draw_for_themselves_if_monai_seeds_them(init, n_different):
    loader = tio.SubjectsLoader(
        make_dataset(), num_workers=2, worker_init_fn=init, multiprocessing_context="fork"
    )
    first = bits(loader)
    assert len(set(first)) == n_different  # four equal subjects: two workers, two samples each
    assert (set(bits(loader)) & set(first) == set()) == (init is not None)  # and the next epoch


@pytest.mark.parametrize("n_workers", [0, 1, 2])
def test_a_seeded_dataset_takes_subjects(n_workers):
    subjects = tio.SubjectsDataset([make_subject() for _ in range(4)], tio.ToCanonical())
    policy = load_policy("default", spatial_size=(16, 16, 16))
    dataset = SeededDataset(subjects, Compose([as_tensors, *policy.transforms]), seed=0)
    loader = DataLoader(
        dataset,
        batch_size=None,
        num_workers=n_workers,
        multiprocessing_context="fork" if n_workers else None,
    )
    samples = [sample["image"].numpy().tobytes() for sample in loader]
    assert samples == [dataset[index]["image"].numpy().tobytes() for index in range(4)]
    assert len(set(samples)) == 4
