"""What every drop-in class promises, checked for every row of the table."""

from __future__ import annotations

import copy
import inspect
import json
import pickle

import monai.transforms
import numpy as np
import pytest
import torch
from dropins import DROP_INS
from monai.bundle import ConfigParser
from monai.data import CacheDataset, DataLoader, MetaTensor, set_track_meta
from monai.transforms import (
    Compose,
    EnsureTyped,
    InvertibleTransform,
    MapTransform,
    RandomizableTransform,
    RandSpatialCropd,
    ScaleIntensityd,
    Spacingd,
)

import medaug.compat.monai
from medaug.rng import generator

SHAPE = (14, 16, 18)
KINDS = ["ndarray", "tensor", "metatensor"]
every_kind = pytest.mark.parametrize("kind", KINDS)


def rows(wanted):
    return pytest.mark.parametrize("row", [row for row in DROP_INS if wanted(row)], ids=str)


every_row = pytest.mark.parametrize("row", DROP_INS, ids=str)
moving_rows = rows(lambda row: row.moves_voxels)
lazy_rows = rows(lambda row: "lazy" in inspect.signature(row.original).parameters)


def make_sample(kind="metatensor", rank=3, dtype=np.float32, label_dtype=np.uint8) -> dict:
    """A positive image of two channels with noise all over, and a label of blocks."""
    rng, shape = np.random.default_rng(0), SHAPE[:rank]
    image = (100 * rng.random((2, *shape)) + 10).astype(dtype)
    label = rng.integers(0, 3, (1, *shape)).astype(label_dtype)
    wrap = {
        "ndarray": lambda x: x,
        "tensor": torch.from_numpy,
        "metatensor": lambda x: MetaTensor(
            x,
            affine=torch.diag(torch.tensor([1.0, 0.8, 2.5, 1.0], dtype=torch.float64)),
            meta={"pixdim": np.array([1, 1, 0.8, 2.5, 0, 0, 0, 0])},
        ),
    }[kind]
    return {"image": wrap(image), "label": wrap(label), "case": "one"}


def voxels(sample: dict) -> dict[str, np.ndarray]:
    return {key: np.asarray(sample[key]) for key in ("image", "label") if key in sample}


def same_voxels(one: dict, other: dict) -> bool:
    return all(np.array_equal(value, voxels(other)[key]) for key, value in voxels(one).items())


def assert_same_voxels(one: dict, other: dict) -> None:
    for key, value in voxels(one).items():
        np.testing.assert_array_equal(value, voxels(other)[key], err_msg=key)


def test_the_table_lists_every_drop_in():
    exported = {getattr(medaug.compat.monai, name) for name in medaug.compat.monai.__all__}
    assert {cls.__name__ for cls in exported} == {row.name for row in DROP_INS}
    assert len({row.name for row in DROP_INS}) == len(DROP_INS)


@every_row
def test_it_has_monais_names(row):
    for alias in row.aliases:
        assert getattr(medaug.compat.monai, alias) is row.cls
        assert getattr(monai.transforms, alias) is row.original
    assert {row.name, *row.aliases} <= set(medaug.compat.monai.__all__)


@every_row
def test_it_takes_what_monais_takes_in_the_same_order_with_the_same_defaults(row):
    ours, theirs = (inspect.signature(cls).parameters for cls in (row.cls, row.original))
    assert list(ours) == list(theirs)
    for name, parameter in theirs.items():
        assert ours[name].kind == parameter.kind, name
        assert ours[name].default == parameter.default, name


@every_row
def test_it_is_a_random_map_transform_that_inverts(row):
    assert issubclass(row.cls, (MapTransform, RandomizableTransform))
    assert issubclass(row.cls, InvertibleTransform)


@every_row
@every_kind
@pytest.mark.parametrize("prob", [0.0, 1.0])
@pytest.mark.parametrize("dtypes", [(np.float32, np.float32), (np.int16, np.uint8)], ids=str)
def test_it_gives_the_type_and_dtype_that_monais_gives(row, kind, prob, dtypes):
    ours = row.build(prob=prob)(make_sample(kind, 3, *dtypes))
    theirs = row.build_original(prob=prob)(make_sample(kind, 3, *dtypes))
    assert ours.keys() >= {"image", "label", "case"}
    for key in ("image", "label"):
        assert type(ours[key]) is type(theirs[key]), key
        if key in row.cls(**row.arguments).keys:
            assert ours[key].dtype == theirs[key].dtype, key


