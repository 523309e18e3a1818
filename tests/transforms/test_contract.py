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
from monai.transforms.traits import RandomizableTrait

import medaug.transforms
from medaug.ranges import Strength
from medaug.rng import generator

SHAPE = (14, 16, 18)
KINDS = ["ndarray", "tensor", "metatensor"]
every_kind = pytest.mark.parametrize("kind", KINDS)


def rows(wanted):
    return pytest.mark.parametrize("row", [row for row in CATALOGUE if wanted(row)], ids=str)


every_row = pytest.mark.parametrize("row", CATALOGUE, ids=str)
every_row_with_prob = rows(lambda row: row.takes("prob"))
every_random_row = rows(lambda row: row.random)
every_row_that_moves_voxels = rows(lambda row: row.moves_voxels)


def seeded(row: Row, seed: int = 0, **changed):
    transform = row.build(**changed)
    return transform.set_random_state(seed=seed) if row.random else transform


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


def same_voxels(one: dict, other: dict) -> bool:
    return all(np.array_equal(value, voxels(other)[key]) for key, value in voxels(one).items())


def assert_same_voxels(one: dict, other: dict) -> None:
    for key, value in voxels(one).items():
        np.testing.assert_array_equal(value, voxels(other)[key], err_msg=key)


def test_the_table_lists_every_transform():
    exported = {getattr(medaug.transforms, name) for name in medaug.transforms.__all__}
    assert {cls.__name__ for cls in exported} == {row.name for row in CATALOGUE}


@every_row
def test_it_is_a_monai_transform_with_the_usual_aliases(row):
    assert issubclass(row.cls, MapTransform)
    assert issubclass(row.cls, InvertibleTransform)
    assert all(getattr(medaug.transforms, alias) is row.cls for alias in row.aliases)
    assert {row.name, *row.aliases} <= set(medaug.transforms.__all__)


@every_row
def test_a_caching_data_set_can_tell_whether_it_is_random(row):
    assert issubclass(row.cls, RandomizableTrait) == row.random
    assert issubclass(row.cls, RandomizableTransform) == row.random


@every_row
@every_kind
def test_the_same_seed_gives_the_same_output(row, kind):
    sample = make_sample(kind)
    first, second = (seeded(row, seed=3)(sample) for _ in range(2))
    assert_same_voxels(first, second)


@every_random_row
def test_other_seeds_and_later_calls_give_other_outputs(row):
    sample = make_sample()
    by_seed = [seeded(row, seed=seed)(sample) for seed in range(6)]
    assert not all(same_voxels(by_seed[0], other) for other in by_seed[1:])
    transform = seeded(row)
    in_turn = [transform(sample) for _ in range(6)]
    assert not all(same_voxels(in_turn[0], other) for other in in_turn[1:])


@every_row
@every_kind
def test_it_changes_the_image(row, kind):
    sample, transform = make_sample(kind), seeded(row)
    before = voxels(sample)["image"]
    assert any(not np.array_equal(voxels(transform(sample))["image"], before) for _ in range(5))


@every_row
@every_kind
def test_output_is_of_the_input_kind(row, kind):
    sample = make_sample(kind)
    result = seeded(row, seed=1)(sample)
    for key in ("image", "label"):
        assert type(result[key]) is type(sample[key])
    assert np.asarray(result["image"]).dtype == np.float32
    assert np.asarray(result["label"]).dtype == np.uint8
    assert result["case"] == "one"


@rows(lambda row: not row.moves_voxels)
@every_kind
def test_intensities_of_half_precision_stay_that(row, kind):
    sample = make_sample(kind)
    sample["image"] = (
        sample["image"].astype(np.float16) if kind == "ndarray" else sample["image"].half()
    )
    result = seeded(row)(sample)
    assert np.asarray(result["image"]).dtype == np.float16
    assert np.isfinite(np.asarray(result["image"])).all()


