"""What is written beside the page: Markdown, a figure, TensorBoard logs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from benchmark.report.made_up import compare, make_example, make_results
from tensorboardX.proto.event_pb2 import Event

from medaug.benchmark.report.examples import write_examples
from medaug.benchmark.report.headline import headline
from medaug.benchmark.report.markdown import write_markdown
from medaug.benchmark.report.tables import answer_table, detectable_sentence
from medaug.benchmark.report.tensorboard import write_tensorboard
from medaug.benchmark.report.write import write_reports
from medaug.benchmark.runs.key import RunKey
from medaug.errors import InputError

GAINS = {"none": 0.0, "my|arm": 0.05}


def test_markdown_has_the_sentence_the_tables_and_where_it_comes_from(tmp_path: Path) -> None:
    results = make_results(GAINS, sizes=(5, 10), missing={RunKey("none", 5, 0, 0): "killed"})
    results.provenance["remarks"] = ["A remark."]
    comparison = compare(results)
    write_markdown(results, comparison, tmp_path / "summary.md", figure="differences.svg")
    text = (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert text.startswith(f"# demo\n\n{headline(results, comparison)}\n")
    for row in answer_table(results, comparison).rows:
        assert "| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" in text
    for fact in (
        detectable_sentence(results, comparison),
        "(differences.svg)",
        "| none | 5 | fold 0, seed 0 | killed |",
        "- A remark.",
        "**Statistics.** ",
        '"medaug": "0.0.7"',
        "a processor",
        '"steps": 90',
        "    medaug benchmark --long",
        "````yaml\n- name: my|arm\n- <second line>\n````",
    ):
        assert fact in text
    widths = {
        line.replace(r"\|", "").count("|") for line in text.splitlines() if "mean Dice |" in line
    }
    assert widths == {10}


def test_markdown_without_a_figure_shows_none(tmp_path: Path) -> None:
    results = make_results({"none": 0.0})
    write_markdown(results, compare(results), tmp_path / "summary.md", figure=None)
    assert "![" not in (tmp_path / "summary.md").read_text(encoding="utf-8")


def test_reports_are_written_whole_and_show_the_examples_of_the_folder(tmp_path: Path) -> None:
    results = make_results(GAINS)
    write_reports(results, compare(results), tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {
        "report.html",
        "summary.md",
        "differences.svg",
    }
    assert "Best and worst cases" not in (tmp_path / "report.html").read_text(encoding="utf-8")
    write_examples([make_example(results.arms)], tmp_path / "examples.npz")
    write_reports(results, compare(results), tmp_path)
    assert "Best and worst cases" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_one_arm_has_a_report_without_a_figure(tmp_path: Path) -> None:
    results = make_results({"none": 0.0})
    write_reports(results, compare(results), tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"report.html", "summary.md"}


def test_tensorboard_logs_hold_curves_and_final_scores_of_each_run(tmp_path: Path) -> None:
    results = make_results({"none": 0.0, "default": 0.05}, sizes=(5, "all"))
    folder = write_tensorboard(results, tmp_path / "logs")
    logs = sorted(path.parent.relative_to(folder).as_posix() for path in folder.rglob("events.*"))
    assert len(logs) == len(results.runs) == 16
    assert "default/train5-fold1-seed0" in logs
    scalars = read_scalars(folder / "default/train5-fold1-seed0")
    assert len(scalars["loss"]) == 90
    assert scalars["loss"][30] == pytest.approx(0.3678794, rel=1e-6)
    assert scalars["monitor/dice"] == pytest.approx({30: 0.3, 60: 0.6, 90: 0.9})
    scores = results.scores
    run = scores[
        (scores["arm"] == "default")
        & (scores["train_cases"] == "5")
        & (scores["fold"] == 1)
        & (scores["seed"] == 0)
    ]
    for measure in ("dice", "hd95_mm"):
        mean = run.loc[run["class"] == "Anterior", measure].mean()
        assert scalars[f"test/{measure}/Anterior"] == pytest.approx({90: mean})


def test_tensorboard_logs_need_an_empty_folder(tmp_path: Path) -> None:
    results = make_results({"none": 0.0})
    (tmp_path / "file").touch()
    for place in (tmp_path, tmp_path / "file"):
        with pytest.raises(InputError, match="not an empty folder"):
            write_tensorboard(results, place)


def test_without_tensorboardx_the_message_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(InputError, match=r'pip install "medaug\[tensorboard\]"'):
        write_tensorboard(make_results({"none": 0.0}), tmp_path / "logs")


def read_scalars(folder: Path) -> dict[str, dict[int, float]]:
    """Read an event log: records of a length (8 bytes), its checksum (4), data, a checksum (4)."""
    (file,) = folder.iterdir()
    content, scalars = file.read_bytes(), {}
    while content:
        end = 12 + int.from_bytes(content[:8], "little")
        event = Event.FromString(content[12:end])
        content = content[end + 4 :]
        for value in event.summary.value:
            scalars.setdefault(value.tag, {})[event.step] = value.simple_value
    return scalars
