"""What is wrong on the command line or in a file: one clear line, and exit code 2."""

from __future__ import annotations

import re
import sys

import pytest
from typer.testing import CliRunner

from medaug.cli.app import app

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
        (["benchmark", "hippocampsu"], "unknown benchmark 'hippocampsu'.*mean 'hippocampus'"),
        (["benchmark", "--arms", "none,defualt"], "unknown policy 'defualt'.*mean 'default'"),
        (["augment", "in"], "Missing argument 'OUTPUT'|Missing argument 'OUT"),
        (["search", "hipocampus"], "unknown search 'hipocampus'.*mean 'hippocampus'"),
        (["report", "/no/such/folder"], "no such folder|holds no benchmark"),
    ],
)
def test_a_mistake_on_the_command_line(arguments, words):
    assert re.search(words, refusal(*arguments))


def test_a_wrong_key_of_a_benchmark(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\nbatch_sise: 2\n", encoding="utf-8")
    assert re.search("batch_sise.*mean 'batch_size'", refusal("benchmark", str(file)))


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


def test_a_missing_extra_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    for name in [name for name in sys.modules if name.startswith("medaug.benchmark.search")]:
        monkeypatch.delitem(sys.modules, name)
    assert 'pip install "medaug[search]"' in refusal("search", "hippocampus")
