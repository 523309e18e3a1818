"""``medaug augment`` and ``medaug replay``: what they write, say and refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from preprocessing.scans import POLICY, write_dataset
from typer.testing import CliRunner, Result

from medaug.cli.app import app


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})


def augment(*arguments: str) -> Result:
    return run("augment", "set", "out", "--policy", "mine.yaml", "--workers", "1", *arguments)


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_dataset(Path("set"), names=("a", "b"))
    Path("mine.yaml").write_text(POLICY)


def assert_refused(result: Result, word: str) -> None:
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.strip().splitlines()) == 1
    assert word in result.stderr


def test_copies_are_written_and_each_is_made_again() -> None:
    result = augment("--copies", "2", "--seed", "5")
    assert result.exit_code == 0, result.output
    assert result.stdout == "Copies: 4 written to out\n"
    records = sorted(Path("out/records").iterdir())
    assert len(records) == 4
    assert json.loads(records[0].read_bytes())["recipe"]["seed"] == 5
    again = run("replay", str(records[0]), "--out", "again")
    assert again.exit_code == 0, again.output
    assert again.stdout.splitlines()[-1] == "a_copy001: identical"
    for name in ("imagesTr/a_copy001_0000.nii.gz", "labelsTr/a_copy001.nii.gz"):
        assert Path("again", name).read_bytes() == Path("out", name).read_bytes()
    resumed = augment("--copies", "3", "--seed", "5", "--resume")
    assert resumed.stdout == "Copies: 2 written to out (4 were there)\n"


def test_a_copy_that_differs_is_named_with_exit_code_1() -> None:
    augment()
    record = Path("out/records/a_copy001.json")
    content = json.loads(record.read_text())
    content["arrays"]["image"] = "0" * 64
    record.write_text(json.dumps(content))
    result = run("replay", str(record))
    assert result.exit_code == 1
    assert result.stderr == "a_copy001 differs: the image is another\n"


def test_the_layout_comes_from_the_configuration() -> None:
    Path("set/images").rename("set/scans")
    Path("layout.yaml").write_text(
        "layout: {kind: pattern, images: 'scans/{case}.nii.gz', labels: 'labels/{case}.nii.gz'}\n"
    )
    assert_refused(augment(), "layout")
    result = augment("--config", "layout.yaml", "--spatial-size", "8,8,8")
    assert result.exit_code == 0, result.output
    assert json.loads(Path("out/records/a_copy001.json").read_text())["recipe"]["spatial_size"] == [
        8, 8, 8,
    ]  # fmt: skip


def test_a_case_that_fails_is_named_with_exit_code_2() -> None:
    scan = Path("set/images/b.nii.gz")
    scan.write_bytes(scan.read_bytes()[:200])
    result = augment()
    assert result.exit_code == 2
    assert "Copies: 1 written to out" in result.stdout
    (line,) = [each for each in result.stderr.splitlines() if each.startswith("Error")]
    assert line.startswith("Error: b: ")


def test_a_policy_that_names_other_code_needs_trust(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("site_copies.py").write_text("def same(): return dict\n")
    monkeypatch.syspath_prepend(str(Path.cwd()))
    Path("mine.yaml").write_text("- {_target_: site_copies.same}")
    assert_refused(augment(), "'site_copies.same' is not allowed")
    assert augment("--trust").exit_code == 0
    assert_refused(run("replay", "out/records/a_copy001.json"), "is not allowed")
    assert run("replay", "out/records/a_copy001.json", "--trust").exit_code == 0


def test_what_is_wrong_is_said_in_one_line() -> None:
    assert_refused(run("augment", "gone", "out", "--policy", "none"), "gone")
    assert_refused(run("augment", "set", "out", "--policy", "nothing"), "nothing")
    assert_refused(run("replay", "gone.json"), "gone.json")
    assert augment("--spatial-size", "8,8").exit_code == 2
    assert augment("--copies", "0").exit_code == 2
    assert not Path("out").exists()
