"""What the README shows is what commands wrote and what runs; tests/docs sees to the rest."""

from __future__ import annotations

import re

import numpy as np
import pytest
from conftest import REPOSITORY
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

from medaug.benchmark.cases.phantom import PhantomConfig, make_phantom
from medaug.io.cached import write_cached_case
from medaug.io.volume import write_volume

README = REPOSITORY / "README.md"
TEXT = README.read_text(encoding="utf-8")
TABLES = re.findall(r"<!-- table: (\S+) -->\n(.*?)<!-- end -->", TEXT, flags=re.DOTALL)


def table_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("|")]


def test_all_tables_with_numbers_in_the_readme_are_from_commands():
    written = {line for _, shown in TABLES for line in table_lines(shown)}
    by_hand = [line for line in table_lines(TEXT) if line not in written]
    assert TABLES
    assert not any(re.search(r"\d\.\d", line) for line in by_hand)


@pytest.mark.parametrize(("source", "shown"), TABLES)
def test_a_table_in_the_readme_is_the_one_that_the_command_wrote(source, shown):
    written = (REPOSITORY / source).read_text(encoding="utf-8")
    lines = table_lines(shown)
    assert lines
    assert "\n".join(lines) in written


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """A working folder with a scan, its label, and cached cases; ``cases`` names the files."""
    monkeypatch.chdir(tmp_path)
    affine = np.diag([3.0, 3, 3, 1])
    case = make_phantom(PhantomConfig(cases=2)).cases[0]
    files = {"image": "image.nii.gz", "label": "label.nii.gz"}
    write_volume("image.nii.gz", case.image, affine)
    write_volume("label.nii.gz", case.label, affine)
    folder = tmp_path / "data" / "cache" / case.name
    about = {"name": case.name, "patient": case.patient, "channels": ["T1", "FLAIR"]}
    write_cached_case(folder, case.image, case.label[0], affine, **about)
    return {"cases": [files]}


def test_the_python_examples_in_the_readme_run(prepared):
    """In one namespace, from the first to the last; what they make of data sets can be read."""
    sybil = Sybil([PythonCodeBlockParser(), SkipParser()], path=str(REPOSITORY))
    document = sybil.parse(README)
    document.namespace.update(prepared)
    examples = list(document.examples())
    assert examples
    for example in examples:
        example.evaluate()
    made = document.namespace
    if "dataset" in made:
        assert made["dataset"][0]["image"].shape[1:] == made["dataset"][0]["label"].shape[1:]


def test_every_make_target_in_the_readme_exists():
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`make (\w+)", TEXT):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