@every_row
@pytest.mark.parametrize("prob", [0.0, 1.0])
def test_it_gives_plain_tensors_where_metadata_is_not_tracked(row, prob):
    set_track_meta(False)
    try:
        result = row.build(prob=prob)(make_sample("ndarray"))
    finally:
        set_track_meta(True)
    assert type(result["image"]) is torch.Tensor


@every_row
@every_kind
def test_prob_zero_changes_no_bit(row, kind):
    sample = make_sample(kind)
    result = row.build(prob=0.0)(sample)
    assert_same_voxels(result, sample)
    assert np.shares_memory(voxels(result)["image"], voxels(sample)["image"])
    if kind == "metatensor":
        assert torch.equal(result["image"].affine, sample["image"].affine)


@every_row
@every_kind
def test_it_changes_the_image_and_leaves_its_input(row, kind):
    sample = make_sample(kind)
    before = copy.deepcopy(sample)
    notes = {key: str(vars(sample[key])) for key in ("image", "label") if kind == "metatensor"}
    transform = row.build().set_random_state(seed=0)
    assert not all(same_voxels(transform(sample), before) for _ in range(5))
    assert_same_voxels(sample, before)
    assert {key: str(vars(sample[key])) for key in notes} == notes


@every_row
def test_it_fires_as_often_as_it_should(row):
    sample, transform = make_sample(rank=2), row.build(prob=0.3).set_random_state(seed=0)
    if 2 not in row.ranks:
        sample = make_sample()
    changed = sum(not same_voxels(transform(sample), sample) for _ in range(300))
    assert abs(changed - 90) < 4 * np.sqrt(300 * 0.3 * 0.7)


@every_row
def test_the_random_state_makes_it_again(row):
    sample = make_sample()
    one, other = (row.build(prob=0.5).set_random_state(seed=3) for _ in range(2))
    results = [one(sample) for _ in range(8)]
    for result in results:
        assert_same_voxels(result, other(sample))
    assert not all(same_voxels(results[0], result) for result in results)
    state = np.random.RandomState(3)
    assert_same_voxels(row.build(prob=0.5).set_random_state(state=state)(sample), results[0])


@every_row
@every_kind
def test_the_record_makes_the_sample_again_to_the_bit(row, kind):
    sample, transform = make_sample(kind), row.build()
    record = transform.sample(sample, generator(5))
    again = json.loads(json.dumps(record))
    assert_same_voxels(transform.apply(sample, record), row.build().apply(sample, again))


@every_row
def test_the_record_kept_with_the_sample_makes_it_again(row):
    sample = make_sample()
    result = row.build().set_random_state(seed=9)(sample)
    kept = json.loads(result["image"].applied_operations[-1]["extra_info"]["record"])
    assert_same_voxels(row.build().apply(sample, kept), result)


@every_row
def test_calling_keeps_nothing_on_the_transform(row):
    transform = row.build()

    def state() -> dict:
        return {n: repr(v) for n, v in vars(transform).items() if n not in ("R", "_tracing")}

    before = state()
    transform(make_sample())
    assert state() == before


@every_row
def test_it_pickles_with_its_random_state(row):
    transform = row.build().set_random_state(seed=7)
    transform(make_sample())
    again = pickle.loads(pickle.dumps(transform))
    assert_same_voxels(transform(make_sample()), again(make_sample()))


@every_row
def test_it_is_built_from_a_config(row):
    config = json.loads(json.dumps(row.config()))
    built = ConfigParser({"t": config}).get_parsed_content("t").set_random_state(seed=2)
    direct = row.build().set_random_state(seed=2)
    assert type(built) is row.cls
    assert_same_voxels(built(make_sample()), direct(make_sample()))


