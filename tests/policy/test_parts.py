"""Policies taken apart."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import yaml

from medaug.geometry import Warp
from medaug.policy import build_policy, only, parse_policy, parts_of, policy_path, without
from medaug.resources import configs_dir
from medaug.rng import generator
from medaug.transforms import RandSpatiald

SHIPPED = sorted(path.stem for path in (configs_dir() / "policies").glob("*.yaml"))
PATCH = (12, 14, 16)

SPATIAL: dict[str, Any] = {
    "_target_": "medaug.transforms.RandSpatiald",
    "keys": ["image", "label"],
    "spatial_size": "@spatial_size",
    "rotate_degrees": 20,
    "rotate_prob": 1,
    "scale": [0.7, 0.8],
    "scale_of": "field",
    "translate_mm": [3, 4],
    "elastic_spacing_mm": 16,
    "elastic_std_mm": [1, 2],
    "flip_prob": [0, 1, 0],
    "mode": ["linear", "nearest"],
}


def noise(name: str = "RandGaussianNoised", **arguments: Any) -> dict[str, Any]:
    return {"_target_": f"medaug.transforms.{name}", "keys": "image", **arguments}


def fused(*members: dict[str, Any], target: str = "medaug.transforms.FusedIntensity") -> dict:
    return {"_target_": target, "transforms": list(members)}


def shipped(name: str) -> list[Any]:
    return parse_policy(policy_path(name).read_text(), name)


def names(entries: list[Any]) -> list[str]:
    return [part.name for part in parts_of(entries)]


def built(entries: list[Any]):
    return build_policy(yaml.safe_dump(entries), "policy", spatial_size=PATCH)


def region() -> dict[str, np.ndarray]:
    grid = np.indices((20, 22, 24)).sum(0, keepdims=True)
    return {"image": grid.astype(np.float32), "label": (grid > 30).astype(np.uint8)}


def test_the_parts_of_default_are_its_effects_and_the_members_of_its_container():
    assert names(shipped("default")) == [
        *("flip", "scale", "shear", "rotate", "elastic"),
        *("contrast", "gamma", "gaussian_noise"),
    ]
    assert names(shipped("none")) == []


def test_equal_parts_are_numbered_in_their_order():
    assert names(shipped("nnunet"))[-2:] == ["gamma_1", "gamma_2"]
    twice = [SPATIAL, deepcopy(SPATIAL)]
    assert [n for n in names(twice) if "rotate" in n] == ["rotate_1", "rotate_2"]


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("medaug.transforms.RandBiasFieldd", "bias_field"),
        ("medaug.transforms.RandBiasFieldDict", "bias_field"),
        ("medaug.transforms.RandCutOutD", "cut_out"),
        ("medaug.policy.RandAugmentd", "augment"),
        ("monai.transforms.RandKSpaceSpikeNoised", "k_space_spike_noise"),
        ("monai.transforms.Rand3DElasticd", "3d_elastic"),
        ("monai.transforms.NormalizeIntensityd", "normalize_intensity"),
    ],
)
def test_names_are_those_of_the_transforms_as_words(target, name):
    assert names([{"_target_": target, "keys": "image"}]) == [name]


@pytest.mark.parametrize(
    "off",
    [
        {"rotate_degrees": 0},
        {"rotate_degrees": [0, 0]},
        {"rotate_degrees": [0, [0, 0], 0]},
        {"rotate_prob": 0},
        {"rotate_prob": 0.0},
    ],
)
def test_an_effect_that_is_switched_off_is_no_part(off):
    assert names([SPATIAL | off]) == ["flip", "scale", "translate", "elastic"]


@pytest.mark.parametrize(
    ("argument", "value", "changes"),
    [
        ("scale", 0, False),
        ("scale", [1, 1], False),
        ("scale", [[1, 1], 0, 0], False),
        ("scale", 0.1, True),
        ("scale", [0, 0, 0.1], True),
        ("flip_prob", 0, False),
        ("flip_prob", [0, 0, 0], False),
        ("flip_prob", [0, 0.5, 0], True),
        ("rotate_degrees", [0, 0, [5, 6]], True),
        ("elastic_std_mm", [0, 0], False),
        ("elastic_std_mm", 2, True),
    ],
)
def test_an_effect_is_on_where_its_argument_changes_something(argument, value, changes):
    entry = {"_target_": "medaug.transforms.RandSpatiald", "keys": "image", argument: value}
    assert names([entry]) == ([argument.split("_")[0]] if changes else [])


def test_what_is_nested_in_containers_that_run_all_members_is_found():
    inner = fused(noise(std=0.1), noise("RandGammad", gamma=0.2))
    nested = fused(SPATIAL, inner, target="medaug.policy.Curriculumd") | {"epochs": 3}
    one_of = fused(noise(std=0.1), noise(std=0.2), target="monai.transforms.OneOf")
    whole = fused(nested, one_of, target="monai.transforms.Compose")
    assert names([whole]) == [
        *("flip", "scale", "rotate", "translate", "elastic"),
        *("gaussian_noise", "gamma", "one_of"),
    ]
    part = parts_of([whole])[5]
    (left,) = without([whole], part)
    assert names([left]) == [n for n in names([whole]) if n != "gaussian_noise"]
    assert left["transforms"][0]["epochs"] == 3
    built([left])


def test_a_container_without_members_goes():
    entries = [SPATIAL, fused(noise(std=0.1))]
    assert without(entries, parts_of(entries)[-1]) == [SPATIAL]
    assert [entry["_target_"] for entry in only(entries, parts_of(entries)[0])] == [
        SPATIAL["_target_"]
    ]


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_policy_comes_apart_and_can_be_built(name):
    entries = shipped(name)
    before = deepcopy(entries)
    parts = parts_of(entries)
    assert len({part.name for part in parts}) == len(parts)
    assert all(part.name.replace("_", "").isalnum() for part in parts)
    for part in parts:
        base = [p.address for p in parts if p != part]
        assert len(parts_of(without(entries, part))) == len(base)
        (alone,) = parts_of(only(entries, part))
        assert alone.name == part.name.rstrip("0123456789").rstrip("_")
        built(without(entries, part))
        built(only(entries, part))
    assert entries == before


@pytest.mark.parametrize(
    "entries", [shipped("heavy"), [SPATIAL, fused(noise(std=0.1), noise("RandGammad", gamma=0.2))]]
)
def test_all_parts_but_one_and_that_one_make_up_the_policy(entries):
    """Each member and each argument of an effect is in exactly one of the two."""
    for part in parts_of(entries):
        rest, alone = without(entries, part), only(entries, part)
        for_all = {"_target_", "keys", "spatial_size", "mode"}
        one, other = set(rest[0]) - for_all, set(alone[0]) - for_all
        assert one | other == set(entries[0]) - for_all
        assert not one & other
        members = [e["transforms"] for each in (rest, alone) for e in each[1:]]
        assert sorted(str(m) for ms in members for m in ms) == sorted(
            str(m) for m in entries[1]["transforms"]
        )


def effects_of(entries: list[Any]) -> set[str]:
    """What a sample of a spatial transform shows, with flips along the second axis."""
    (transform,) = built(entries).transforms
    assert isinstance(transform, RandSpatiald)
    warp = Warp.from_dict(transform.sample(region(), generator(1))["warp"])
    matrix = warp.affine_part()
    linear = matrix[:3, :3]
    found = {
        "elastic": len(warp.to_dict()["stages"]) > 1,
        "flip": np.linalg.det(linear) < 0,
        "scale": abs(abs(np.linalg.det(linear)) - 1) > 0.05,
        "rotate": np.abs(linear - np.diag(np.diag(linear))).max() > 1e-6,
        "translate": np.abs(matrix @ [9.5, 10.5, 11.5, 1] - [9.5, 10.5, 11.5, 1]).max() > 0.6
        or np.abs(matrix @ [5.5, 6.5, 7.5, 1] - [9.5, 10.5, 11.5, 1]).max() > 0.6,
    }
    return {effect for effect, happens in found.items() if happens}


@pytest.mark.parametrize("effect", ["flip", "scale", "rotate", "elastic"])
def test_effects_go_and_stay_as_asked(effect):
    entries = [{k: v for k, v in SPATIAL.items() if k != "translate_mm"}]
    part = next(part for part in parts_of(entries) if part.name == effect)
    everything = {"flip", "scale", "rotate", "elastic"}
    assert effects_of(entries) - {"translate"} == everything
    assert effects_of(without(entries, part)) - {"translate"} == everything - {effect}
    assert effects_of(only(entries, part)) - {"translate"} == {effect}


def test_a_spatial_transform_that_does_nothing_still_cuts_the_patch():
    entries = [SPATIAL, fused(noise(std=0))]
    out = built(only(entries, parts_of(entries)[-1]))(region())
    assert out["image"].shape == (1, *PATCH)
    assert np.array_equal(np.asarray(out["image"]), region()["image"][:, 4:16, 4:18, 4:20])
