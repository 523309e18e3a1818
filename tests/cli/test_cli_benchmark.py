from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from typer.testing import CliRunner, Result

import medaug
from medaug.cli.app import app

SETTINGS: dict[str, Any] = {
    "name": "tiny",
    "phantom": {"cases": 4, "shape": [26, 26, 26], "spacing_mm": 6.0},
    "arms": ["none", "flip"],
    "folds": 2,
    "train_cases": 2,
    "steps": 2,
    "patch_size": [16, 16, 16],
    "workers": 1,
    "network": {
        "_target_": "monai.networks.nets.UNet",
        "spatial_dims": 3,
        "in_channels": "@in_channels",
        "out_channels": "@out_channels",
        "channels": [4, 8],
        "strides": [2],
    },
}


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run every test in a folder of its own, and torch on one thread."""
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def write(**changes: Any) -> str:
    Path("bench.yaml").write_text(yaml.safe_dump(SETTINGS | changes))
    return "bench.yaml"


def medaug_command(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})


def assert_refused(result: Result, *words: str) -> None:
    """The command ended with code 2 and one message, on stderr, that has the words."""
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    for word in words:
        assert word in result.stderr
    assert "Dice" not in result.stdout


def assert_one_line(result: Result) -> None:
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stderr.startswith("Error: ")


def test_version_is_printed() -> None:
    result = medaug_command("--version")
    assert result.exit_code == 0
    assert result.stdout.strip() == f"medaug {medaug.__version__}"


def test_help_names_every_option_of_the_benchmark() -> None:
    result = medaug_command("benchmark", "--help")
    assert result.exit_code == 0
    text = re.sub(r"\x1b\[[0-9;]*m", "", result.stdout)
    for option in (
        "data",
        "out",
        "arms",
        "folds",
        "seeds",
        "steps",
        "train-cases",
        "quick",
        "resume",
        "ablate",
        "workers",
        "scheduler",
    ):
        assert f"--{option}" in text


def test_a_benchmark_ends_with_the_table_the_headline_and_the_report() -> None:
    result = medaug_command("benchmark", write(), "--out", "out")
    assert result.exit_code == 0, result.output
    lines = result.stdout.strip().splitlines()
    assert sum(line.startswith("arm '") and "mean Dice" in line for line in lines) == 4
    assert "benchmark: 4/4 runs" in result.stdout
    assert "With 2 training cases, compared with none" in result.stdout
    assert lines[-1] == "Report: out/report.html"
    assert Path("out/report.html").is_file()
    assert sorted(path.name for path in Path().iterdir()) == ["bench.yaml", "out"]


def test_options_override_the_configuration() -> None:
    arguments = [
        "--arms",
        "flip",
        "--folds",
        "4",
        "--seeds",
        "2,5",
        "--steps",
        "1",
        "--train-cases",
        "1, all",
        "--out",
        "out",
    ]
    result = medaug_command("benchmark", write(), *arguments)
    assert result.exit_code == 0, result.output
    runs = sorted(str(path.parent) for path in Path("out/runs").rglob("result.json"))
    assert runs == [
        f"out/runs/flip/train{size}-fold{k}-seed{seed}"
        for size in (1, "all")
        for k in range(4)
        for seed in (2, 5)
    ]
    provenance = json.loads(Path("out/results.json").read_text())["provenance"]
    settings = provenance["configuration"]
    assert (settings["steps"], settings["train_cases"]) == (1, [1, "all"])


def test_without_an_output_folder_a_new_one_is_made_under_runs() -> None:
    result = medaug_command("benchmark", write(), "--steps", "1", "--arms", "none")
    assert result.exit_code == 0, result.output
    (folder,) = Path("runs").iterdir()
    assert re.fullmatch(r"tiny-\d{8}-\d{6}", folder.name)
    assert (folder / "results.json").is_file()


def test_a_finished_benchmark_resumes_without_training() -> None:
    arguments = ["benchmark", write(), "--steps", "1", "--arms", "none", "--out", "out"]
    assert medaug_command(*arguments).exit_code == 0
    assert_refused(medaug_command(*arguments), "out", "--resume")
    again = medaug_command(*arguments, "--resume")
    assert again.exit_code == 0, again.output
    assert ", seed 0: mean Dice" not in again.stdout
    more = medaug_command(*arguments, "--resume", "--seeds", "0,1")
    assert more.exit_code == 0, more.output
    assert more.stdout.count(", seed 1: mean Dice") == 2
    assert more.stdout.count(", seed 0: mean Dice") == 0


def test_an_ablation_is_asked_for_by_its_policy() -> None:
    result = medaug_command(
        "benchmark", write(test_folds=[0]), "--steps", "1", "--ablate", "default", "--out", "out"
    )
    assert result.exit_code == 0, result.output
    arms = json.loads(Path("out/results.json").read_text())["arms"]
    assert arms[:2] == ["none", "default"]
    assert sum(arm.startswith("default-without-") for arm in arms) >= 2
    assert sum(arm.startswith("none+") for arm in arms) >= 2


def test_missing_runs_are_listed_and_the_exit_code_says_so() -> None:
    Path("nan.yaml").write_text(
        "- {_target_: monai.transforms.ThresholdIntensityd, keys: image, threshold: 1.e+9, "
        "cval: .nan}\n"
    )
    arguments = ["benchmark", write(), "--out", "out", "--steps", "1", "--arms"]
    result = medaug_command(*arguments, "none,nan.yaml")
    assert result.exit_code == 1, result.output
    assert "With 2 training cases" in result.stdout
    assert "Report: out/report.html" in result.stdout
    assert "2 runs are missing; try them again with --resume:" in result.stderr
    assert "nan, 2 training cases, fold 0, seed 0; fold 1, seed 0: the " in result.stderr
    assert "became nan" in result.stderr
    assert medaug_command(*arguments, "none", "--resume").exit_code == 0
    nothing = medaug_command(*arguments[:3], "alone", *arguments[4:], "nan.yaml")
    assert_refused(nothing, "alone: no run is finished", "became nan")
    assert_one_line(nothing)


def test_a_folder_of_another_benchmark_is_refused() -> None:
    assert medaug_command("benchmark", write(), "--arms", "none", "--out", "out").exit_code == 0
    result = medaug_command(
        "benchmark", write(), "--arms", "none", "--out", "out", "--resume", "--steps", "3"
    )
    assert_refused(result, "out", "steps", "2 there and 3 here")
    assert_one_line(result)


def test_a_quick_run_of_the_default_passes_through_every_part_and_says_what_it_is() -> None:
    result = medaug_command("benchmark", "--quick", "--out", "out")
    assert result.exit_code == 0, result.output
    assert "quick run" in result.stdout
    assert "phantom-quick" in Path("out/report.html").read_text()
    provenance = json.loads(Path("out/results.json").read_text())["provenance"]
    assert provenance["quick"] is True
    assert provenance["configuration"]["quick"] is True


def test_a_quick_run_works_on_real_scans(hippocampus: Path) -> None:
    arguments = ["benchmark", "hippocampus", "--quick", "--data", str(hippocampus), "--out", "out"]
    result = medaug_command(*arguments, "--arms", "none", "--steps", "1")
    assert result.exit_code == 0, result.output
    assert Path("out/report.html").is_file()
    assert str(hippocampus.parent) not in Path("out/manifest.json").read_text()


@pytest.mark.parametrize(
    ("changes", "options", "words"),
    [
        ({"stpes": 3}, [], ["bench.yaml", "stpes", "steps"]),
        ({"steps": 0}, [], ["bench.yaml", "steps"]),
        ({}, ["--steps", "0"], ["--steps"]),
        ({}, ["--seeds", "0,x"], ["--seeds", "x"]),
        ({}, ["--arms", "none,defualt"], ["defualt", "default"]),
        ({}, ["--arms", "none,my.yaml"], ["my.yaml"]),
        ({}, ["--arms", "none,none"], ["none"]),
        ({}, ["--folds", "5"], ["5 folds", "4"]),
        ({}, ["--folds", "1"], ["--folds"]),
        ({}, ["--train-cases", "3"], ["train_cases", "2"]),
        ({}, ["--train-cases", "1,some"], ["--train-cases", "some"]),
        ({}, ["--ablate", "defualt"], ["defualt", "default"]),
        ({}, ["--data", "nowhere"], ["nowhere"]),
        ({"network": {"_target_": "torch.nn.NoSuchNet"}}, [], ["network", "NoSuchNet"]),
        ({"network": {"_target_": "os.system"}}, [], ["network", "os.system", "not allowed"]),
    ],
)
def test_wrong_input_ends_with_code_2_and_one_line_and_writes_nothing(
    changes: dict[str, Any], options: list[str], words: list[str]
) -> None:
    result = medaug_command("benchmark", write(**changes), "--out", "out", *options)
    assert_refused(result, *words)
    assert_one_line(result)
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--folds", "two"], ["--folds", "integer"]),
        (["--no-such-option"], ["--no-such-option"]),
        (["--resume"], ["--resume", "--out"]),
        (["--workers", "0"], ["--workers"]),
        (["--workers", "2", "--scheduler", "tcp://a:1"], ["--scheduler", "--workers"]),
        (["--arms", "none", "--ablate", "default"], ["--ablate", "--arms"]),
    ],
)
def test_wrong_usage_ends_with_code_2(arguments: list[str], words: list[str]) -> None:
    assert_refused(medaug_command("benchmark", *arguments), *words)


def test_an_unknown_configuration_is_refused_with_the_shipped_ones() -> None:
    result = medaug_command("benchmark", "phantasm")
    assert_refused(result, "phantasm", "phantom")
    assert_one_line(result)


def test_an_output_folder_with_other_files_is_left_alone() -> None:
    Path("out").mkdir()
    Path("out/thesis.txt").write_text("precious")
    assert_refused(medaug_command("benchmark", write(), "--out", "out"), "out", "another")
    assert [path.name for path in Path("out").iterdir()] == ["thesis.txt"]


def test_the_entry_point_ends_wrong_input_without_a_traceback() -> None:
    program = "from medaug.cli import main; main()"
    process = subprocess.run(
        [sys.executable, "-c", program, "benchmark", "phantasm"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert process.returncode == 2
    assert process.stderr.startswith("Error: unknown benchmark 'phantasm'")
    assert len(process.stderr.strip().splitlines()) == 1


def test_the_entry_point_limits_how_long_threads_spin_before_torch_is_loaded() -> None:
    program = """
import os, sys
from medaug.cli import main
assert "torch" not in sys.modules
try:
    main()
finally:
    print(os.environ["GOMP_SPINCOUNT"])
"""
    for wanted, given in (("10000", {}), ("7", {"GOMP_SPINCOUNT": "7"})):
        environment = {key: value for key, value in os.environ.items() if key != "GOMP_SPINCOUNT"}
        output = subprocess.run(
            [sys.executable, "-c", program, "--version"],
            check=True,
            capture_output=True,
            text=True,
            env=environment | given,
        ).stdout
        assert output.splitlines()[-1] == wanted