@every_row
def test_only_moving_whole_voxels_keeps_the_dtype_of_an_image(row):
    sample = make_sample()
    sample["image"] = sample["image"].to(torch.int16)
    result = seeded(row)(sample)
    assert result["image"].dtype == (torch.int16 if row.keeps_dtype else torch.float32)
    assert result["label"].dtype == torch.uint8


def notes_on(sample: dict, key: str) -> list[dict]:
    return getattr(sample[key], "applied_operations", sample.get(f"{key}_transforms", []))


def check_that_the_input_stays(row: Row, kind: str, **changed) -> None:
    sample = make_sample(kind)
    before = copy.deepcopy(sample)
    # As texts: MONAI's deepcopy shares nested metadata with its original.
    notes = {key: str(vars(sample[key])) for key in ("image", "label") if kind == "metatensor"}
    transform = seeded(row, seed=1, **changed)
    once = transform(sample)
    counts = {key: len(notes_on(once, key)) for key in ("image", "label")}
    transform.inverse(transform(once))
    assert {key: len(notes_on(once, key)) for key in counts} == counts
    assert sample.keys() == before.keys()
    assert_same_voxels(sample, before)
    assert {key: str(vars(sample[key])) for key in notes} == notes


@every_row
@every_kind
def test_the_input_stays_as_it_is(row, kind):
    check_that_the_input_stays(row, kind)


@every_row_with_prob
@every_kind
def test_the_input_stays_as_it_is_when_nothing_fires(row, kind):
    check_that_the_input_stays(row, kind, prob=0.0)


@every_row_with_prob
@every_kind
def test_prob_zero_changes_no_bit_and_copies_no_voxel(row, kind):
    sample = make_sample(kind)
    result = row.build(prob=0.0)(sample)
    assert_same_voxels(result, sample)
    assert np.shares_memory(voxels(result)["image"], voxels(sample)["image"])


@rows(lambda row: row.identity is not None)
def test_firing_with_the_identity_changes_no_bit(row):
    sample = make_sample()
    result = row.build_identity()(sample)
    assert_same_voxels(result, sample)
    if row.moves_voxels:
        assert np.shares_memory(voxels(result)["image"], voxels(sample)["image"])
        torch.testing.assert_close(result["image"].affine, sample["image"].affine, rtol=0, atol=0)


@rows(lambda row: row.random and row.identity is not None and not row.resizes)
@pytest.mark.parametrize("nothing", [Strength(magnitude=0.0), Strength(prob=0.0)])
def test_at_no_strength_it_changes_no_bit(row, nothing):
    sample, transform = make_sample(), row.build()
    for seed in range(3):
        record = transform.sample(sample, generator(seed), nothing)
        assert_same_voxels(transform.apply(sample, record), sample)


@rows(lambda row: row.random)
def test_at_full_strength_it_is_what_it_is(row):
    sample, transform = make_sample(), row.build()
    full = transform.sample(sample, generator(4), Strength(1.0, 1.0))
    assert full == transform.sample(sample, generator(4))


@every_row
def test_labels_stay_a_subset(row):
    sample = make_sample()
    transform = seeded(row)
    known = set(np.unique(voxels(sample)["label"])) | {0}
    for _ in range(5):
        assert set(np.unique(voxels(transform(sample))["label"])) <= known


