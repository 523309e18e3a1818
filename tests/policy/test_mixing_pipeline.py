"""Mixing as a transform and as a collate function: the contract of the transforms, and more."""

from __future__ import annotations

import copy
import json
import pickle
import random

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from monai.data import DataLoader, Dataset, MetaTensor, decollate_batch
from monai.transforms import Compose, MapTransform, RandFlipd
from monai.transforms.traits import RandomizableTrait

from medaug.data import SeededDataset
from medaug.policy import CarveMix, CutMix, MixCollate, MixUp, RandMixD, RandMixd, RandMixDict
from medaug.policy.mixing.volumes import Keys
from medaug.ranges import Strength
from medaug.rng import generator

SHAPE = (14, 16, 18)
BOTH = ("image", "label")
MIXES = {
    "dominant": MixUp(alpha=1.0, labels="dominant"),
    "onehot": MixUp(alpha=1.0, labels="onehot", n_classes=3),
    "cut": CutMix(),
    "carve": CarveMix(min_volume_mm3=0, margin=(0, 1)),
}
every_mix = pytest.mark.parametrize("mix", MIXES.values(), ids=MIXES)
every_kind = pytest.mark.parametrize("kind", ["ndarray", "tensor", "metatensor"])


def make_sample(seed: int = 0, kind: str = "metatensor", rank: int = 3) -> dict:
    """An image of noise and a label with a box of 1 and 2, elsewhere for every seed."""
    rng, shape = np.random.default_rng(seed), SHAPE[:rank]
    image = rng.normal(size=(2, *shape)).astype(np.float32) + 5
    label = np.zeros((1, *shape), np.uint8)
    corner = rng.integers(2, 9, rank)
    label[(0, *(slice(i, i + 3) for i in corner))] = 1
    label[(0, *corner)] = 2
    wrap = {
        "ndarray": lambda x: x,
        "tensor": torch.from_numpy,
        "metatensor": lambda x: MetaTensor(
            x,
            affine=torch.diag(torch.tensor([1.0, 0.8, 1.2, 1.0], dtype=torch.float64)),
            meta={"pixdim": np.array([1, 1, 0.8, 1.2, 0, 0, 0, 0]), "name": f"case {seed}"},
        ),
    }[kind]
    return {"image": wrap(image), "label": wrap(label), "case": f"case {seed}"}


def make_donors(kind: str = "metatensor", rank: int = 3) -> list[dict]:
    return [make_sample(seed, kind, rank) for seed in range(100, 104)]


def make_transform(mix, kind="metatensor", rank=3, seed=0, **changed) -> RandMixd:
    donors = changed.pop("donors", make_donors(kind, rank))
    return RandMixd("image", "label", donors, mix, **changed).set_random_state(seed=seed)


def voxels(sample: dict) -> dict[str, np.ndarray]:
    return {key: np.asarray(sample[key]) for key in BOTH}


def same(one: dict, other: dict) -> bool:
    return all(np.array_equal(value, voxels(other)[key]) for key, value in voxels(one).items())


def bytes_of(batch: dict) -> bytes:
    return b"".join(np.asarray(batch[key]).tobytes() for key in BOTH)


# The transform


def test_it_is_a_random_monai_transform_with_the_usual_aliases():
    assert issubclass(RandMixd, MapTransform)
    assert issubclass(RandMixd, RandomizableTrait)
    assert RandMixD is RandMixDict is RandMixd


@every_mix
@every_kind
@pytest.mark.parametrize("rank", [2, 3])
def test_seeds_decide_and_kind_rank_and_metadata_stay(mix, kind, rank):
    sample = make_sample(0, kind, rank)
    first, second = (make_transform(mix, kind, rank, seed=3)(sample) for _ in range(2))
    assert same(first, second)
    transform = make_transform(mix, kind, rank)
    in_turn = [transform(sample) for _ in range(8)]
    for key in BOTH:
        assert any(not np.array_equal(voxels(s)[key], voxels(in_turn[0])[key]) for s in in_turn)
        for result in in_turn:
            assert type(result[key]) is type(sample[key])
            assert result[key].shape[1:] == sample[key].shape[1:]
            assert result["case"] == "case 0"
            if kind == "metatensor":
                assert result[key].meta["name"] == "case 0"
                torch.testing.assert_close(result[key].affine, sample[key].affine)


