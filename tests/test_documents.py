"""What the README shows is what commands wrote and what runs; tests/docs sees to the rest."""

from __future__ import annotations

import importlib.util
import pkgutil
import re
from io import BytesIO

import matplotlib.image
import numpy as np
import pytest
from conftest import REPOSITORY
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

import medaug
from medaug.benchmark.cases.phantom import PhantomConfig, make_phantom
from medaug.io.cached import write_cached_case
from medaug.io.volume import write_volume

README = REPOSITORY / "README.md"
TEXT = README.read_text(encoding="utf-8")
CONTRIBUTING = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
RESULTS = REPOSITORY / "docs" / "results" / "README.md"
TABLES = re.findall(r"<!-- table: (\S+) -->\n(.*?)<!-- end -->", TEXT, flags=re.DOTALL)

EXCERPTS = re.findall(
    r"<!-- file: (\S+) -->\n+```python\n(.*?)^```$", CONTRIBUTING, flags=re.DOTALL | re.MULTILINE
)


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
    dataset = document.namespace["dataset"]
    first, second = dataset[0], dataset[0]
    assert first["image"].shape[1:] == first["label"].shape[1:] == (128, 128, 128)
    assert not np.array_equal(first["image"], second["image"])


def test_every_make_target_in_the_readme_exists():
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`make (\w+)", TEXT):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_the_picture_in_the_readme_is_the_one_that_its_script_draws():
    """But for what another version of the fonts changes."""
    script = REPOSITORY / "docs" / "pictures" / "augmentation.py"
    spec = importlib.util.spec_from_file_location("augmentation", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    drawn = module.draw(module.phantom_subject(spacing_mm=1.6))
    shown = matplotlib.image.imread(module.PICTURE)
    now = matplotlib.image.imread(BytesIO(drawn))
    assert f"]({module.PICTURE.relative_to(REPOSITORY).as_posix()})" in TEXT
    assert now.shape == shown.shape
    assert np.abs(now - shown).mean() < 0.01


@pytest.mark.parametrize(("file", "excerpt"), EXCERPTS)
def test_what_contributing_shows_of_a_file_is_in_it(file, excerpt):
    """Piece by piece, in this order; an ellipsis stands for what is left out."""
    code, place = (REPOSITORY / file).read_text(encoding="utf-8"), 0
    for piece in excerpt.split("...\n"):
        place = code.find(piece, place)
        assert place >= 0, piece
        place += len(piece)


def test_the_house_in_contributing_has_all_rooms():
    house = CONTRIBUTING.split("## The house")[1].split("## ")[0]
    rooms = {
        name for row in table_lines(house) for name in re.findall(r"`(\w+)`", row.split("|")[1])
    }
    assert rooms == {module.name for module in pkgutil.iter_modules(medaug.__path__)}


def test_what_the_results_quote_is_what_a_command_wrote():
    text = RESULTS.read_text(encoding="utf-8")
    quotes = re.findall(r"\(([^()]+)\)+[^()]*:\n\n((?:> .*\n)+)", text)
    assert quotes
    assert len(quotes) == len(re.findall(r"(?:^> .*\n)+", text, flags=re.MULTILINE))
    for source, quote in quotes:
        said = " ".join(line.removeprefix("> ") for line in quote.splitlines())
        assert said in (RESULTS.parent / source).read_text(encoding="utf-8"), source