@every_row_that_moves_voxels
def test_image_and_label_stay_aligned(row):
    """The image holds its own coordinates and the label those of blocks of four voxels."""
    where = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij")).astype(np.float32)
    first, second, third = (where // 4).astype(np.uint8)
    sample = {"image": where, "label": (first * 25 + second * 5 + third + 10)[None]}
    transform = seeded(row, padding_mode="border")
    for _ in range(3):
        result = transform(sample)
        source = result["image"]
        clear = np.all(np.abs((source + 0.5) % 4 - 2) < 1.9, axis=0)  # of the faces of blocks
        assert clear.mean() > 0.5
        first, second, third = (source + 0.5) // 4
        expected = first * 25 + second * 5 + third + 10
        np.testing.assert_array_equal(result["label"][0][clear], expected[clear])


@rows(lambda row: not row.moves_voxels)
def test_an_intensity_transform_leaves_the_label_and_the_grid(row):
    sample = make_sample()
    result = seeded(row)(sample)
    np.testing.assert_array_equal(voxels(result)["label"], voxels(sample)["label"])
    torch.testing.assert_close(result["image"].affine, sample["image"].affine)


@every_row
@every_kind
def test_the_record_makes_the_sample_again_to_the_bit(row, kind):
    sample, transform = make_sample(kind), row.build()
    record = transform.sample(sample, generator(5))
    again = json.loads(json.dumps(record))
    assert_same_voxels(transform.apply(sample, record), row.build().apply(sample, again))


@rows(lambda row: row.random and not row.moves_voxels)
@pytest.mark.parametrize(
    "spoilt",
    [
        {"constant": lambda x: np.full_like(x, 3.0)},
        {"zero": np.zeros_like},
        {"one voxel": lambda x: x[:, :1, :1, :1]},
        {"one row": lambda x: x[:, :1, :1]},
        {"huge": lambda x: x * np.float32(1e30)},
        {"whole numbers": lambda x: (50 * x).astype(np.int16)},
    ],
    ids=lambda case: next(iter(case)),
)
def test_what_is_finite_stays_finite(row, spoilt):
    (spoil,) = spoilt.values()
    sample = make_sample("ndarray")
    sample["image"] = spoil(sample["image"])
    transform = seeded(row)
    for _ in range(3):
        image = transform(sample)["image"]
        assert np.isfinite(image).all()
        assert image.shape == sample["image"].shape


@rows(lambda row: row.random and not row.moves_voxels and row.takes("foreground"))
def test_only_the_foreground_changes_on_request(row):
    sample = make_sample("ndarray")
    sample["image"][:, :7] = 0
    sample["mask"] = (sample["image"][:1] != 0).astype(np.uint8)
    for foreground in ("nonzero", "mask"):
        transform = seeded(row, foreground=foreground)
        results = [transform(sample)["image"] for _ in range(5)]
        assert all((image[:, :7] == 0).all() for image in results)
        assert any((image[:, 7:] != sample["image"][:, 7:]).any() for image in results)


@rows(lambda row: row.random and not row.moves_voxels and row.takes("keep_range"))
@pytest.mark.parametrize("keep_range", ["clip", "rescale"])
def test_the_range_is_kept_on_request(row, keep_range):
    sample = make_sample("ndarray")
    low, high = (f(sample["image"], axis=(1, 2, 3)) for f in (np.min, np.max))
    transform = seeded(row, keep_range=keep_range)
    for _ in range(3):
        image = transform(sample)["image"]
        assert (image.min((1, 2, 3)) >= low - 1e-4).all()
        assert (image.max((1, 2, 3)) <= high + 1e-4).all()


@every_row
def test_the_record_kept_with_the_sample_makes_it_again(row):
    sample = make_sample()
    result = seeded(row, seed=9)(sample)
    kept = json.loads(result["image"].applied_operations[-1]["extra_info"]["record"])
    assert_same_voxels(row.build().apply(sample, kept), result)


@every_row
def test_calling_keeps_nothing_on_the_transform(row):
    transform = row.build()
    before = {name: repr(value) for name, value in vars(transform).items() if name != "R"}
    transform(make_sample())
    after = {name: repr(value) for name, value in vars(transform).items() if name != "R"}
    after.pop("_tracing", None)
    before.pop("_tracing", None)
    assert after == before


@every_row_with_prob
def test_the_trace_has_the_same_keys_whether_or_not_it_fired(row):
    (note,) = row.build(prob=0.0)(make_sample())["image"].applied_operations
    (other,) = row.build(prob=1.0)(make_sample())["image"].applied_operations
    assert note.keys() == other.keys()
    assert note["extra_info"].keys() == other["extra_info"].keys()
    assert None not in [*note["extra_info"].values(), *other["extra_info"].values()]


@every_row_that_moves_voxels
def test_the_inverse_restores_grid_and_metadata(row):
    sample, transform = make_sample(), seeded(row)
    for _ in range(3):
        back = transform.inverse(transform(sample))
        for key in ("image", "label"):
            assert back[key].shape == sample[key].shape
            assert back[key].applied_operations == []
            torch.testing.assert_close(back[key].affine, sample[key].affine)
            np.testing.assert_allclose(back[key].meta["pixdim"], sample[key].meta["pixdim"])


@every_row
def test_a_missing_key_is_an_error_unless_it_is_allowed(row):
    sample = make_sample()
    del sample["image"]
    with pytest.raises(KeyError, match="image"):
        row.build()(sample)
    result = row.build(allow_missing_keys=True)(sample)
    assert "image" not in result


@every_row
def test_it_is_built_from_a_config_and_its_arguments_are_plain(row):
    config = json.loads(json.dumps(row.config()))
    built = ConfigParser({"t": config}).get_parsed_content("t")
    direct = row.build()
    assert type(built) is row.cls
    if row.random:
        built.set_random_state(seed=2)
        direct.set_random_state(seed=2)
    assert_same_voxels(built(make_sample()), direct(make_sample()))


@every_row
def test_it_pickles_with_its_random_state(row):
    transform = seeded(row, seed=7)
    transform(make_sample())
    again = pickle.loads(pickle.dumps(transform))
    assert_same_voxels(transform(make_sample()), again(make_sample()))


@every_row
@every_kind
def test_two_dimensional_samples_stay_two_dimensional(row, kind):
    sample, transform = make_sample(kind, rank=2), seeded(row)
    results = [transform(sample) for _ in range(5)]
    assert not all(same_voxels(result, sample) for result in results)
    for result in results:
        assert result["image"].ndim == result["label"].ndim == 3
        assert row.resizes or result["image"].shape == sample["image"].shape
        assert transform.inverse(result)["image"].shape == sample["image"].shape


def unmarked(sample: dict) -> dict:
    """Take off the mark by which MONAI tells one transform from another of its class."""
    for key in ("image", "label"):
        for note in notes_on(sample, key):
            note["id"] = "none"
    return sample


@pytest.mark.parametrize(
    ("start", "kind"), [*(("fork", kind) for kind in KINDS), ("spawn", "metatensor")]
)
def test_all_work_in_a_loader_with_two_workers_and_its_batch_inverts(start, kind):
    samples = [make_sample(kind, seed=seed) for seed in range(4)]
    transform = Compose([row.build() for row in CATALOGUE])
    loader = DataLoader(
        Dataset(samples, transform), batch_size=2, num_workers=2, multiprocessing_context=start
    )
    for batch in loader:
        assert batch["image"].shape == (2, 2, 15, 15, 15)
        for item in decollate_batch(batch):
            # A spawned worker has transforms of its own.
            inverted = transform.inverse(unmarked(item))
            assert inverted["image"].shape == (2, *SHAPE)
            assert inverted["label"].shape == (1, *SHAPE)
            if kind == "metatensor":
                assert inverted["image"].applied_operations == []
                affine = samples[0]["image"].affine
                torch.testing.assert_close(inverted["image"].affine, affine)


@every_row
@pytest.mark.parametrize("wrong", ["text", np.zeros((2, 3)), np.zeros((1, 0, 3, 3), np.float32)])
def test_what_is_no_volume_is_refused_by_its_key(row, wrong):
    with pytest.raises((TypeError, ValueError), match="image"):
        row.build()({**make_sample(), "image": wrong})


@every_row_with_prob
@pytest.mark.parametrize("prob", [-0.1, 1.5, float("nan")])
def test_an_impossible_probability_is_refused_when_built(row, prob):
    with pytest.raises(ValueError, match=f"prob.*{prob}"):
        row.build(prob=prob)


def test_importing_medaug_alone_imports_nothing_heavy():
    code = "import sys, medaug; print(sorted({'torch', 'numba', 'monai'} & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