@every_mix
@every_kind
@pytest.mark.parametrize("prob", [0.0, 1.0])
def test_sample_and_donors_stay_as_they_are(mix, kind, prob):
    sample, donors = make_sample(0, kind), make_donors(kind)
    given = [sample, *donors]
    before = copy.deepcopy(given)
    notes = [str(vars(s[key])) for s in given for key in BOTH if kind == "metatensor"]
    transform = make_transform(mix, donors=donors, prob=prob)
    for _ in range(4):
        transform.inverse(transform(sample))
    assert all(same(one, other) for one, other in zip(given, before, strict=True))
    assert [str(vars(s[key])) for s in given for key in BOTH if kind == "metatensor"] == notes
    assert all(s.keys() == b.keys() for s, b in zip(given, before, strict=True))


@every_mix
@every_kind
def test_prob_zero_changes_no_bit_copies_no_voxel_and_asks_for_no_donor(mix, kind):
    def no_donor(index):
        raise AssertionError

    sample = make_sample(0, kind)
    result = make_transform(mix, donors=no_donor, n_donors=3, prob=0.0)(sample)
    np.testing.assert_array_equal(voxels(result)["image"], voxels(sample)["image"])
    assert np.shares_memory(voxels(result)["image"], voxels(sample)["image"])
    if mix is not MIXES["onehot"]:
        assert same(result, sample)


@every_mix
def test_what_is_not_mixed_collates_with_what_is(mix):
    sample, *donors = (
        {**each, "image": each["image"].to(torch.int16)} for each in [make_sample(), *make_donors()]
    )
    transform = make_transform(mix, donors=donors, prob=0.5)
    results = [transform(sample) for _ in range(12)]
    notes = [r["image"].applied_operations[-1]["extra_info"]["record"] for r in results]
    assert {json.loads(note)["donor"] is None for note in notes} == {True, False}
    for key in BOTH:
        assert len({(r[key].dtype, r[key].shape) for r in results}) == 1


@every_mix
@every_kind
def test_the_record_makes_the_sample_again_to_the_bit(mix, kind):
    sample = make_sample(0, kind)
    for seed in range(4):
        transform = make_transform(mix, kind)
        record = transform.sample(sample, generator(seed))
        again = json.loads(json.dumps(record))
        first = transform.apply(sample, record)
        assert same(first, make_transform(mix, kind, seed=99).apply(sample, again))


@every_mix
def test_calling_is_sampling_and_applying_and_the_record_is_kept(mix):
    sample = make_sample()
    result = make_transform(mix, seed=9)(sample)
    transform = make_transform(mix, seed=9)
    assert same(transform.apply(sample, transform.sample(sample, transform.randomize())), result)
    for key in BOTH:
        kept = json.loads(result[key].applied_operations[-1]["extra_info"]["record"])
        assert same(make_transform(mix).apply(sample, kept), result)


@every_mix
@every_kind
def test_the_inverse_only_forgets(mix, kind):
    sample = make_sample(0, kind)
    transform = make_transform(mix, kind)
    result = transform(sample)
    back = transform.inverse(result)
    assert same(back, result)
    if kind == "metatensor":
        assert all(back[key].applied_operations == [] for key in BOTH)
        assert all(len(result[key].applied_operations) == 1 for key in BOTH)
    else:
        assert back.get("image_transforms") == []


@every_mix
def test_it_pickles_with_its_random_state_and_keeps_nothing(mix):
    transform = make_transform(mix, seed=7)
    before = {name: repr(value) for name, value in vars(transform).items() if name != "R"}
    transform(make_sample())
    after = {name: repr(value) for name, value in vars(transform).items() if name != "R"}
    assert {**before, "_tracing": 0} == {**after, "_tracing": 0}
    again = pickle.loads(pickle.dumps(transform))
    assert same(transform(make_sample()), again(make_sample()))


def test_deep_copies_share_the_donors_and_not_the_random_state():
    transform = make_transform(MIXES["cut"], seed=1)
    twin = copy.deepcopy(transform)
    assert twin.donors is transform.donors
    first, second = transform(make_sample()), transform(make_sample())
    assert same(twin(make_sample()), first)
    assert same(twin(make_sample()), second)


