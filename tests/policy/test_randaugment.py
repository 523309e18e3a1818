"""RandAugment draws as many operations as it is told, evenly, at the magnitude of the table."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from monai.transforms import RandFlipd as MonaiFlipd
from scipy.stats import chisquare, kstest

import medaug.transforms
from medaug.geometry import Warp
from medaug.policy import NOT_OPERATIONS, OPERATIONS, RandAugmentd, load_policy, operation_names
from medaug.policy.operations import Operation
from medaug.ranges import Strength
from medaug.rng import generator
from medaug.transforms import RandAffined, RandContrastd, RandIntensityScaled
from medaug.transforms.base import RandDictTransform

SHAPE = (34, 36, 38)
every_operation = pytest.mark.parametrize("name", OPERATIONS)


def make_sample() -> dict:
    rng = np.random.default_rng(0)
    image = rng.normal(size=(1, *SHAPE)).astype(np.float32)
    return {"image": image, "label": rng.integers(0, 3, (1, *SHAPE), np.uint8)}


def built(row: Operation):
    return row.build(("image", "label") if row.moves_voxels else ("image",))


def test_every_random_transform_has_a_row_or_a_reason_why_not():
    exported = {getattr(medaug.transforms, name) for name in medaug.transforms.__all__}
    random = {cls.__name__ for cls in exported if issubclass(cls, RandDictTransform)}
    rows = {row.transform.__name__ for row in OPERATIONS.values()}
    assert random - rows == set(NOT_OPERATIONS)
    assert rows <= random


def test_what_suits_any_image_suits_mr_and_every_operation_suits_something():
    anything, mr, ct = (set(operation_names(modality)) for modality in ("any", "mr", "ct"))
    assert anything < mr
    assert mr | ct == set(OPERATIONS)
    assert {"rician_noise", "bias_field", "motion", "gibbs"} <= mr - anything
    assert {"quantum_noise", "metal_streaks"} <= ct - mr
    assert "gamma" not in ct  # it would turn one tissue into another
    with pytest.raises(ValueError, match="'pet'"):
        operation_names("pet")


@every_operation
def test_every_operation_changes_the_image_at_full_strength(name):
    row, sample = OPERATIONS[name], make_sample()
    if row.suits == ("ct",):
        sample["image"] *= 1000
    transform = built(row).set_random_state(seed=0)
    assert any(not np.array_equal(transform(sample)["image"], sample["image"]) for _ in range(10))


@every_operation
def test_every_operation_changes_as_good_as_nothing_at_magnitude_zero(name):
    row, sample = OPERATIONS[name], make_sample()
    if row.suits == ("ct",):
        sample["image"] *= 1000
    transform = built(row)
    span = np.ptp(sample["image"])
    for seed in range(5):
        record = transform.sample(sample, generator(seed), Strength(0.0))
        result = transform.apply(sample, record)
        np.testing.assert_allclose(result["image"], sample["image"], atol=1e-4 * span)
        np.testing.assert_array_equal(result["label"], sample["label"])


@pytest.mark.parametrize("operations", [0, 1, 2, 5])
def test_it_draws_as_many_operations_as_it_is_told(operations):
    space = [RandContrastd("image"), RandIntensityScaled("image")]
    augment = RandAugmentd("image", (), operations=operations, space=space)
    sample = make_sample()
    for seed in range(10):
        assert len(augment.sample(sample, generator(seed))["steps"]) == operations


def test_all_operations_are_drawn_with_the_same_chance():
    space = ["contrast", "gamma", "intensity_scale", "gaussian_noise", "bias_field"]
    augment = RandAugmentd("image", "label", operations=2, space=space)
    sample = {key: value[:, :2, :2, :2] for key, value in make_sample().items()}
    counts: Counter[int] = Counter()
    pairs: Counter[tuple[int, ...]] = Counter()
    for seed in range(2000):
        drawn = [step["index"] for step in augment.sample(sample, generator(seed))["steps"]]
        counts.update(drawn)
        pairs[tuple(drawn)] += 1
    assert chisquare([counts[index] for index in range(5)]).pvalue > 0.001
    assert len(pairs) == 25  # in every order, twice the same included
    assert chisquare(list(pairs.values())).pvalue > 0.001


@pytest.mark.parametrize("prob", [0.0, 0.3, 1.0])
def test_prob_is_how_often_anything_is_drawn(prob):
    augment = RandAugmentd("image", (), prob, space=["contrast"])
    sample = {"image": np.ones((1, 2, 2, 2), np.float32)}
    fired = sum(bool(augment.sample(sample, generator(seed))["steps"]) for seed in range(1000))
    assert abs(fired / 1000 - prob) <= 4 * np.sqrt(prob * (1 - prob) / 1000)


@pytest.mark.parametrize("magnitude", [0, 2.5, 5, 10])
def test_ranges_are_those_of_the_table_times_the_magnitude_over_ten(magnitude):
    space = [RandContrastd("image", factor=(0.4, 1.8))]
    augment = RandAugmentd("image", (), operations=1, magnitude=magnitude, space=space)
    sample = {"image": np.ones((1, 2, 2, 2), np.float32)}
    records = [augment.sample(sample, generator(seed)) for seed in range(400)]
    factors = [r["steps"][0]["record"]["parameters"]["image"][0][0]["factor"] for r in records]
    low, high = 1 - 0.06 * magnitude, 1 + 0.08 * magnitude
    if magnitude == 0:
        assert set(factors) == {1.0}
    else:
        assert kstest(factors, "uniform", (low, high - low)).pvalue > 0.001


def test_what_moves_voxels_is_one_warp_that_goes_first():
    augment = RandAugmentd("image", "label", operations=12, space=["rotate", "contrast", "shear"])
    sample = make_sample()
    record = augment.sample(sample, generator(0))
    first, *others = record["steps"]
    assert "warp" in first["record"]
    assert len(others) >= 1
    assert all("parameters" in step["record"] for step in others)
    result = augment.apply(sample, record)
    warp = Warp.from_dict(first["record"]["warp"])
    assert not np.allclose(warp.affine_part(), np.eye(4))
    alone = RandAffined(["image", "label"], mode=["linear", "vote"])
    np.testing.assert_array_equal(alone.apply(sample, first["record"])["label"], result["label"])


def test_labels_only_move():
    sample = make_sample()
    augment = RandAugmentd("image", "label", space=["gamma", "gaussian_noise", "blur"])
    for _ in range(5):
        result = augment(sample)
        assert result["label"] is sample["label"]
        assert not np.array_equal(result["image"], sample["image"])


def test_left_and_right_labels_change_places_when_a_flip_is_drawn():
    sample = make_sample()
    augment = RandAugmentd(
        "image", "label", space=["flip"], operations=1, magnitude=10, swap_labels=[(1, 2)]
    )
    swapped = np.array([0, 2, 1], np.uint8)[sample["label"]][:, ::-1]
    results = [augment.apply(sample, augment.sample(sample, generator(s))) for s in range(20)]
    same = [np.array_equal(each["label"], sample["label"]) for each in results]
    assert 0 < sum(same) < 20
    for each, unchanged in zip(results, same, strict=True):
        assert unchanged or np.array_equal(each["label"], swapped)


def test_options_reach_all_operations_that_take_them():
    augment = RandAugmentd(
        "image",
        "label",
        warp_options={"padding_value": [-3, 0], "mode": ["cubic", "nearest"]},
        intensity_options={"per_channel": True, "foreground": "nonzero"},
    )
    for transform in augment.space:
        if hasattr(transform, "samplings"):
            assert [each.mode for each in transform.samplings] == ["cubic", "nearest"]
            assert transform.samplings[0].padding_value == -3
        else:
            (change,) = transform.changes
            assert (change.per_channel, change.foreground) == (True, "nonzero")


def test_a_space_may_mix_names_and_transforms():
    augment = RandAugmentd("image", "label", space=["contrast", RandIntensityScaled("image")])
    assert [type(t) for t in augment.space] == [RandContrastd, RandIntensityScaled]
    assert len(RandAugmentd("image", "label", space="gamma").space) == 1
    assert len(RandAugmentd("image", "label", space="mr").space) == len(operation_names("mr"))


def test_a_policy_file_may_have_it(tmp_path):
    file = tmp_path / "randaugment.yaml"
    file.write_text(
        "- _target_: medaug.policy.RandAugmentd\n"
        "  keys: image\n"
        "  label_keys: label\n"
        "  space: [rotate, gamma, {_target_: medaug.transforms.RandContrastd, keys: image}]\n"
    )
    sample = make_sample()
    policy = load_policy(file).set_random_state(seed=0)
    assert any(not np.array_equal(policy(sample)["image"], sample["image"]) for _ in range(5))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"magnitude": 11}, ValueError, "magnitude must lie between 0 and 10; got 11"),
        ({"magnitude": float("nan")}, ValueError, "magnitude.*nan"),
        ({"operations": -1}, ValueError, "operations must not be negative"),
        ({"operations": 1.5}, TypeError, "operations must be an integer"),
        ({"prob": 1.2}, ValueError, "prob must lie"),
        ({"space": ["gama"]}, ValueError, "'gama'.*did you mean 'gamma'"),
        ({"space": "pet"}, ValueError, "unknown operation 'pet'"),
        ({"space": []}, ValueError, "at least one transform"),
        ({"space": [MonaiFlipd("image")]}, TypeError, "medaug's transforms only; got RandFlipd"),
        ({"space": ["rotate", RandAffined("image")]}, ValueError, "disagree about keys"),
        ({"warp_options": {"mod": "linear"}}, TypeError, "no argument mod"),
        ({"intensity_options": {"per_chanel": True}}, TypeError, "no argument per_chanel"),
        ({"label_keys": (), "swap_labels": [(1, 2)]}, ValueError, "swap_labels need label_keys"),
    ],
)
def test_wrong_arguments_are_refused_when_it_is_built(arguments, error, message):
    with pytest.raises(error, match=message):
        RandAugmentd(**{"keys": "image", "label_keys": "label", **arguments})


def test_the_table_is_plain():
    assert json.loads(json.dumps([dict(row.arguments) for row in OPERATIONS.values()]))
