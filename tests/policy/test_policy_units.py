"""A policy says by what is in it whether it takes z-scores or Hounsfield units."""

from __future__ import annotations

import numpy as np
import pytest
import yaml

from medaug.policy import parse_policy, policy_path, units_of, units_remark

RANDAUGMENT = "- {_target_: medaug.policy.RandAugmentd, keys: image, label_keys: label, space: %s}"


@pytest.mark.parametrize(
    ("name", "units"),
    [
        ("none", "any"),
        ("flip", "any"),
        ("affine", "any"),
        ("elastic", "any"),
        ("intensity", "zscore"),
        ("default", "zscore"),
        ("heavy", "zscore"),
        ("mr", "zscore"),
        ("ct", "hu"),
    ],
)
def test_of_a_shipped_policy(name, units):
    path = policy_path(name)
    assert units_of(parse_policy(path.read_text(), str(path))) == units


@pytest.mark.parametrize(
    ("space", "units"),
    [
        ("ct", "hu"),
        ("mr", "zscore"),
        ("any", "zscore"),
        ("[rotate, hu_shift]", "hu"),
        ("[rotate, blur]", "zscore"),
        ("[blur, {_target_: medaug.transforms.RandQuantumNoiseDict, keys: image}]", "hu"),
    ],
)
def test_of_a_space_of_operations(space, units):
    assert units_of(yaml.safe_load(RANDAUGMENT % space)) == units


def test_of_other_transforms_nothing_is_known():
    assert units_of([{"_target_": "monai.transforms.RandFlipd", "keys": "image"}]) == "any"


def test_an_image_in_other_units_is_remarked_on(rng):
    zscores = rng.normal(size=(2, 9, 9, 9))
    zscores[:, :4] = 0  # background
    hu = rng.uniform(-1000, 1000, (1, 9, 9, 9))
    raw = np.abs(rng.normal(300, 100, (1, 9, 9, 9)))
    assert units_remark(zscores, "zscore") == units_remark(hu, "hu") == ""
    assert units_remark(raw, "any") == ""
    assert "channel 0 has mean" in units_remark(raw, "zscore")
    assert "channel 1" in units_remark(np.concatenate([zscores[:1], hu]), "zscore")
    assert "no CT" in units_remark(zscores, "hu")
    assert units_remark(np.zeros((1, 3, 3, 3)), "zscore") == ""