@every_mix
def test_strength_weakens_probability_and_magnitude(mix):
    sample, transform = make_sample(), make_transform(mix)
    never = transform.sample(sample, generator(0), Strength(1.0, 0.0))
    assert never["donor"] is None
    nothing = transform.apply(sample, transform.sample(sample, generator(0), Strength(0.0, 1.0)))
    assert same(nothing, make_transform(mix, prob=0.0)(sample))


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_a_seeded_data_set_gives_the_same_mixtures_whatever_the_workers(start):
    samples = [make_sample(seed) for seed in range(4)]
    mixing = [make_transform(mix) for name, mix in MIXES.items() if name != "onehot"]

    def run(**workers):
        dataset = SeededDataset(samples, Compose(mixing), seed=0)
        return [bytes_of(batch) for batch in DataLoader(dataset, batch_size=2, **workers)]

    assert run(num_workers=2, multiprocessing_context=start) == run()


@pytest.mark.parametrize("start", ["fork", "spawn"])
@every_kind
def test_it_works_in_a_plain_loader_with_two_workers_and_its_batch_inverts(start, kind):
    transform = Compose([make_transform(mix, kind) for mix in (MIXES["cut"], MIXES["onehot"])])
    samples = [make_sample(seed, kind) for seed in range(4)]
    loader = DataLoader(
        Dataset(samples, transform), batch_size=2, num_workers=2, multiprocessing_context=start
    )
    for batch in loader:
        assert batch["image"].shape == (2, 2, *SHAPE)
        assert batch["label"].shape == (2, 3, *SHAPE)
        for item in decollate_batch(batch):
            for key in BOTH:  # a spawned worker has transforms of its own
                for note in getattr(item[key], "applied_operations", item.get(f"{key}_transforms")):
                    note["id"] = "none"
            assert transform.inverse(item)["image"].shape == (2, *SHAPE)


def test_donors_may_be_a_data_set_or_a_function_and_are_transformed():
    donors = make_donors()
    expected = make_transform(MIXES["cut"], donors=donors)(make_sample())
    sources = [
        {"donors": Dataset(donors)},
        {"donors": donors.__getitem__, "n_donors": 4},
        {"donors": [0, 1, 2, 3], "donor_transform": donors.__getitem__},
        {"donors": range(4), "donor_transform": Compose([donors.__getitem__], map_items=False)},
    ]
    for source in sources:
        assert same(make_transform(MIXES["cut"], **source)(make_sample()), expected)


def test_a_random_donor_transform_is_part_of_the_record():
    flip = RandFlipd(BOTH, prob=0.5, spatial_axis=0)
    sample, transform = make_sample(), make_transform(MIXES["carve"], donor_transform=flip)
    with pytest.raises(ValueError, match="orientation"):  # MONAI notes the flip in the affine
        [transform(sample) for _ in range(20)]
    mix = CarveMix(min_volume_mm3=0, any_grid=True)
    transform = make_transform(mix, donor_transform=flip)
    for seed in range(6):
        record = transform.sample(sample, generator(seed))
        again = make_transform(mix, donor_transform=RandFlipd(BOTH, prob=0.5, spatial_axis=0))
        assert same(transform.apply(sample, record), again.apply(sample, record))


def test_every_donor_is_drawn_and_sees_what_it_is_given():
    sample = make_sample()
    transform = make_transform(MIXES["cut"])
    records = [transform.sample(sample, generator(seed)) for seed in range(60)]
    assert {record["donor"] for record in records} == {0, 1, 2, 3}
    record = {"donor": 2, "donor_seed": 0, "parameters": {"box": [[0, n] for n in SHAPE]}}
    assert same(transform.apply(sample, record), make_donors()[2])


def test_a_mask_says_what_the_foreground_is():
    def masked(sample):
        mask = np.zeros((1, *SHAPE), np.uint8)
        mask[:, :7] = 1
        return {**sample, "brain": mask}

    donors = [masked(donor) for donor in make_donors()]
    mix = CarveMix(min_volume_mm3=0, min_inside=1.0, margin=(0.1, 0.2))
    transform = make_transform(mix, donors=donors, foreground_key="brain")
    sample = masked(make_sample())
    sample["label"] = sample["label"] * 0
    placed = [voxels(transform(sample))["label"] for _ in range(10)]
    assert any(label.any() for label in placed)
    assert not any(label[:, 7:].any() for label in placed)
    with pytest.raises(KeyError, match="brain"):
        transform(make_sample())