@every_row
def test_a_missing_key_is_an_error_unless_it_is_allowed(row):
    sample = make_sample()
    del sample["image"]
    with pytest.raises(KeyError, match="image"):
        row.build()(sample)
    transform = row.build(allow_missing_keys=True)
    assert "image" not in transform(sample)
    assert transform({"case": "one"}) == {"case": "one"}


@every_row
@every_kind
def test_images_of_two_dimensions_stay_that(row, kind):
    if 2 not in row.ranks:
        pytest.skip("MONAI's class takes three dimensions only")
    sample, transform = make_sample(kind, rank=2), row.build().set_random_state(seed=0)
    results = [transform(sample) for _ in range(5)]
    assert not all(same_voxels(result, sample) for result in results)
    assert {result["image"].ndim for result in results} == {3}


@every_row
def test_it_works_and_inverts_between_monais_transforms(row):
    sample = make_sample()
    compose = Compose(
        [
            EnsureTyped(["image", "label"]),
            ScaleIntensityd("image", 1.0, 2.0),
            row.build(),
            RandSpatialCropd(["image", "label"], (10, 10, 10), random_size=False),
        ]
    ).set_random_state(seed=0)
    for _ in range(3):
        result = compose(sample)
        assert result["image"].shape == (2, 10, 10, 10)
        back = compose.inverse(result)
        for key in ("image", "label"):
            assert back[key].shape == sample[key].shape
            assert back[key].applied_operations == []
            torch.testing.assert_close(back[key].affine, sample[key].affine)


@lazy_rows
@pytest.mark.parametrize("within", [True, False])
def test_lazy_or_not_the_result_is_the_same(row, within):
    """What MONAI has put off is done first, by ``Compose`` or, without one, by the class."""
    sample = make_sample()

    def pipeline(lazy: bool):
        before = Spacingd(["image", "label"], (1.0, 1.0, 1.0), mode=("bilinear", "nearest"))
        before.lazy = lazy
        transform = row.build(lazy=lazy)
        if within:
            return Compose([before, transform], lazy=lazy).set_random_state(seed=1)(sample)
        return transform.set_random_state(seed=1)(before(sample), lazy=lazy)

    eager, lazy = pipeline(False), pipeline(True)
    for key in ("image", "label"):
        assert not lazy[key].pending_operations
        assert lazy[key].shape == eager[key].shape
        assert lazy[key].dtype == eager[key].dtype
        torch.testing.assert_close(lazy[key].affine, eager[key].affine)
    np.testing.assert_allclose(lazy["image"], eager["image"], atol=1e-3)


@pytest.mark.parametrize("rank", [2, 3])
def test_all_work_in_a_cached_data_set_and_a_loader_with_two_workers(rank):
    """The random ones are drawn again in each epoch: the cache holds what comes before them."""
    transforms = [row.build() for row in DROP_INS if rank in row.ranks]
    compose = Compose([EnsureTyped(["image", "label"]), *transforms])
    compose.set_random_state(seed=0)
    samples = [make_sample(rank=rank) for _ in range(4)]
    dataset = CacheDataset(samples, compose, progress=False)
    assert_same_voxels(dataset._cache[0], samples[0])
    loader = DataLoader(dataset, batch_size=1, num_workers=2)
    epochs = [[batch["image"] for batch in loader] for _ in range(2)]
    assert len(epochs[0]) == 4
    images = [image for epoch in epochs for image in epoch]
    assert all(torch.isfinite(image).all() for image in images)
    assert not torch.equal(images[0], images[4])


@every_row
@pytest.mark.parametrize("wrong", ["text", np.zeros((2, 3)), np.zeros((1, 0, 3, 3), np.float32)])
def test_what_is_no_volume_is_refused_by_its_key(row, wrong):
    with pytest.raises((TypeError, ValueError), match="image"):
        row.build()({**make_sample(), "image": wrong})


@every_row
@pytest.mark.parametrize("prob", [-0.1, 1.5])
def test_an_impossible_probability_is_refused_when_built(row, prob):
    with pytest.raises(ValueError, match="prob"):
        row.build(prob=prob)
