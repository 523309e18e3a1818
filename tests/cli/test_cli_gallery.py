"""``medaug gallery`` writes its two files, and refuses what it cannot show in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from medaug.cli.app import app
from medaug.io.volume import write_volume


def gallery(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["gallery", *arguments], env={"COLUMNS": "200"})


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def assert_refused(result: Result, word: str) -> None:
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.strip().splitlines()) == 1
    assert word in result.stderr


def write_scan() -> None:
    rng = np.random.default_rng(0)
    write_volume("scan.nii.gz", rng.normal(100, 9, (1, 34, 36, 34)).astype(np.float32), np.eye(4))
    label = np.zeros((1, 34, 36, 34), np.uint8)
    label[:, 10:20, 10:20, 10:20] = 1
    write_volume("label.nii.gz", label, np.eye(4))


def test_a_scan_and_its_label_are_shown() -> None:
    write_scan()
    result = gallery("scan.nii.gz", "label.nii.gz", "--out", "out", "--seed", "1")
    assert result.exit_code == 0, result.output
    lines = result.stdout.strip().splitlines()
    assert lines[-2:] == ["Gallery: out/gallery.png", "Gallery: out/gallery.html"]
    assert Path("out/gallery.png").is_file()
    page = Path("out/gallery.html").read_text(encoding="utf-8")
    assert "scan.nii.gz under every operation" in page
    assert "seed 1" in page


def test_without_a_scan_the_phantom_is_shown() -> None:
    result = gallery()
    assert result.exit_code == 0, result.output
    page = Path("gallery/gallery.html").read_text(encoding="utf-8")
    assert "phantom under every operation" in page


def test_what_cannot_be_shown_is_refused_in_one_line_with_code_2() -> None:
    write_scan()
    assert_refused(gallery("gone.nii"), "gone.nii")
    assert_refused(gallery("scan.nii.gz", "gone.nii"), "gone.nii")
    assert_refused(gallery("scan.nii.gz", "--channel", "3"), "no channel 3")
    assert_refused(gallery("scan.nii.gz", "--out", "scan.nii.gz"), "scan.nii.gz")
    assert not Path("gallery").exists()
