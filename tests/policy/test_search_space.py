from __future__ import annotations

from typing import Any

import pytest
import yaml

from medaug.policy import OPERATIONS, build_policy, parse_policy, policy_path, read_policy
from medaug.policy.search_space import FACTOR_LIMITS, Tunable, apply, tunables_of
from medaug.resources import configs_dir

SHIPPED = sorted(path.stem for path in (configs_dir() / "policies").glob("*.yaml"))

#: Operations without a magnitude that a factor could scale, and why.
NO_FACTOR = {
    "flip",  # its probability is searched
    "poisson_noise",  # noise goes with the root of the photons
    "field_strength",  # no change is at the field strength of the scan
}


def entries_of(policy: str) -> list[Any]:
    return parse_policy(read_policy(policy_path(policy)), policy)


def entry(name: str, **arguments: Any) -> dict[str, Any]:
    return {"_target_": f"medaug.transforms.{name}", "keys": "image", **arguments}


def by_name(entries: list[Any]) -> dict[str, Tunable]:
    return {tunable.name: tunable for tunable in tunables_of(entries)}


def build(entries: list[Any]) -> Any:
    return build_policy(yaml.safe_dump(entries), "test", spatial_size=[32, 32, 32])


@pytest.mark.parametrize("policy", SHIPPED)
@pytest.mark.parametrize("end", ["low", "high", "start"])
def test_every_corner_of_a_shipped_policy_can_be_built(policy: str, end: str) -> None:
    entries = entries_of(policy)
    build(apply(entries, {each.name: getattr(each, end) for each in tunables_of(entries)}))


@pytest.mark.parametrize("policy", SHIPPED)
def test_the_start_is_the_policy_itself_and_lies_inside(policy: str) -> None:
    entries = entries_of(policy)
    tunables = tunables_of(entries)
    assert apply(entries, {each.name: each.start for each in tunables}) == entries
    assert all(each.low <= each.start <= each.high for each in tunables)
    assert len({each.name for each in tunables}) == len(tunables)


def test_the_default_policy_has_every_probability_and_magnitude_that_it_writes_down() -> None:
    assert list(by_name(entries_of("default"))) == [
        "flip.prob",
        *("scale.scale", "scale.prob", "shear.degrees", "shear.prob"),
        *("rotate.degrees", "rotate.prob", "elastic.std_mm", "elastic.prob"),
        *("contrast.prob", "contrast.factor", "gamma.prob", "gamma.gamma"),
        *("gaussian_noise.prob", "gaussian_noise.std"),
    ]
    assert tunables_of(entries_of("none")) == []


def test_no_shipped_policy_has_a_probability_or_range_that_is_not_searched() -> None:
    """But for sizes and counts, and for the distance of control points."""
    fixed = {"keys", "mode", "spatial_size", "padding_value", "elastic_spacing_mm", "axis"}
    fixed |= {"holes", "sigma_mm"}
    for policy in SHIPPED:
        entries = entries_of(policy)
        changed = apply(entries, {each.name: each.low for each in tunables_of(entries)})
        for before, after in zip(flat(entries), flat(changed), strict=True):
            for key, value in before.items():
                if key in fixed or isinstance(value, str | bool) or key == "transforms":
                    continue
                assert after[key] != value, (policy, before["_target_"], key)


def flat(entries: list[Any]) -> list[dict[str, Any]]:
    return [part for each in entries for part in [each, *flat(each.get("transforms", []))]]


@pytest.mark.parametrize("name", sorted(OPERATIONS))
@pytest.mark.parametrize("factor", [0.4, 1.0])
def test_a_factor_draws_in_as_a_magnitude_does(name: str, factor: float) -> None:
    """Whatever the effects themselves take for no change is the independent reference."""
    row = OPERATIONS[name]
    keys = ["image", "label"] if row.moves_voxels else ["image"]
    arguments = yaml.safe_load(yaml.safe_dump({k: plain(v) for k, v in row.arguments.items()}))
    entries = [entry(row.transform.__name__, **arguments) | {"keys": keys}]
    tunables = [each for each in tunables_of(entries) if each.log]
    assert bool(tunables) != (name in NO_FACTOR)
    if not tunables:
        return
    (found,) = build(apply(entries, {each.name: factor for each in tunables})).transforms
    whole = row.build(keys)
    for ours, theirs in zip(effects_of(found), effects_of(whole), strict=True):
        assert_close(vars(ours), vars(theirs.at_magnitude(factor)))


def plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def effects_of(transform: Any) -> list[Any]:
    changes = getattr(transform, "steps", None) or transform.changes
    return [change.effect for change in changes]


def assert_close(ours: Any, theirs: Any) -> None:
    if isinstance(ours, dict):
        assert ours.keys() == theirs.keys()
        for key, value in ours.items():
            assert_close(value, theirs[key])
    elif isinstance(ours, tuple):
        for mine, yours in zip(ours, theirs, strict=True):
            assert_close(mine, yours)
    elif isinstance(ours, float):
        assert ours == pytest.approx(theirs, rel=1e-3, abs=1e-6)
    else:
        assert ours == theirs


