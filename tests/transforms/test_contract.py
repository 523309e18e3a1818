"""What every transform promises, checked for every row of the table."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from catalogue import CATALOGUE, Row
from monai.bundle import ConfigParser
from monai.data import DataLoader, Dataset, MetaTensor, decollate_batch
from monai.transforms import Compose, InvertibleTransform, MapTransform, RandomizableTransform

import medaug.transforms
from medaug.rng import generator

SHAPE = (14, 16, 18)
KINDS = ["ndarray", "tensor", "metatensor"]
every_row = pytest.mark.parametrize("row", CATALOGUE, ids=lambda row: row.name)
every_kind = pytest.mark.parametrize("kind", KINDS)


def build(row: Row, **changed):
    return getattr(medaug.transforms, row.name)(**{**row.arguments, **changed})


def make_sample(kind: str = "metatensor", seed: int = 0, rank: int = 3) -> dict:
    rng = np.random.default_rng(seed)
    shape = SHAPE[:rank]
    image = rng.normal(size=(2, *shape)).astype(np.float32)
    label = (rng.random((1, *shape)) * 3).astype(np.uint8)
    wrap = {
        "ndarray": lambda x: x,
        "tensor": torch.from_numpy,
        "metatensor": lambda x: MetaTensor(
            x,
            affine=torch.diag(torch.tensor([1.0, 0.8, 1.2, 1.0], dtype=torch.float64)),
            meta={"pixdim": np.array([1, 1, 0.8, 1.2, 0, 0, 0, 0])},  # MONAI writes into it
        ),
    }[kind]
    return {"image": wrap(image), "label": wrap(label), "case": "one"}


def voxels(sample: dict) -> dict[str, np.ndarray]:
    return {key: np.asarray(sample[key]) for key in ("image", "label")}


def assert_same_voxels(one: dict, other: dict) -> None:
    for key, value in voxels(one).items():
        np.testing.assert_array_equal(value, voxels(other)[key], err_msg=key)


def test_the_table_lists_every_transform():
    exported = {getattr(medaug.transforms, name) for name in medaug.transforms.__all__}
    assert {cls.__name__ for cls in exported} == {row.name for row in CATALOGUE}


@every_row
def test_it_is_a_monai_transform_with_the_usual_aliases(row):
    cls = getattr(medaug.transforms, row.name)
    assert issubclass(cls, (RandomizableTransform, MapTransform, InvertibleTransform))
    stem = row.name.removesuffix("d")
    assert getattr(medaug.transforms, f"{stem}D") is cls
    assert getattr(medaug.transforms, f"{stem}Dict") is cls


@every_row
@every_kind
def test_the_same_seed_gives_the_same_output_and_another_seed_another(row, kind):
    sample = make_sample(kind)
    first, second = (build(row).set_random_state(seed=3)(sample) for _ in range(2))
    assert_same_voxels(first, second)
    other = build(row).set_random_state(seed=4)(sample)
    assert not np.array_equal(voxels(first)["image"], voxels(other)["image"])
    assert not np.array_equal(voxels(first)["image"], voxels(sample)["image"])


@every_row
@every_kind
def test_output_is_of_the_input_kind(row, kind):
    sample = make_sample(kind)
    result = build(row).set_random_state(seed=1)(sample)
    for key in ("image", "label"):
        assert type(result[key]) is type(sample[key])
    assert np.asarray(result["image"]).dtype == np.float32
    assert np.asarray(result["label"]).dtype == np.uint8
    assert result["case"] == "one"


@every_row
@every_kind
@pytest.mark.parametrize("prob", [0.0, 1.0])
def test_the_input_stays_as_it_is(row, kind, prob):
    sample = make_sample(kind)
    before = copy.deepcopy(sample)
    # As texts: MONAI's deepcopy shares nested metadata with its original.
    notes = {key: str(vars(sample[key])) for key in ("image", "label") if kind == "metatensor"}
    transform = build(row, prob=prob).set_random_state(seed=1)
    transform.inverse(transform(transform(sample)))
    assert sample.keys() == before.keys()
    assert_same_voxels(sample, before)
    assert {key: str(vars(sample[key])) for key in notes} == notes


@every_row
@every_kind
def test_prob_zero_changes_no_bit_and_copies_no_voxel(row, kind):
    sample = make_sample(kind)
    result = build(row, prob=0.0)(sample)
    assert_same_voxels(result, sample)
    assert np.shares_memory(voxels(result)["image"], voxels(sample)["image"])


@pytest.mark.parametrize(
    "row", [row for row in CATALOGUE if row.identity], ids=lambda row: row.name
)
def test_firing_with_the_identity_changes_no_bit(row):
    sample = make_sample()
    transform = getattr(medaug.transforms, row.name)(**row.identity)
    assert_same_voxels(transform(sample), sample)


@every_row
def test_labels_stay_a_subset(row):
    sample = make_sample()
    transform = build(row).set_random_state(seed=0)
    known = set(np.unique(voxels(sample)["label"])) | {0}
    for _ in range(5):
        assert set(np.unique(voxels(transform(sample))["label"])) <= known


@pytest.mark.parametrize(
    "row", [row for row in CATALOGUE if not row.moves_voxels], ids=lambda row: row.name
)
def test_an_intensity_transform_leaves_the_label_and_the_grid(row):
    sample = make_sample()
    result = build(row).set_random_state(seed=0)(sample)
    np.testing.assert_array_equal(voxels(result)["label"], voxels(sample)["label"])
    torch.testing.assert_close(result["image"].affine, sample["image"].affine)


@every_row
@every_kind
def test_the_record_makes_the_sample_again_to_the_bit(row, kind):
    sample, transform = make_sample(kind), build(row)
    record = transform.sample(sample, generator(5))
    again = json.loads(json.dumps(record))
    assert_same_voxels(transform.apply(sample, record), build(row).apply(sample, again))


@every_row
def test_the_record_kept_with_the_sample_makes_it_again(row):
    sample = make_sample()
    result = build(row).set_random_state(seed=9)(sample)
    kept = json.loads(result["image"].applied_operations[-1]["extra_info"]["record"])
    assert_same_voxels(build(row).apply(sample, kept), result)


@every_row
def test_calling_keeps_nothing_on_the_transform(row):
    transform = build(row)
    before = {name: repr(value) for name, value in vars(transform).items() if name != "R"}
    transform(make_sample())
    after = {name: repr(value) for name, value in vars(transform).items() if name != "R"}
    after.pop("_tracing", None)
    before.pop("_tracing", None)
    assert after == before


@every_row
@pytest.mark.parametrize("prob", [0.0, 1.0])
def test_the_trace_has_the_same_keys_whether_or_not_it_fired(row, prob):
    (note,) = build(row, prob=prob)(make_sample())["image"].applied_operations
    (other,) = build(row, prob=1.0)(make_sample())["image"].applied_operations
    assert note.keys() == other.keys()
    assert note["extra_info"].keys() == other["extra_info"].keys()
    assert None not in note["extra_info"].values()


@every_row
def test_a_missing_key_is_an_error_unless_it_is_allowed(row):
    sample = make_sample()
    del sample["image"]
    with pytest.raises(KeyError, match="image"):
        build(row)(sample)
    result = build(row, allow_missing_keys=True)(sample)
    assert "image" not in result


@every_row
def test_it_is_built_from_a_config_and_its_arguments_are_plain(row):
    config = json.loads(json.dumps({"_target_": row.target, **row.arguments}))
    built = ConfigParser({"t": config}).get_parsed_content("t")
    direct = build(row)
    for transform in (built, direct):
        transform.set_random_state(seed=2)
    assert_same_voxels(built(make_sample()), direct(make_sample()))


@every_row
def test_it_pickles_with_its_random_state(row):
    transform = build(row).set_random_state(seed=7)
    transform(make_sample())
    again = pickle.loads(pickle.dumps(transform))
    assert_same_voxels(transform(make_sample()), again(make_sample()))


@every_row
@every_kind
def test_two_dimensional_samples_stay_two_dimensional(row, kind):
    sample = make_sample(kind, rank=2)
    result = build(row).set_random_state(seed=0)(sample)
    assert result["image"].shape == sample["image"].shape
    assert not np.array_equal(voxels(result)["image"], voxels(sample)["image"])


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_all_work_in_a_loader_with_two_workers_and_its_batch_inverts(start):
    samples = [make_sample(seed=seed) for seed in range(4)]
    transform = Compose([build(row) for row in CATALOGUE])
    loader = DataLoader(
        Dataset(samples, transform), batch_size=2, num_workers=2, multiprocessing_context=start
    )
    for batch in loader:
        assert batch["image"].shape == (2, 2, *SHAPE)
        for item in decollate_batch(batch):
            # A spawned worker has transforms of its own; MONAI then matches them by this mark.
            for key in ("image", "label"):
                for note in item[key].applied_operations:
                    note["id"] = "none"
            inverted = transform.inverse(item)
            assert inverted["image"].shape == (2, *SHAPE)
            assert inverted["image"].applied_operations == []


@every_row
@pytest.mark.parametrize("wrong", ["text", np.zeros((2, 3)), np.zeros((1, 0, 3, 3), np.float32)])
def test_what_is_no_volume_is_refused_by_its_key(row, wrong):
    with pytest.raises((TypeError, ValueError), match="image"):
        build(row)({**make_sample(), "image": wrong})


@every_row
@pytest.mark.parametrize("prob", [-0.1, 1.5, float("nan")])
def test_an_impossible_probability_is_refused_when_built(row, prob):
    with pytest.raises(ValueError, match="prob"):
        build(row, prob=prob)


def test_importing_medaug_alone_imports_nothing_heavy():
    code = "import sys, medaug; print(sorted({'torch', 'numba', 'monai'} & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
