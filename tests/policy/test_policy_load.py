"""Every shipped policy builds and runs; every fault of a policy file is named."""

from __future__ import annotations

import sys
from contextlib import suppress

import numpy as np
import pytest
from monai.transforms import Compose

from medaug.errors import InputError
from medaug.policy import check_is_data, load_policy, policy_path
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
    with pytest.raises(InputError, match=r"unknown policy '.*gone\.yaml'"):
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
        (
            "- _target_: medaug.transforms.RandSpatial3d",
            "no 'RandSpatial3d'.*mean 'medaug.transforms.RandSpatiald'",
        ),
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


#: What runs a command, unpickles a file or reads a configuration of its own, and passes for data.
ATTACKS = {
    "another package": "- {_target_: os.system, command: touch mark}",
    "what a trusted module has imported": "- {_target_: torch.os.system, command: touch mark}",
    "likewise, deeper": "- {_target_: monai.utils.module.pdb.runctx}",
    "the builtins": "- {_target_: torch.os.sys.modules}",
    "pickle": "- {_target_: torch.load, f: evil.pt, weights_only: false}",
    "a repository": "- {_target_: torch.hub.load, repo_or_dir: evil/evil, model: evil}",
    "a compiler": "- {_target_: torch.utils.cpp_extension.load, name: evil, sources: [evil.cpp]}",
    "a command": "- {_target_: monai.utils.run_cmd, cmd_list: [touch, mark]}",
    "a class that runs a command": (
        "- _target_: torch.distributed.elastic.multiprocessing.api.SubprocessHandler\n"
        "  entrypoint: touch\n  args: [mark]\n  env: {}\n  stdout: null\n  stderr: null\n"
        "  local_rank_id: 0\n  numa_options: null"
    ),
    "a workflow": "- {_target_: monai.bundle.ConfigWorkflow, config_file: evil.yaml}",
    "a reader by name": ("- {_target_: monai.transforms.LoadImaged, keys: image, reader: evil}"),
    "within an argument": (
        "- _target_: monai.transforms.Lambdad\n  keys: image\n"
        "  func: {_target_: torch.os.system, _mode_: callable}"
    ),
    "within a list of a list": (
        "- {_target_: monai.transforms.Compose, transforms: [[{_target_: os.getcwd}]]}"
    ),
    "no string": "- {_target_: medaug.transforms.Fused, transforms: [{_target_: [os.system]}]}",
    "an expression": (
        "- {_target_: monai.transforms.RandFlipd, keys: $__import__('os').system('touch mark')}"
    ),
    "an import": "- {_target_: monai.transforms.RandFlipd, keys: $import evil}",
    "another file": "- {_target_: monai.transforms.RandFlipd, keys: '%evil.yaml::keys'}",
    "the debugger": "- {_target_: monai.transforms.RandFlipd, keys: image, _mode_: debug}",
    "another debugger": "- {_target_: monai.transforms.RandFlipd, keys: image, _debug_: true}",
}


@pytest.fixture
def trap(tmp_path, monkeypatch):
    """A folder in which an attack that works leaves a file named ``mark``."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.yaml").write_text("keys: $__import__('os').system('touch mark')")
    (tmp_path / "evil.py").write_text("open('mark', 'w').close()")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("evil", None)


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_policy_cannot_run_code(trap, attack):
    file = trap / "attack.yaml"
    file.write_text(ATTACKS[attack])
    with pytest.raises(InputError, match=r"attack\.yaml, entry 1.* (not allowed|cannot|must)"):
        load_policy(file)
    assert not (trap / "mark").exists()


@pytest.mark.filterwarnings("ignore::UserWarning")  # of MONAI's readers
@pytest.mark.parametrize(
    "attack",
    [
        "another package",
        "what a trusted module has imported",
        "a command",
        "a reader by name",
        "an expression",
        "an import",
        "another file",
    ],
)
def test_what_is_refused_would_run_if_it_were_trusted(trap, attack):
    file = trap / "attack.yaml"
    file.write_text(ATTACKS[attack])
    with suppress(InputError):  # what it returns is no transform
        load_policy(file, trust=True)
    assert (trap / "mark").exists()


def test_a_trusted_policy_may_name_any_class_and_compute(tmp_path, monkeypatch):
    (tmp_path / "site_transforms.py").write_text(
        "class Brighter:\n"
        "    def __init__(self, by): self.by = by\n"
        "    def __call__(self, data): return {**data, 'image': data['image'] + self.by}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / "own.yaml"
    file.write_text("- {_target_: site_transforms.Brighter, by: $1 + 2}")
    image = load_policy(file, trust=True)({"image": np.zeros((1, 2, 2, 2))})["image"]
    assert (image == 3).all()
    with pytest.raises(InputError, match=r"'site_transforms\.Brighter' is not allowed"):
        load_policy(file)
    (tmp_path / "site_broken.py").write_text("import no_such_package\n")
    file.write_text("- {_target_: site_broken.Thing}")
    with pytest.raises(InputError, match=r"cannot import site_broken\.Thing.*no_such_package"):
        load_policy(file, trust=True)


def test_networks_and_their_parts_are_data():
    check_is_data(
        {
            "_target_": "monai.networks.nets.UNet",
            "act": {"_target_": "torch.nn.PReLU", "_mode_": "callable"},
        },
        "network",
    )