@pytest.mark.parametrize(
    ("transform", "argument", "value", "expected"),
    [
        ("RandContrastd", "factor", [0.75, 1.5], [0.5, 2.0]),
        ("RandContrastd", "factor", 0.3, 0.6),
        ("RandContrastd", "factor", [0.4, 1.2], [0.1, 1.4]),  # stays above 0
        ("RandContrastd", "factor", [0.05, 1.2], [0.05, 1.4]),  # where the policy itself went
        ("RandZoomd", "zoom", 0.6, 0.9),  # 0.1 to 1.9
        ("RandLowResolutiond", "factor", 0.8, 0.6),  # a number means itself
        ("RandLowResolutiond", "factor", [[0.5, 1], [0.8, 1], 1], [[0.1, 1], [0.6, 1], 1]),
        ("RandGibbsd", "keep", [0.6, 0.95], [0.2, 0.9]),
        ("RandQuantumNoised", "dose", [0.2, 0.9], [0.05, 0.8]),
        ("RandMonotoneCurved", "strength", [0.3, 0.8], [0.6, 1.0]),
        ("RandClipd", "upper_percentile", [97, 99], [94, 98]),
        ("RandElasticd", "elastic_std_mm", [0.5, 2], [1, 4]),
        ("RandAffined", "shear_degrees", [-10, 20], [-20, 26]),
        ("RandAffined", "rotate_degrees", [10, [-5, 15], 0], [20, [-10, 30], 0]),
    ],
)
def test_the_factor_two_doubles_the_change_within_what_is_legal(
    transform: str, argument: str, value: Any, expected: Any
) -> None:
    entries = [entry(transform, **{argument: value})]
    (tunable,) = [each for each in tunables_of(entries) if each.log]
    assert (tunable.low, tunable.high, tunable.start) == (*FACTOR_LIMITS, 1.0)
    changed = apply(entries, {tunable.name: 2.0})
    assert_lists(changed[0][argument], expected)
    build(changed)


def assert_lists(ours: Any, expected: Any) -> None:
    if isinstance(expected, list):
        for mine, yours in zip(ours, expected, strict=True):
            assert_lists(mine, yours)
    else:
        assert ours == pytest.approx(expected)


def test_probabilities_of_axes_are_one_and_those_that_are_off_stay_off() -> None:
    entries = [entry("RandSpatiald", flip_prob=[0.4, 0, 0.2], rotate_degrees=9, rotate_prob=0.0)]
    tunables = by_name(entries)
    assert tunables.keys() == {"flip.prob"}
    assert (tunables["flip.prob"].low, tunables["flip.prob"].high) == (0.0, 0.5)
    assert apply(entries, {"flip.prob": 0.1})[0]["flip_prob"] == [0.1, 0, 0.05]


def test_a_probability_above_the_usual_one_is_the_limit() -> None:
    entries = [entry("RandGammad", prob=0.9, negate_prob=1), entry("RandGammad", prob=0.1)]
    tunables = by_name(entries)
    highs = {name: each.high for name, each in tunables.items() if not each.log}
    assert highs == {"gamma_1.prob": 0.9, "gamma_1.negate_prob": 1.0, "gamma_2.prob": 0.8}


def test_ranges_that_change_nothing_and_transforms_of_others_have_no_factor() -> None:
    entries = [
        entry("RandContrastd", prob=0.5, factor=[1, 1]),
        {"_target_": "monai.transforms.RandGaussianNoised", "keys": "image", "prob": 0.3, "std": 1},
        entry("RandSharpend", sigma_mm=[0.5, 1.0]),
    ]
    assert list(by_name(entries)) == ["contrast.prob", "gaussian_noise.prob"]


def test_entries_stay_as_they_are_and_aliases_are_copies() -> None:
    noise = entry("RandGaussianNoised", prob=0.2)
    entries = [noise, noise]
    changed = apply(entries, {"gaussian_noise_1.prob": 0.4})
    assert [each["prob"] for each in changed] == [0.4, 0.2]
    assert noise["prob"] == 0.2


def test_numbers_are_ones_that_a_person_can_read() -> None:
    entries = [entry("RandGaussianNoised", prob=0.2, std=[0.1, 0.3])]
    values = {"gaussian_noise.prob": 0.123456, "gaussian_noise.std": 1.23456}
    (changed,) = apply(entries, values)
    assert (changed["prob"], changed["std"]) == (0.1235, [0.1235, 0.3704])


def test_what_stays_at_its_start_is_not_even_rounded() -> None:
    entries = [entry("RandGaussianNoised", prob=0.123456, std=[0.123456, 0.3])]
    starts = {each.name: each.start for each in tunables_of(entries)}
    assert apply(entries, starts) == entries


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"gamma.probb": 0.1}, r"no tunable 'gamma.probb'; the policy has gamma.prob, gamma.gamma"),
        ({"gamma.prob": 0.81}, r"gamma.prob must lie between 0.0 and 0.8; got 0.81"),
    ],
)
def test_values_that_do_not_fit_are_refused(values: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        apply([entry("RandGammad", prob=0.1, gamma=[0.5, 2])], values)


def test_magnitudes_of_containers_are_searched() -> None:
    entries = [
        {
            "_target_": "medaug.policy.RandAugmentd",
            "keys": "image",
            "label_keys": "label",
            "prob": 0.5,
            "magnitude": 6,
        },
        {
            "_target_": "medaug.policy.Curriculumd",
            "epochs": 5,
            "transforms": [entry("RandGammad", prob=0.1)],
        },
    ]
    assert list(by_name(entries)) == ["augment.prob", "augment.magnitude", "gamma.prob"]
    changed = apply(entries, {"augment.magnitude": 2.0, "gamma.prob": 0.3})
    assert changed[0]["magnitude"] == 10
    assert changed[1]["transforms"][0]["prob"] == 0.3
    build(changed)
