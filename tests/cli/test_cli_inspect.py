"""``medaug inspect`` prints, and says by its exit code whether there are errors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from preprocessing.dataset_makers import cube, ramp, write_case, write_dataset
from typer.testing import CliRunner, Result

from medaug.cli.app import app
from medaug.io.volume import write_volume


def inspect(*arguments: str) -> Result:
    return CliRunner().invoke(
        app, ["inspect", *arguments, "--workers", "1"], env={"COLUMNS": "200"}
    )


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_data_set_in_order_is_described() -> None:
    write_dataset(Path("set"))
    result = inspect("set")
    assert result.exit_code == 0, result.output
    assert "3 cases, 3 labelled; 3 patients" in result.stdout
    assert "No problems" in result.stdout


def test_json_is_all_that_is_printed_and_the_page_is_written_beside() -> None:
    write_dataset(Path("set"))
    result = inspect("set", "--json", "--html", "page.html")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["summary"]["cases"] == 3
    assert "Page: page.html" in result.stderr
    assert Path("page.html").read_text(encoding="utf-8").count("data:image/png") == 3


def test_errors_make_the_exit_code_1_after_all_was_told() -> None:
    write_dataset(Path("set"))
    write_case(Path("set"), "case_1", [ramp(np.nan)], cube(1, 2))
    result = inspect("set", "--html", "page.html")
    assert result.exit_code == 1
    assert "error: set/imagesTr/case_1_0000.nii.gz: 1680 voxels are NaN" in result.stdout
    assert Path("page.html").is_file()


def test_the_configuration_says_how_to_find_the_cases() -> None:
    for name in ("a", "b"):
        Path("set", name).mkdir(parents=True)
        write_volume(Path("set", name, "scan.nii.gz"), ramp(), np.eye(4))
    Path("config.yaml").write_text("layout: {images: '{case}/scan.nii.gz'}\n")
    result = inspect("set", "--config", "config.yaml", "--json")
    assert [case["name"] for case in json.loads(result.stdout)["cases"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [(["gone"], "gone"), (["."], "layout"), ([".", "--config", "gone.yaml"], "gone.yaml")],
)
def test_what_cannot_be_inspected_is_refused_in_one_line_with_code_2(
    arguments: list[str], word: str
) -> None:
    result = inspect(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stderr.startswith("Error: ")
    assert word in result.stderr