@every_mix
def test_a_missing_key_is_an_error_unless_it_is_allowed(mix):
    sample = make_sample()
    del sample["image"]
    with pytest.raises(KeyError, match="image"):
        make_transform(mix)(sample)
    two = RandMixd(["image", "pet"], "label", make_donors(), mix, allow_missing_keys=True)
    assert "pet" not in two(make_sample())


def test_it_is_built_from_a_config():
    config = {
        "_target_": "medaug.policy.RandMixd",
        "keys": "image",
        "label_keys": "label",
        "donors": make_donors(),
        "mix": {"_target_": "medaug.policy.CarveMix", "lesion_labels": [1, 2], "margin": [0, 1]},
    }
    built = ConfigParser({"t": config}).get_parsed_content("t").set_random_state(seed=0)
    direct = make_transform(CarveMix((1, 2), margin=(0, 1)))
    assert same(built(make_sample()), direct(make_sample()))


def test_what_cannot_be_mixed_is_refused():
    other = make_donors(rank=2)
    with pytest.raises(ValueError, match="one spatial shape"):
        make_transform(CutMix(), donors=other)(make_sample())
    with pytest.raises(ValueError, match="no donor"):
        make_transform(CutMix(), donors=[])
    with pytest.raises(TypeError, match="n_donors"):
        make_transform(CutMix(), donors=make_sample)
    with pytest.raises(TypeError, match=r"mix must be MixUp"):
        make_transform(CutMix)
    with pytest.raises(ValueError, match="prob"):
        make_transform(CutMix(), prob=1.5)
    with pytest.raises(ValueError, match=r"share \['image'\]"):
        RandMixd("image", "image", make_donors(), CutMix())
    with pytest.raises(TypeError, match="image"):
        make_transform(CutMix())({**make_sample(), "image": "text"})


# The collate function


def make_collate(mix=MIXES["cut"], **changed) -> MixCollate:
    return MixCollate("image", "label", mix, **changed)


def make_batch(n: int = 4, kind: str = "metatensor", rank: int = 3) -> list[dict]:
    return [make_sample(seed, kind, rank) for seed in range(n)]


@every_mix
@every_kind
@pytest.mark.parametrize("rank", [2, 3])
def test_a_batch_is_mixed_the_same_way_each_time_and_its_samples_stay(mix, kind, rank):
    batch = make_batch(4, kind, rank)
    before = copy.deepcopy(batch)
    collate = make_collate(mix)
    first, second = collate(batch), pickle.loads(pickle.dumps(collate))(batch)
    assert bytes_of(first) == bytes_of(second)
    assert bytes_of(first) != bytes_of(make_collate(mix, prob=0.0)(batch))
    assert all(same(one, other) for one, other in zip(batch, before, strict=True))
    assert first["case"] == [f"case {i}" for i in range(4)]
    assert first["image"].shape == (4, 2, *SHAPE[:rank])
    if kind == "metatensor":
        for i, item in enumerate(decollate_batch(first)):
            assert item["image"].meta["name"] == f"case {i}"
            assert item["label"].applied_operations == []
            torch.testing.assert_close(item["image"].affine, batch[i]["image"].affine)


def test_seed_epoch_and_content_decide_and_no_global_state():
    batch = make_batch()
    reference = make_collate()
    states = [str(random.getstate()), str(torch.get_rng_state().tolist())]
    expected = reference.sample(batch)
    assert [str(random.getstate()), str(torch.get_rng_state().tolist())] == states
    torch.manual_seed(5)
    assert make_collate().sample(batch) == expected
    assert make_collate(seed=1).sample(batch) != expected
    reference.set_epoch(1)
    assert reference.sample(batch) != expected
    reference.set_epoch(0)
    assert reference.sample(batch) == expected
    other = make_batch()
    other[2]["image"] = other[2]["image"] + 1
    assert reference.sample(other) != expected


def test_each_sample_is_the_donor_of_one_other():
    for seed in range(10):
        records = make_collate(seed=seed).sample(make_batch(5))
        donors = [record["donor"] for record in records]
        assert sorted(donors) == [0, 1, 2, 3, 4]
        assert all(donor != index for index, donor in enumerate(donors))


