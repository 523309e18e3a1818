from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from medaug.benchmark.config import BenchmarkConfig
from medaug.benchmark.load_config import load_config
from medaug.errors import InputError
from medaug.resources import configs_dir

SETTINGS: dict[str, Any] = {
    "name": "tiny",
    "phantom": {"cases": 6},
    "arms": ["none"],
    "steps": 100,
    "patch_size": [16, 16, 16],
}


def write(folder: Path, settings: Any) -> Path:
    path = folder / "bench.yaml"
    path.write_text(settings if isinstance(settings, str) else yaml.safe_dump(settings))
    return path


@pytest.mark.parametrize(
    "path", sorted((configs_dir() / "benchmarks").glob("*.yaml")), ids=lambda path: path.stem
)
def test_every_shipped_benchmark_is_valid_and_called_like_its_file(path: Path) -> None:
    assert load_config(path).name == path.stem
    assert load_config(path.stem) == load_config(path)


def test_the_default_benchmark_is_the_phantom() -> None:
    config = load_config()
    assert config.name == "phantom"
    assert config.data is None


def test_defaults_fill_what_a_file_leaves_out(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, SETTINGS))
    assert config.folds == 5
    assert config.seeds == (0,)
    assert config.network is None


def test_options_override_the_file(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, SETTINGS), steps=7, seeds=["3", "4"], arms=["flip"])
    assert (config.steps, config.seeds) == (7, (3, 4))
    assert [arm.policy for arm in config.arms] == ["flip"]


def test_a_data_option_replaces_the_phantom(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, SETTINGS), data=Path("scans"))
    assert config.data == Path("scans")
    assert config.phantom is None


def test_relative_paths_in_a_file_start_from_its_folder(tmp_path: Path) -> None:
    settings = {key: value for key, value in SETTINGS.items() if key != "phantom"}
    mine = {"policy": "mine/weak.yaml", "train_cases": ["all"]}
    settings |= {"data": "../scans", "arms": ["none", "mine/strong.yaml", mine], "ablate": "a.yml"}
    config = load_config(write(tmp_path, settings))
    assert config.data == tmp_path / "../scans"
    assert [arm.policy for arm in config.arms] == [
        "none",
        str(tmp_path / "mine/strong.yaml"),
        str(tmp_path / "mine/weak.yaml"),
    ]
    assert config.ablate == str(tmp_path / "a.yml")


def test_sizes_ascend_and_the_last_is_what_the_answer_is_about(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, SETTINGS | {"train_cases": ["all", 20, 5]}))
    assert config.train_cases == (5, 20, "all")
    assert config.main_size == "all"
    config = load_config(write(tmp_path, SETTINGS | {"train_cases": 7}))
    assert config.train_cases == (7,)
    assert config.main_size == 7


