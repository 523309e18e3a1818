"""Names of transforms that do not exist, or are not trusted, and what is said about them."""

from __future__ import annotations

import pytest

from medaug.errors import InputError
from medaug.policy import build_policy
from medaug.policy.targets import did_you_mean_target


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        ("medaug.transforms.RandSpatial", "medaug.transforms.RandSpatiald"),
        ("medaug.transforms.randgammad", "medaug.transforms.RandGammad"),
        ("RandSpatiald", "medaug.transforms.RandSpatiald"),
        ("medaugg.transforms.RandSpatiald", "medaug.transforms.RandSpatiald"),
        ("monai.transforms.RandGaussianNoize", "monai.transforms.RandGaussianNoise"),
    ],
)
def test_the_nearest_transform_is_named(target, meant):
    assert did_you_mean_target(target) == f" (did you mean '{meant}'?)"


@pytest.mark.parametrize("target", ["medaug.transforms.Xyzzy", "json.decoder.RandSpatialDecoder"])
def test_nothing_is_named_that_was_not_meant(target):
    assert did_you_mean_target(target) == ""


def test_code_of_ones_own_has_to_be_trusted(tmp_path, monkeypatch):
    (tmp_path / "my_effects.py").write_text("class RandSpatialSqueezed: ...", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match=r"not allowed; .*--trust, trust=True") as caught:
        build_policy("- _target_: my_effects.RandSpatialSqueezed", "mine.yaml")
    assert "did you mean" not in str(caught.value)


def test_policies_may_name_the_drop_in_classes():
    text = "- {_target_: medaug.compat.monai.RandFlipd, keys: [image], prob: 0.5}"
    assert build_policy(text, "mine.yaml").transforms
