"""What the documents say is true today."""

from __future__ import annotations

import re

import numpy as np
import pytest
from conftest import REPOSITORY
from monai.transforms import LoadImaged

from medaug.io.cached import write_cached_case
from medaug.io.volume import write_volume

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
TABLES = re.findall(r"<!-- table: (\S+) -->\n(.*?)<!-- end -->", README, flags=re.DOTALL)


def table_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("|")]


def test_the_readme_shows_tables_that_commands_wrote():
    assert len(TABLES) == 3


@pytest.mark.parametrize(("source", "shown"), TABLES)
def test_a_table_in_the_readme_is_the_one_that_the_command_wrote(source, shown):
    written = (REPOSITORY / source).read_text(encoding="utf-8")
    assert table_lines(shown) == table_lines(written) != []


def test_the_python_examples_in_the_readme_run(tmp_path, rng, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(blocks) == 5
    volumes = {}
    for name in ("image", "label"):
        volumes[name] = rng.integers(1, 3, (40, 42, 44)).astype(np.uint8)
        write_volume(tmp_path / f"{name}.nii.gz", volumes[name], np.eye(4))
    case = (np.float32(volumes["image"][None]), volumes["label"], np.eye(4))
    folder = tmp_path / "data" / "cache" / "a"
    folder.parent.mkdir(parents=True)
    write_cached_case(folder, *case, name="a", patient="a", channels=["mr"])
    files = {name: tmp_path / f"{name}.nii.gz" for name in ("image", "label")}
    namespace: dict = {"cases": [files]}
    for block in blocks:
        exec(block, namespace)
    assert isinstance(namespace["train"].transforms[0], LoadImaged)
    sample = namespace["train"](files)
    assert sample["image"].shape == sample["label"].shape == (1, 128, 128, 128)
    augmented = namespace["dataset"][0]
    assert augmented["image"].shape == augmented["label"].shape == (1, 32, 32, 32)


@pytest.mark.parametrize("document", sorted(REPOSITORY.glob("*.md")), ids=lambda path: path.name)
def test_every_link_leads_to_a_file(document):
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", document.read_text(encoding="utf-8")):
        assert (REPOSITORY / target).exists(), target


def test_every_make_target_in_the_readme_exists():
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"make (\w+)", README):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