def test_a_size_given_as_an_option_is_the_size_of_all_arms(tmp_path: Path) -> None:
    arms = ["none", {"policy": "flip", "train_cases": [5]}]
    path = write(tmp_path, SETTINGS | {"train_cases": [5, 9], "main_train_cases": 9, "arms": arms})
    assert load_config(path).arms[1].train_cases == (5,)
    config = load_config(path, train_cases=[3])
    assert config.main_size == 3
    assert config.arms[1].train_cases is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train_cases": [5, 5]}, "'train_cases': each size may be there only once"),
        ({"main_train_cases": 4}, "4 training cases are not among 'train_cases'"),
        (
            {"arms": ["none", {"policy": "flip", "train_cases": [4]}]},
            "4 training cases are not among 'train_cases'",
        ),
        ({"arms": [{"policy": "none", "train_cases": ["all"]}]}, "it runs at all sizes"),
        ({"steps": 5, "train_seconds": 3.0}, "either 'steps' or 'train_seconds'"),
        ({"test_folds": [5]}, "'test_folds' counts from 0 to 4"),
        ({"groups": "(a"}, "is no regular expression"),
        ({"groups": "a_.*"}, r"needs exactly one \(group\).* has 0"),
        ({"shift": {"severities": [6]}}, "less than or equal to 5, not 6"),
        ({"shift": {"corruptions": ["blur"]}}, "'noise', 'bias'.* not 'blur'"),
    ],
)
def test_settings_that_do_not_fit_are_refused(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        load_config(write(tmp_path, SETTINGS | change))


@pytest.mark.parametrize(
    ("change", "key", "near"),
    [
        ({"stpes": 3}, "stpes", "steps"),
        ({"monitor": {"case": 3}}, "monitor.case", "cases"),
        ({"phantom": {"spacing": 3}}, "phantom.spacing", "spacing_mm"),
    ],
)
def test_an_unknown_key_is_named_with_its_file_and_the_nearest_known_one(
    tmp_path: Path, change: dict[str, Any], key: str, near: str
) -> None:
    path = write(tmp_path, SETTINGS | change)
    with pytest.raises(InputError) as error:
        load_config(path)
    assert str(error.value) == f"{path}: unknown key '{key}'; did you mean '{near}'?"


def test_an_unknown_key_that_is_near_to_none_gets_the_list(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="known ones are ablate, arms, batch_size"):
        load_config(write(tmp_path, SETTINGS | {"zzz": 1}))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "a/b"),
        ("arms", []),
        ("folds", 1),
        ("seeds", []),
        ("seeds", [1, 1]),
        ("seeds", [-1]),
        ("seeds", 0),
        ("steps", 0),
        ("steps", "many"),
        ("batch_size", 0),
        ("patch_size", [16, 16]),
        ("patch_size", [16, 20, 16]),
        ("patch_size", [8, 16, 16]),
        ("region_factor", 0.5),
        ("foreground_fraction", 1.5),
        ("learning_rate", 0),
        ("overlap", 1.0),
        ("train_cases", 0),
        ("network", {"spatial_dims": 3}),
        ("device", "tpu"),
        ("precision", "8"),
        ("phantom", {"cases": 0}),
    ],
)
def test_a_value_out_of_range_is_refused_with_file_and_key(
    tmp_path: Path, key: str, value: Any
) -> None:
    path = write(tmp_path, SETTINGS | {key: value})
    with pytest.raises(InputError) as error:
        load_config(path)
    assert str(error.value).startswith(f"{path}: '{key}")


def test_a_wrong_option_is_named_as_an_option(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^--train-cases: .*greater than or equal to 1, not 0"):
        load_config(write(tmp_path, SETTINGS), train_cases=0)


@pytest.mark.parametrize("change", [{"data": "scans"}, {"phantom": None}])
def test_cases_come_from_exactly_one_source(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="either 'data' or 'phantom'"):
        load_config(write(tmp_path, SETTINGS | change))


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    settings = {key: value for key, value in SETTINGS.items() if key != "patch_size"}
    with pytest.raises(InputError, match="'patch_size' is missing"):
        load_config(write(tmp_path, settings))


@pytest.mark.parametrize("text", ["", "- 1\n- 2\n", "steps: [1, 2\n", "a: \x00"])
def test_a_file_without_keys_and_values_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(InputError, match=str(path)):
        load_config(path)


@pytest.mark.parametrize("source", ["phantasm", "no/such/file.yaml", "../benchmarks/phantom"])
def test_an_unknown_configuration_is_refused_with_the_shipped_ones(source: str) -> None:
    with pytest.raises(InputError, match=rf"'{source}'.*name one of brats, hippocampus, phantom"):
        load_config(source)


def test_a_quick_benchmark_is_small_and_says_so(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, SETTINGS), quick=True, folds=6, seeds=[4, 5])
    assert config.quick
    assert config.name == "tiny-quick"
    assert (config.folds, config.seeds, config.cases) == (2, (4,), 4)
    assert config.steps < 10
    assert config.phantom is not None
    assert config.phantom.cases == 4


def test_a_configuration_survives_json() -> None:
    config = load_config()
    assert BenchmarkConfig.model_validate_json(config.model_dump_json()) == config
