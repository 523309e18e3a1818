"""The arms of a configuration: policies, peers and ablations."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from monai.data import MetaTensor

from medaug.benchmark.arms.arm import load_arms
from medaug.benchmark.config import ArmConfig
from medaug.errors import InputError
from medaug.policy import policy_path
from medaug.resources import configs_dir

PATCH = (16, 16, 16)
SHIPPED = sorted(path.stem for path in (configs_dir() / "policies").glob("*.yaml"))
SAFE = re.compile(r"[A-Za-z0-9._+-]+")


def arms(*names: str) -> list[ArmConfig]:
    return [ArmConfig(policy=name) for name in names]


def region() -> dict[str, MetaTensor]:
    values = np.arange(24**3, dtype=np.float32).reshape(1, 24, 24, 24) / 24**3
    label = (values > 0.5).astype(np.uint8)
    affine = torch.diag(torch.tensor([2.0, 2.0, 2.0, 1.0], dtype=torch.float64))
    return {
        "image": MetaTensor(torch.from_numpy(values), affine=affine),
        "label": MetaTensor(torch.from_numpy(label), affine=affine),
    }


def test_arms_come_in_their_order_with_their_sizes_and_texts():
    none, flip = load_arms(
        [ArmConfig(policy="none"), ArmConfig(policy="flip", train_cases=(5,))], PATCH
    )
    assert (none.label, flip.label) == ("none", "flip")
    assert none.runs_at("all")
    assert flip.runs_at(5)
    assert not flip.runs_at(10)
    assert flip.text == policy_path("flip").read_text()


def test_a_file_that_is_called_like_a_peer_is_a_policy(tmp_path: Path):
    path = tmp_path / "monai.yaml"
    path.write_text("[]")
    (arm,) = load_arms(arms(str(path)), PATCH)
    assert (arm.label, arm.text, arm.policy.transforms) == ("monai", "[]", ())
    with pytest.raises(InputError, match="two arms would be called 'monai'"):
        load_arms(arms("monai", str(path)), PATCH)


def test_an_unknown_arm_is_told_the_known_ones():
    with pytest.raises(InputError, match=r"arms: .*'defualt'.*'default'.*torchio"):
        load_arms(arms("defualt"), PATCH)


def test_a_list_of_monais_transforms_is_an_arm(tmp_path: Path):
    """It yields the region: the benchmark cuts the patch out of it."""
    path = tmp_path / "turned.yaml"
    path.write_text(
        yaml.safe_dump(
            [
                {
                    "_target_": "monai.transforms.RandRotate90d",
                    "keys": ["image", "label"],
                    "prob": 1.0,
                    "max_k": 1,
                },
                {
                    "_target_": "monai.transforms.RandShiftIntensityd",
                    "keys": "image",
                    "prob": 1.0,
                    "offsets": [2.0, 2.0],
                },
            ]
        )
    )
    (arm,) = load_arms(arms(str(path)), PATCH)
    out = arm.policy(region())
    expected = np.rot90(region()["image"].numpy(), axes=(1, 2)) + 2
    assert np.allclose(out["image"].numpy(), expected)
    assert np.array_equal(out["label"].numpy(), np.rot90(region()["label"].numpy(), axes=(1, 2)))


# Ablation


def test_an_ablation_replaces_the_arms():
    found = load_arms(arms("none", "heavy"), PATCH, ablate="affine")
    assert [arm.label for arm in found] == [
        "none",
        "affine",
        *("affine-without-scale", "affine-without-shear", "affine-without-rotate"),
        *("none+scale", "none+shear", "none+rotate"),
    ]
    assert all(arm.runs_at(size) for arm in found for size in (5, "all"))
    none, whole, without_scale, *_, only_rotate = found
    assert whole.text == policy_path("affine").read_text()
    assert none.text == policy_path("none").read_text()
    assert "scale" not in yaml.safe_load(without_scale.text)[0]
    assert "rotate_degrees" in yaml.safe_load(without_scale.text)[0]
    assert {"rotate_degrees", "rotate_prob"} == {
        key for key in yaml.safe_load(only_rotate.text)[0] if key.split("_")[0] == "rotate"
    }
    assert not {"scale", "shear_degrees"} & set(yaml.safe_load(only_rotate.text)[0])


@pytest.mark.parametrize(
    "name", [name for name in SHIPPED if name not in {"none", "flip", "elastic"}]
)
def test_every_shipped_policy_can_be_ablated(name):
    found = load_arms(arms("none"), PATCH, ablate=name)
    labels = [arm.label for arm in found]
    assert len(labels) % 2 == 0
    assert all(SAFE.fullmatch(label) for label in labels)
    assert len({label.casefold() for label in labels}) == len(labels)
    for arm in found[:: max(len(found) // 4, 1)]:
        if name != "ct":  # which takes Hounsfield units
            arm.policy.set_random_state(seed=0)
            assert arm.policy(region())["label"].shape in {(1, 16, 16, 16), (1, 24, 24, 24)}


def test_the_texts_of_an_ablation_build_the_same_policies():
    for arm in load_arms([], PATCH, ablate="default"):
        assert len(yaml.safe_load(arm.text)) == len(arm.policy.transforms)


@pytest.mark.parametrize(("name", "count"), [("none", 0), ("flip", 1)])
def test_a_policy_of_fewer_than_two_parts_is_refused(name, count):
    with pytest.raises(InputError, match=rf"ablate: .*{name}.* fewer than two parts \({count}\)"):
        load_arms(arms("none"), PATCH, ablate=name)


def test_an_ablation_of_a_wrong_policy_says_so(tmp_path: Path):
    path = tmp_path / "wrong.yaml"
    path.write_text("- _target_: os.system\n  command: ls\n")
    with pytest.raises(InputError, match="not allowed"):
        load_arms(arms("none"), PATCH, ablate=str(path))
    with pytest.raises(InputError, match="unknown policy 'nothing'"):
        load_arms(arms("none"), PATCH, ablate="nothing")


def test_a_policy_that_is_called_like_the_reference_is_refused(tmp_path: Path):
    path = tmp_path / "none.yaml"
    path.write_text(policy_path("affine").read_text())
    with pytest.raises(InputError, match="ablate: two arms would be called 'none'"):
        load_arms([], PATCH, ablate=str(path))
