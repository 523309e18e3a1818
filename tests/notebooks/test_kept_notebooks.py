"""What is kept of the notebooks: small, whole, and the same whoever ran them."""

from __future__ import annotations

import json
import re
import struct
from base64 import b64decode
from collections.abc import Iterator
from math import prod
from typing import Any

import pytest
import yaml
from conftest import REPOSITORY
from notebook_runs import FIRST, NAMES, code_cells, notebook, texts
from typer.main import get_command

from medaug.benchmark.config import BenchmarkConfig
from medaug.cli.app import app

#: Traces of a machine, a moment or a process.
TRACES = {
    "absolute path": r"(?<![\w.:/<])(?:/[\w.-]+){2,}|\b[A-Z]:\\",
    "date or time": r"\b\d{4}-\d\d-\d\d\b|\b\d\d:\d\d\b",
    "address in memory": r"\b0x[0-9a-f]{6,}",
    "colour of a terminal": "\x1b",
    "warning": r"(?i)\bwarn(ing)?\b|Traceback",
}
#: Sizes of phantoms, in Python and in YAML.
PHANTOM = re.compile(r"cases[=:] ?(\d+), shape[=:] ?[(\[](\d+), (\d+), (\d+)[)\]]")


def pictures(name: str) -> Iterator[bytes]:
    for cell in code_cells(notebook(name)):
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                yield b64decode(output.data["image/png"])


def markdown(name: str) -> str:
    cells = notebook(name).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def test_there_is_a_notebook_for_each_first_step():
    assert {
        "first_augmentation",
        "monai_pipeline",
        "dice_benchmark",
        "preprocess_folder",
        "own_effect",
    } <= set(NAMES)
    assert set(FIRST) < set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_it_was_run_once_from_the_top_and_has_its_outputs(name: str):
    cells = code_cells(notebook(name))
    assert [cell.execution_count for cell in cells] == [*range(1, len(cells) + 1)]
    assert any("".join(texts(cell)) for cell in cells)
    assert list(pictures(name))
    assert not any(output.output_type == "error" for cell in cells for output in cell.outputs)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", TRACES)
def test_outputs_tell_nothing_of_the_machine_and_the_moment(name: str, kind: str):
    for cell in code_cells(notebook(name)):
        for text in texts(cell):
            found = re.search(TRACES[kind], text)
            assert found is None, f"{kind} {found[0]!r} in the output of\n{cell.source}"


@pytest.mark.parametrize("name", NAMES)
def test_metadata_are_the_same_for_all(name: str):
    """What editors and kernels write there differs at each run."""
    content = notebook(name)
    assert content.metadata == notebook(NAMES[0]).metadata
    assert content.metadata.keys() == {"kernelspec", "language_info"}
    assert [cell.id for cell in content.cells] == [
        f"cell-{number}" for number in range(1, len(content.cells) + 1)
    ]
    assert all(cell.metadata.keys() <= {"tags"} for cell in content.cells)
    assert "version" not in json.dumps(content.metadata)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_small(name: str):
    size = (REPOSITORY / "notebooks" / f"{name}.ipynb").stat().st_size
    assert size < 1_000_000
    for picture in pictures(name):
        assert picture.startswith(b"\x89PNG")
        width, height = struct.unpack(">II", picture[16:24])
        assert 200 < width < 1000
        assert height < 800


@pytest.mark.parametrize("name", NAMES)
def test_all_that_it_works_on_is_a_small_phantom(name: str):
    sources = "\n".join(cell.source for cell in code_cells(notebook(name)))
    phantoms = PHANTOM.findall(sources)
    assert phantoms
    assert sum(prod(map(int, sizes)) for sizes in phantoms) < 1_500_000


def test_the_benchmark_has_few_steps_and_more_than_a_quick_one():
    written = (cell.source for cell in code_cells(notebook("dice_benchmark")))
    text = next(source for source in written if source.startswith("%%writefile"))
    config = BenchmarkConfig.model_validate(yaml.safe_load(text.partition("\n")[2]))
    trainings = len(config.arms) * config.folds * len(config.seeds) * len(config.train_cases)
    assert trainings >= 4
    assert trainings * config.steps * config.batch_size * prod(config.patch_size) < 50_000_000


def test_the_readme_has_them_all():
    text = (REPOSITORY / "notebooks" / "README.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"\]\((\w+)\.ipynb\)", text)) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_its_links_lead_to_files(name: str):
    for target in re.findall(r"\]\((?!http|#)([^)#]+)[^)]*\)", markdown(name)):
        assert (REPOSITORY / "notebooks" / target).exists(), target


@pytest.mark.parametrize("name", NAMES)
def test_commands_and_options_that_it_names_exist(name: str):
    commands: Any = get_command(app)
    options = {
        each.name: {o for p in each.params for o in p.opts} for each in commands.commands.values()
    }
    text = markdown(name)
    for line in re.findall(r"^(?:\w+=\S+ )?medaug (.*)$", text, flags=re.MULTILINE):
        command, *words = line.split()
        assert {word for word in words if word.startswith("--")} <= options[command]
    assert set(re.findall(r"(?<!\S)`?(--[a-z][a-z-]*)", text)) <= set().union(*options.values())
