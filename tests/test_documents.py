"""What the documents say is true today."""

from __future__ import annotations

import re

import numpy as np
import pytest
import yaml
from conftest import REPOSITORY
from monai.transforms import LoadImaged

from medaug.benchmark.config import BenchmarkConfig
from medaug.benchmark.search.config import SearchConfig
from medaug.cli.app import app
from medaug.io.cached import write_cached_case
from medaug.io.layouts.rules import LayoutRules
from medaug.io.volume import write_volume
from medaug.preprocessing.config import PreprocessConfig

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
PREPROCESSING = (REPOSITORY / "docs" / "preprocessing.md").read_text(encoding="utf-8")
DOCUMENTS = [
    *REPOSITORY.glob("*.md"),
    *REPOSITORY.glob("docs/*.md"),
    *REPOSITORY.glob("data_scripts/*/*.md"),
]
TABLES = re.findall(r"<!-- table: (\S+) -->\n(.*?)<!-- end -->", README, flags=re.DOTALL)


def table_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("|")]


def test_the_readme_shows_tables_that_commands_wrote():
    assert len(TABLES) == 4


@pytest.mark.parametrize(("source", "shown"), TABLES)
def test_a_table_in_the_readme_is_the_one_that_the_command_wrote(source, shown):
    written = (REPOSITORY / source).read_text(encoding="utf-8")
    lines = table_lines(shown)
    assert lines
    assert "\n".join(lines) in written


def test_the_python_examples_in_the_readme_run(tmp_path, rng, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(blocks) == 5
    volumes = {}
    for name in ("image", "label"):
        volumes[name] = rng.integers(1, 3, (40, 42, 44)).astype(np.uint8)
        write_volume(tmp_path / f"{name}.nii.gz", volumes[name], np.eye(4))
    case = (np.float32(volumes["image"][None]), volumes["label"], np.eye(4))
    for out in ("data", "OUT"):
        write_cached_case(
            tmp_path / out / "cache" / "a", *case, name="a", patient="a", channels=["mr"]
        )
    files = {name: tmp_path / f"{name}.nii.gz" for name in ("image", "label")}
    namespace: dict = {"cases": [files]}
    for block in blocks:
        exec(block, namespace)
    assert isinstance(namespace["train"].transforms[0], LoadImaged)
    sample = namespace["train"](files)
    assert sample["image"].shape == sample["label"].shape == (1, 128, 128, 128)
    (block,) = re.findall(r"```python\n(.*?)```", PREPROCESSING, flags=re.DOTALL)
    for text in ("", block):
        exec(text, namespace)
        augmented = namespace["dataset"][0]
        assert augmented["image"].shape == augmented["label"].shape == (1, 32, 32, 32)


def test_the_configurations_in_the_document_are_understood():
    blocks = re.findall(r"```yaml\n(.*?)```", PREPROCESSING, flags=re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        assert PreprocessConfig.model_validate(yaml.safe_load(block)).layout != LayoutRules()


@pytest.mark.parametrize(
    ("document", "model"), [("benchmark.md", BenchmarkConfig), ("search.md", SearchConfig)]
)
def test_the_settings_in_a_document_are_known(document, model):
    text = (REPOSITORY / "docs" / document).read_text(encoding="utf-8")
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
    assert any(model.model_validate(block) for block in blocks if "name" in block)


def test_every_command_in_the_documents_exists():
    known = {command.callback.__name__ for command in app.registered_commands}
    text = "".join(document.read_text(encoding="utf-8") for document in DOCUMENTS)
    shell = "".join(re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL))
    used = set(re.findall(r"^medaug (\w+)", shell, flags=re.MULTILINE))
    assert {"inspect", "preprocess", "augment", "restore", "benchmark"} <= used <= known


@pytest.mark.parametrize("document", sorted(DOCUMENTS), ids=lambda path: path.name)
def test_every_link_leads_to_a_file(document):
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target


def test_every_make_target_in_the_readme_exists():
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"make (\w+)", README):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
