"""Every shipped policy builds and runs; every fault of a policy file is named."""

from __future__ import annotations

import numpy as np
import pytest
from monai.transforms import Compose

from medaug.errors import InputError
from medaug.policy import load_policy, policy_path
from medaug.resources import configs_dir

SHIPPED = sorted(path.stem for path in (configs_dir() / "policies").glob("*.yaml"))


def test_the_shipped_policies_are_all_there():
    assert set(SHIPPED) >= {"none", "flip", "affine", "elastic", "intensity", "default"}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_policy_cuts_the_patch_or_leaves_the_size(name, rng):
    sample = {
        "image": rng.normal(size=(1, 24, 26, 36)).astype(np.float32),
        "label": rng.integers(0, 3, (1, 24, 26, 36)).astype(np.uint8),
    }
    policy = load_policy(name, spatial_size=(16, 16, 16)).set_random_state(seed=0)
    assert isinstance(policy, Compose)
    result = policy(sample)
    expected = (16, 16, 16) if "@spatial_size" in policy_path(name).read_text() else (24, 26, 36)
    assert result["image"].shape[1:] == result["label"].shape[1:] == expected
    assert load_policy(name).set_random_state(seed=0)(sample)["image"].shape[1:] == (24, 26, 36)


def test_none_changes_nothing(rng):
    sample = {"image": rng.normal(size=(1, 5, 5, 5)), "label": np.zeros((1, 5, 5, 5))}
    assert load_policy("none")(sample)["image"] is sample["image"]


@pytest.mark.parametrize("name", sorted(set(SHIPPED) - {"none"}))
def test_every_other_policy_changes_the_image(name, rng):
    sample = {
        "image": rng.normal(size=(1, 24, 26, 36)).astype(np.float32),
        "label": rng.integers(0, 3, (1, 24, 26, 36)).astype(np.uint8),
    }
    policy = load_policy(name).set_random_state(seed=0)
    assert any(not np.array_equal(policy(sample)["image"], sample["image"]) for _ in range(5))


def test_a_policy_may_mix_in_monais_transforms(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("- _target_: monai.transforms.RandFlipd\n  keys: image\n  prob: 1.0\n")
    image = np.arange(8.0).reshape(1, 2, 2, 2)
    np.testing.assert_array_equal(
        load_policy(file)({"image": image})["image"], image[:, ::-1, ::-1, ::-1]
    )


def test_a_policy_may_fuse_a_run_and_give_each_part_its_options(tmp_path, rng):
    file = tmp_path / "fused.yaml"
    file.write_text(
        "- _target_: medaug.transforms.Fused\n"
        "  transforms:\n"
        "  - {_target_: medaug.transforms.RandFlipd, keys: [image, label], swap_labels: [[1, 2]]}\n"
        "  - _target_: medaug.transforms.RandCropd\n"
        "    keys: [image, label]\n"
        '    spatial_size: "@spatial_size"\n'
        "    method: foreground\n"
        "    class_ratios: {1: 1, 2: 3}\n"
        "    mode: [cubic, nearest]\n"
        "    padding_mode: reflect\n"
    )
    sample = {"image": rng.normal(size=(1, 9, 8, 7)), "label": rng.integers(0, 3, (1, 9, 8, 7))}
    result = load_policy(file, spatial_size=(6, 6, 9)).set_random_state(seed=0)(sample)
    assert result["image"].shape == result["label"].shape == (1, 6, 6, 9)
    assert result["image"].dtype == np.float32
    assert load_policy(file)(sample)["image"].shape == (1, 9, 8, 7)
    file.write_text(file.read_text().replace("padding_mode", "pading_mode"))
    with pytest.raises(InputError, match=r"part 2: unknown key 'pading_mode' .*'padding_mode'"):
        load_policy(file)


def test_an_unknown_policy_is_named_with_the_nearest():
    with pytest.raises(InputError, match=r"'defalt'.*did you mean 'default'.*none"):
        load_policy("defalt")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no policy file .*gone\.yaml"):
        load_policy(tmp_path / "gone.yaml")


SPATIAL = "- _target_: medaug.transforms.RandSpatiald\n  keys: image\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1", "must be a list"),
        ("- [", "no valid YAML"),
        ("- keys: image", "entry 1 must be a mapping with a _target_"),
        (SPATIAL + "  rotat_degrees: 3", "unknown key 'rotat_degrees'.*mean 'rotate_degrees'"),
        (SPATIAL + "  rotate_degrees: [3, 1]", "entry 1.*rotate_degrees is upside down"),
        (SPATIAL + SPATIAL + "  prob: 7", "entry 2.*prob must lie"),
        ("- _target_: medaug.transforms.RandSpatial3d", "no 'RandSpatial3d'.*mean 'RandSpatiald'"),
        ("- _target_: medaug.no_such.Thing", "no 'Thing' in medaug.no_such"),
        ("- _target_: os.system\n  command: ls", "'os.system' is not allowed"),
        (SPATIAL + "  mode: $print(1)", "cannot run code"),
        (SPATIAL + "  mode: [a, {_target_: os.getcwd}]", "'os.getcwd' is not allowed"),
        (
            "- _target_: monai.transforms.RandFlipd\n  keys: image\n  probb: 1",
            "unknown key 'probb'",
        ),
    ],
)
def test_each_fault_is_named_with_its_file_and_entry(tmp_path, text, message):
    file = tmp_path / "faulty.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        load_policy(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)
