"""``medaug preview`` writes one file, and refuses what it cannot show in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from preprocessing.scans import POLICY, write_dataset
from typer.testing import CliRunner, Result

from medaug.cli.app import app

SCAN, LABEL = "set/images/a.nii.gz", "set/labels/a.nii.gz"


def preview(*arguments: str) -> Result:
    return CliRunner().invoke(
        app, ["preview", *arguments, "--policy", "mine.yaml"], env={"COLUMNS": "200"}
    )


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_dataset(Path("set"), names=("a",))
    Path("mine.yaml").write_text(POLICY)


def test_a_scan_and_its_label_are_shown() -> None:
    result = preview(SCAN, LABEL, "--out", "p.html", "--copies", "2", "--seed", "4")
    assert result.exit_code == 0, result.output
    assert result.stdout == "Preview: p.html\n"
    page = Path("p.html").read_text(encoding="utf-8")
    assert "a.nii.gz under policy mine.yaml, seed 4" in page
    assert page.count("<article>") == 3
    assert preview(SCAN, "--out", "p.png").exit_code == 0
    assert Path("p.png").read_bytes().startswith(b"\x89PNG")


def test_a_scan_in_other_units_is_warned_of() -> None:
    Path("mine.yaml").write_text(
        "- {_target_: medaug.transforms.RandQuantumNoised, keys: image, prob: 0.0}\n"
    )
    result = preview(SCAN, "--out", "p.png")
    assert result.exit_code == 0, result.output
    assert result.stderr.startswith(f"Warning: {SCAN}: is no CT")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["gone.nii", "--out", "p.png"], "gone.nii"),
        ([SCAN, "gone.nii", "--out", "p.png"], "gone.nii"),
        ([SCAN, "--channel", "3", "--out", "p.png"], "no channel 3"),
        ([SCAN, "--out", "p.gif"], "must end in .png or .html"),
        ([SCAN, "--out", "gone/p.png"], "cannot be written"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_one_line(arguments: list[str], word: str) -> None:
    result = preview(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.strip().splitlines()) == 1
    assert word in result.stderr


def test_a_policy_that_names_other_code_needs_trust(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("site_preview.py").write_text("def same(): return dict\n")
    monkeypatch.syspath_prepend(str(Path.cwd()))
    Path("mine.yaml").write_text("- {_target_: site_preview.same}")
    refused = preview(SCAN, "--out", "p.png")
    assert refused.exit_code == 2
    assert "not allowed" in refused.stderr
    assert preview(SCAN, "--out", "p.png", "--trust").exit_code == 0
