"""``medaug report`` makes the report of a benchmark from its folder alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from benchmark.report.made_up import make_folder
from typer.testing import CliRunner, Result

from medaug.benchmark.analysis import analyse
from medaug.benchmark.load_results import load_results
from medaug.benchmark.report.examples import save_examples
from medaug.benchmark.report.write import write_reports
from medaug.cli.app import app


def report(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["report", *map(str, arguments)], env={"COLUMNS": "200"})


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A benchmark's folder with the report that the benchmark itself wrote."""
    folder = tmp_path_factory.mktemp("finished")
    experiment, store = make_folder(folder)
    results = load_results(folder)
    save_examples(experiment, store, results, folder / "examples.npz")
    write_reports(results, analyse(results), folder)
    return folder


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    """A copy, elsewhere."""
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def test_the_report_is_the_one_that_the_benchmark_wrote(folder: Path, finished: Path) -> None:
    (folder / "report.html").unlink()
    result = report(folder)
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == f"Report: {folder / 'report.html'}"
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page == (finished / "report.html").read_text(encoding="utf-8")
    assert "Best and worst cases" in page


def test_markdown_on_request(folder: Path, finished: Path) -> None:
    for name in ("report.html", "summary.md", "differences.svg"):
        (folder / name).unlink()
    result = report(folder, "--format", "md")
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == f"Report: {folder / 'summary.md'}"
    text = (folder / "summary.md").read_text(encoding="utf-8")
    assert text == (finished / "summary.md").read_text(encoding="utf-8")
    assert (folder / "differences.svg").exists()
    assert not (folder / "report.html").exists()


def test_tensorboard_logs_on_request(folder: Path) -> None:
    logs = folder / "logs"
    result = report(folder, "--tensorboard", logs)
    assert result.exit_code == 0, result.output
    assert result.stdout.strip().splitlines()[-1] == f"TensorBoard: {logs}"
    assert len(list(logs.glob("flip/*/events.*"))) == 2


def test_runs_that_are_gone_are_reported_missing(folder: Path) -> None:
    shutil.rmtree(next((folder / "runs" / "flip").iterdir()))
    assert report(folder).exit_code == 0
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "1 of 4 runs is missing" in page
    assert "not run yet" in page


def test_another_folder_is_refused_in_one_line_with_code_2(folder: Path, tmp_path: Path) -> None:
    (folder / "examples.npz").write_text("broken", encoding="utf-8")
    for place, word in ((tmp_path, "holds no benchmark"), (folder, "examples.npz")):
        result = report(place)
        assert result.exit_code == 2, result.output
        assert word in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1