def test_donors_are_the_samples_as_they_were_before():
    batch, collate = make_batch(), make_collate(MIXES["dominant"])
    records = [{"donor": (i + 1) % 4, "parameters": {"share": 1.0}} for i in range(4)]
    mixed = collate.apply(batch, records)
    assert all(same(mixed[i], batch[(i + 1) % 4]) for i in range(4))


def test_so_many_samples_are_mixed_as_prob_says():
    batch = [make_sample(seed, "ndarray", 2) for seed in range(10)]
    records = [r for seed in range(60) for r in make_collate(prob=0.3, seed=seed).sample(batch)]
    share = np.mean([record["donor"] is not None for record in records])
    assert abs(share - 0.3) < 4 * np.sqrt(0.3 * 0.7 / 600)


def test_a_single_sample_has_nothing_to_be_mixed_with():
    (record,) = make_collate().sample(make_batch(1))
    assert record["donor"] is None
    batch = make_collate(MIXES["onehot"])(make_batch(1))
    assert batch["label"].shape == (1, 3, *SHAPE)


def test_crops_that_come_in_lists_count_as_samples():
    batch = make_batch()
    nested = make_collate()([batch[:2], batch[2:]])
    assert bytes_of(nested) == bytes_of(make_collate()(batch))


@every_mix
@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_batches_do_not_depend_on_the_workers(mix, start):
    collate = make_collate(mix, seed=4)

    def run(**workers):
        loader = DataLoader(Dataset(make_batch(6)), batch_size=3, collate_fn=collate, **workers)
        return [bytes_of(batch) for batch in loader]

    alone = run()
    assert len(set(alone)) == 2
    assert run(num_workers=2, multiprocessing_context=start) == alone


def test_running_workers_see_a_new_epoch():
    collate = make_collate()
    loader = DataLoader(
        Dataset(make_batch()),
        batch_size=4,
        collate_fn=collate,
        num_workers=1,
        persistent_workers=True,
        multiprocessing_context="spawn",
    )
    (first,) = map(bytes_of, loader)
    collate.set_epoch(1)
    (second,) = map(bytes_of, loader)
    assert first != second
    assert second == bytes_of(collate(make_batch()))


def test_another_collate_function_may_be_given_and_bad_arguments_are_refused():
    assert make_collate(collate_fn=len)(make_batch()) == 4
    with pytest.raises(ValueError, match="seed"):
        make_collate(seed=-1)
    with pytest.raises(ValueError, match="prob"):
        make_collate(prob=2)
    with pytest.raises(TypeError, match="mix"):
        make_collate(mix="cut")
    with pytest.raises(TypeError, match="foreground_key"):
        make_collate(foreground_key=None)


# Real tumours


def test_real_tumours_land_inside_the_brain_and_keep_their_classes(shared_data):
    nib = pytest.importorskip("nibabel")
    folder = shared_data / "BraTS2018"
    if not folder.is_dir():
        pytest.skip(f"no BraTS scans at {folder}")
    cases = []
    for case in sorted(path for path in folder.iterdir() if path.is_dir())[:2]:
        arrays = [
            np.asarray(nib.load(case / f"{case.name}_{name}.nii.gz").dataobj)[
                40:200:2, 30:210:2, ::2
            ]
            for name in ("flair", "seg")
        ]
        cases.append({"image": arrays[0][None], "label": arrays[1][None].astype(np.uint8)})
    mix, keys = CarveMix(lesion_labels=(1, 2, 4)), Keys(("image",), ("label",))
    own, donor = (keys.case_of(case) for case in cases)
    placed = 0
    for seed in range(4):
        parameters = mix.sample(generator(seed), own, donor)
        placed += parameters["placed"]
        mixed = mix.apply(own, donor, parameters)
        before, after = own.labels["label"], mixed.labels["label"]
        assert set(np.unique(after)) <= {0, 1, 2, 4}
        np.testing.assert_array_equal(after[before > 0], before[before > 0])
        brain = own.foreground()
        assert not after[0][~brain & (before[0] == 0)].any()
        assert not mixed.images["image"][:, ~brain].any()
    assert placed
