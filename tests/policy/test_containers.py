"""What RandAugment and curricula promise as MONAI transforms, alone and one inside the other."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pytest
import torch
from containers import (
    BOTH,
    CONFIGS,
    CURRICULUM,
    INNER,
    KINDS,
    RANDAUGMENT,
    SHAPE,
    bits,
    built,
    make_sample,
    notes_of,
)
from monai.data import DataLoader, Dataset, MetaTensor, decollate_batch
from monai.transforms import Compose, Invertd, InvertibleTransform, MapTransform
from monai.transforms.traits import RandomizableTrait

import medaug.policy
from medaug.data import SeededDataset
from medaug.policy import Curriculumd, RandAugmentd
from medaug.ranges import Strength
from medaug.rng import generator
from medaug.transforms import RandFlipd, RandGaussianNoised

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning"),
]

every_config = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
every_kind = pytest.mark.parametrize("kind", KINDS)


def seeded(config: dict, seed: int = 0):
    return built(config).set_random_state(seed=seed)


@every_config
def test_it_is_a_random_monai_transform(config):
    container = built(config)
    assert isinstance(container, MapTransform)
    assert isinstance(container, InvertibleTransform)
    assert isinstance(container, RandomizableTrait)
    assert sorted(container.keys) == BOTH


@every_config
@every_kind
def test_the_same_seed_gives_the_same_output_and_others_others(config, kind):
    sample = make_sample(kind)
    outputs = [bits(seeded(config, seed)(sample)) for seed in (3, 3, *range(4, 12))]
    assert outputs[0] == outputs[1]
    assert (
        len(set(outputs)) > 5
    )  # an operation may change nothing, such as a flip that is not drawn


@every_config
@every_kind
@pytest.mark.parametrize("fires", [True, False])
def test_the_input_stays_as_it_is(config, kind, fires):
    sample = make_sample(kind)
    before = copy.deepcopy(sample)
    notes = {key: str(vars(sample[key])) for key in BOTH if kind == "metatensor"}
    container = seeded(config)
    for _ in range(3):
        strength = Strength(1.0, float(fires))
        record = container.sample(sample, container.randomize(), strength)
        once = container.apply(sample, record)
        kept = {key: str(notes_of(once, key)) for key in BOTH}
        container.inverse(container(once))
        assert {key: str(notes_of(once, key)) for key in BOTH} == kept
    assert sample.keys() == before.keys()
    assert bits(sample) == bits(before)
    assert {key: str(vars(sample[key])) for key in notes} == notes


@every_config
@every_kind
def test_output_is_of_the_input_kind(config, kind):
    sample = make_sample(kind)
    for seed in range(4):
        result = seeded(config, seed)(sample)
        assert all(type(result[key]) is type(sample[key]) for key in BOTH)
        assert np.asarray(result["image"]).dtype == np.float32
        assert np.asarray(result["label"]).dtype == np.uint8
        assert set(np.unique(np.asarray(result["label"]))) <= {0, 1, 2}
        assert result["case"] == "one"


@pytest.mark.parametrize("prob", [0.0, 1.0])
@pytest.mark.parametrize("space", [["flip"], ["gamma"]])
def test_images_come_out_as_float32_whatever_is_drawn(prob, space):
    sample = {"image": np.ones((1, *SHAPE), np.int16), "label": np.ones((1, *SHAPE), np.uint8)}
    result = RandAugmentd("image", "label", prob, space=space)(sample)
    assert (result["image"].dtype, result["label"].dtype) == (np.float32, np.uint8)


@every_kind
@pytest.mark.parametrize(
    "config",
    [
        {**RANDAUGMENT, "prob": 0.0},
        {**RANDAUGMENT, "operations": 0},
        {**CURRICULUM, "start": 0.0, "transforms": [*INNER[:1], *INNER[2:]]},
    ],
    ids=["prob 0", "no operations", "start 0"],
)
def test_what_does_not_happen_changes_no_bit_and_copies_no_voxel(config, kind):
    sample = make_sample(kind)
    container = seeded(config)
    for _ in range(5):
        result = container(sample)
        assert bits(result) == bits(sample)
        assert np.shares_memory(np.asarray(result["image"]), np.asarray(sample["image"]))
        (*_, note), (*_, label_note) = (notes_of(result, key) for key in BOTH)
        assert note["class"] == label_note["class"] == type(container).__name__


@every_config
@every_kind
def test_the_record_makes_the_sample_again_to_the_bit(config, kind):
    sample, container = make_sample(kind), built(config)
    for seed in range(4):
        record = container.sample(sample, generator(seed))
        again = json.loads(json.dumps(record))
        assert bits(container.apply(sample, record)) == bits(built(config).apply(sample, again))


@every_config
def test_the_record_kept_with_the_sample_makes_it_again(config):
    sample = make_sample()
    for seed in range(4):
        result = seeded(config, seed)(sample)
        for key in BOTH:
            note = notes_of(result, key)[-1]
            kept = json.loads(note["extra_info"]["record"])
            assert bits(built(config).apply(sample, kept)) == bits(result)


@every_config
def test_calling_is_sampling_and_applying(config):
    sample, container = make_sample(), seeded(config, 5)
    record = container.sample(sample, container.randomize())
    assert bits(container.apply(sample, record)) == bits(seeded(config, 5)(sample))


@every_config
def test_calling_keeps_nothing_on_it_or_on_what_is_inside(config):
    def state(transform) -> str:
        inner = [state(each) for each in getattr(transform, "transforms", ())]
        hidden = ("R", "_tracing", "transforms", "space")
        own = {name: repr(v) for name, v in vars(transform).items() if name not in hidden}
        return f"{own} {inner}"

    container = built(config)
    before = state(container)
    container(make_sample())
    assert state(container) == before


@every_config
@every_kind
def test_the_inverse_restores_grid_and_metadata(config, kind):
    sample, container = make_sample(kind), seeded(config)
    for _ in range(5):
        back = container.inverse(container(sample))
        for key in BOTH:
            assert back[key].shape == sample[key].shape
            assert notes_of(back, key) == []
            if kind == "metatensor":
                torch.testing.assert_close(back[key].affine, sample[key].affine)


FLIPS = {"_target_": "medaug.transforms.RandFlipd", "keys": BOTH}


@pytest.mark.parametrize(
    "config",
    [
        {**RANDAUGMENT, "space": ["flip"], "operations": 5, "magnitude": 10},
        {**CURRICULUM, "start": 1, "transforms": [FLIPS, {**FLIPS, "flip_prob": [0, 1, 0]}]},
    ],
    ids=["randaugment", "curriculum"],
)
@every_kind
def test_exact_steps_are_undone_exactly_within_compose(config, kind):
    sample = make_sample(kind)
    pipeline = Compose([RandFlipd(BOTH), built(config), RandFlipd(BOTH)]).set_random_state(seed=0)
    results = [pipeline(sample) for _ in range(6)]
    assert len({bits(result) for result in results}) > 1
    for result in results:
        back = pipeline.inverse(result)
        assert bits(back) == bits(sample)
        assert notes_of(back, "image") == notes_of(back, "label") == []


@every_config
def test_invertd_brings_a_prediction_back_and_leaves_the_keys_required(config):
    sample = make_sample()
    pipeline = Compose([built(config)]).set_random_state(seed=1)
    for _ in range(4):
        result = pipeline(sample)
        result["pred"] = MetaTensor((torch.as_tensor(result["image"][:1]) > 0).float())
        back = Invertd("pred", pipeline, orig_keys="image", nearest_interp=True)(result)
        assert back["pred"].shape == (1, *SHAPE)
        assert set(back["pred"].unique().tolist()) == {0, 1}  # nothing has been interpolated
        torch.testing.assert_close(back["pred"].affine, sample["image"].affine)
    with pytest.raises(KeyError, match="label"):
        built(config)({"image": sample["image"]})


def test_invertd_gives_back_what_each_transform_was_told_about_missing_keys():
    inner = [
        RandFlipd(BOTH, allow_missing_keys=True),
        RandGaussianNoised("image"),
        Curriculumd([RandFlipd(BOTH)], 1),
    ]
    container = Curriculumd(inner, 1)
    pipeline = Compose([container])
    result = pipeline(make_sample())
    result["pred"] = MetaTensor(torch.ones_like(result["image"]))
    Invertd("pred", pipeline, orig_keys="image")(result)
    assert [each.allow_missing_keys for each in inner] == [True, False, False]
    assert not inner[2].transforms[0].allow_missing_keys
    assert not container.allow_missing_keys


@every_config
def test_a_missing_key_is_an_error(config):
    sample = make_sample()
    del sample["image"]
    with pytest.raises(KeyError, match="image"):
        built(config)(sample)


def test_missing_keys_are_skipped_where_that_is_allowed():
    sample = make_sample()
    del sample["label"]
    container = RandAugmentd("image", "label", operations=4, allow_missing_keys=True)
    result = container.set_random_state(seed=0)(sample)
    assert "label" not in result
    assert container.inverse(result)["image"].shape == sample["image"].shape


@every_config
@pytest.mark.parametrize("wrong", ["text", np.zeros((2, 3)), np.zeros((1, 0, 3, 3), np.float32)])
def test_what_is_no_volume_is_refused_by_its_key(config, wrong):
    with pytest.raises((TypeError, ValueError), match="image"):
        built(config)({**make_sample(), "image": wrong})


@every_config
def test_it_pickles_with_its_random_state(config):
    container = seeded(config, 7)
    container(make_sample())
    again = pickle.loads(pickle.dumps(container))
    assert bits(container(make_sample())) == bits(again(make_sample()))


@every_config
@every_kind
def test_two_dimensional_samples_stay_two_dimensional(config, kind):
    sample, container = make_sample(kind, rank=2), seeded(config)
    for _ in range(6):
        result = container(sample)
        assert result["image"].ndim == result["label"].ndim == 3
        assert container.inverse(result)["image"].shape == sample["image"].shape


def unmarked(sample: dict) -> dict:
    """Take off the mark by which MONAI tells one transform from another of its class."""
    for key in BOTH:
        for note in notes_of(sample, key):
            note["id"] = "none"
    return sample


@every_config
@pytest.mark.parametrize(
    ("start", "kind"), [*(("fork", kind) for kind in KINDS), ("spawn", "metatensor")]
)
def test_it_works_in_a_loader_with_two_workers_and_its_batch_inverts(config, start, kind):
    samples = [make_sample(kind, seed=seed) for seed in range(4)]
    transform = Compose([built(config)])
    loader = DataLoader(
        Dataset(samples, transform), batch_size=2, num_workers=2, multiprocessing_context=start
    )
    for batch in loader:
        for item in decollate_batch(batch):
            back = transform.inverse(item if start == "fork" else unmarked(item))
            assert back["image"].shape == (2, *SHAPE)
            assert back["label"].shape == (1, *SHAPE)
            assert notes_of(back, "image") == []


@every_config
@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_samples_do_not_depend_on_workers(config, start):
    samples = [make_sample("ndarray", seed=seed) for seed in range(4)]
    alone = [bits(sample) for sample in SeededDataset(samples, built(config), 0)]
    loader = DataLoader(
        SeededDataset(samples, built(config), 0), num_workers=2, multiprocessing_context=start
    )
    assert [bits(sample) for sample in loader] == alone


@every_config
@every_kind
def test_a_sample_has_one_note_however_many_steps_there_were(config, kind):
    sample = make_sample(kind)
    container = seeded(config)
    known = None
    for _ in range(6):
        twice = container(container(sample))
        for key in BOTH:
            first, second = notes_of(twice, key)
            assert {note["class"] for note in (first, second)} == {type(container).__name__}
            known = known or (first.keys(), first["extra_info"].keys())
            assert known == (second.keys(), second["extra_info"].keys())


def test_points_move_along_and_back():
    sample = make_sample()
    sample["points"] = np.array([[3.0, 8.0, 12.0], [10.0, 20.0, 5.0]])
    options = {"point_keys": "points", "point_space": "voxel"}
    container = RandAugmentd(
        "image", "label", space=["rotate", "gamma"], operations=3, warp_options=options
    ).set_random_state(seed=0)
    moved = 0
    for _ in range(5):
        result = container(sample)
        moved += not np.allclose(result["points"], sample["points"])
        back = container.inverse(result)
        np.testing.assert_allclose(back["points"], sample["points"], atol=1e-6)
        assert back["points_transforms"] == []
    assert moved


@pytest.mark.parametrize("container", [RandAugmentd, Curriculumd])
def test_the_usual_aliases_are_there(container):
    stem = container.__name__.removesuffix("d")
    assert all(getattr(medaug.policy, stem + end) is container for end in ("d", "D", "Dict"))
