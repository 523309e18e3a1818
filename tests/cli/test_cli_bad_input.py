"""What is wrong on the command line or in a file: one clear line, and exit code 2."""

from __future__ import annotations

import re
import sys

import pytest
from typer.testing import CliRunner

from medaug.cli.app import app

#: What imports a package at its top, and must do so again to miss it.
USERS = {
    "optuna": "medaug.benchmark.search",
    "torchio": "medaug.benchmark.arms.peers.torchio",
}
POLICY = "- _target_: medaug.transforms.{}\n  keys: [image, label]\n"


def refusal(*arguments: str) -> str:
    """Return what is said, which must be one line, and that the exit code is 2."""
    result = CliRunner().invoke(app, list(arguments), prog_name="medaug")
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    return line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["benchmrk"], "No such command 'benchmrk'. Did you mean 'benchmark'?.*medaug --help"),
        (["benchmark", "--polcy", "x"], r"No such option: --polcy.*medaug benchmark --help"),
        (["benchmark", "--steps"], r"'--steps' requires.*medaug benchmark --help"),
        (["benchmark", "hippocampsu"], "unknown benchmark 'hippocampsu'.*mean 'hippocampus'"),
        (["benchmark", "--arms", "none,defualt"], "unknown policy 'defualt'.*mean 'default'"),
        (["augment", "in"], "Missing argument 'OUT'.*medaug augment --help"),
        (["search", "hipocampus"], "unknown search 'hipocampus'.*mean 'hippocampus'"),
        (["report", "/no/such/folder"], "/no/such/folder holds no benchmark"),
    ],
)
def test_a_mistake_on_the_command_line(arguments, words):
    assert re.search(words, refusal(*arguments))


def test_a_wrong_key_of_a_benchmark(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\nbatch_sise: 2\n", encoding="utf-8")
    assert re.search("batch_sise.*mean 'batch_size'", refusal("benchmark", str(file)))


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ("monai.networks.nets.UNett", "'UNett'.*mean 'monai.networks.nets.UNet'"),
        ("monai.networks.nets.UNet, spatial_dim: 3", "'spatial_dim'.*mean 'spatial_dims'"),
    ],
)
def test_a_wrong_network(tmp_path, network, words):
    file = tmp_path / "mine.yaml"
    file.write_text(
        "name: mine\narms: [none]\nphantom: {}\npatch_size: [16, 16, 16]\nsteps: 1\n"
        f"network: {{_target_: {network}}}\n",
        encoding="utf-8",
    )
    assert re.search(words, refusal("benchmark", str(file), "--out", str(tmp_path / "out")))


def test_a_wrong_key_of_a_preprocessing(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("spacing: [1, 1, 1]\n", encoding="utf-8")
    said = refusal("preprocess", str(tmp_path), str(tmp_path / "out"), "--config", str(file))
    assert re.search("spacing.*mean 'spacing_mm'", said)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (POLICY.format("RandSpatial3d"), "'RandSpatial3d'.*mean 'medaug.transforms.RandSpatiald'"),
        (POLICY.format("RandSpatiald") + "  rotate_degree: 15\n", "rotate.*mean 'rotate_degrees'"),
        (POLICY.format("RandSpatiald").replace("_target_", "target"), "_target_"),
    ],
)
def test_a_wrong_policy(tmp_path, text, words):
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    said = refusal("benchmark", "--arms", f"none,{file}", "--out", str(tmp_path / "out"))
    assert re.search(words, said), said


@pytest.mark.parametrize(
    ("module", "extra", "arguments"),
    [
        ("optuna", "search", ["search", "hippocampus"]),
        ("torchio", "peers", ["benchmark", "--quick", "--arms", "none,torchio"]),
        ("distributed", "distributed", ["benchmark", "--quick", "--scheduler", "tcp://a:1"]),
        ("pydicom", "dicom", ["inspect", "scans"]),
    ],
)
def test_a_missing_extra_says_what_to_install(tmp_path, monkeypatch, module, extra, arguments):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "1.dcm").write_bytes(bytes(128) + b"DICM")
    monkeypatch.setitem(sys.modules, module, None)
    for name in [name for name in sys.modules if name.startswith(USERS.get(module, "-"))]:
        monkeypatch.delitem(sys.modules, name)
    said = refusal(*arguments)
    assert f'needs {module}, which is not installed: pip install "medaug[{extra}]"' in said
