"""What stands in the pages of the documentation is true: code runs, commands and keys exist."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from conftest import REPOSITORY
from docs_pages import DOCS, DOCUMENTS, PAGES, blocks, command_lines, name_of
from pydantic import BaseModel
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser
from typer.main import get_command

from medaug.benchmark.config import BenchmarkConfig
from medaug.benchmark.search.config import SearchConfig
from medaug.cli.app import app
from medaug.policy import build_policy
from medaug.preprocessing.config import PreprocessConfig

MODELS: tuple[type[BaseModel], ...] = (BenchmarkConfig, PreprocessConfig, SearchConfig)
SYBIL = Sybil([PythonCodeBlockParser(), SkipParser()], path=str(DOCS), patterns=["**/*.md"])

WITH_CODE = [page for page in PAGES if blocks(page, "python")]
COMMANDS = [(page, line) for page in DOCUMENTS for line in command_lines(page)]
SETTINGS = [(page, text) for page in PAGES for text in blocks(page, "yaml")]


@pytest.mark.parametrize("page", WITH_CODE, ids=name_of)
def test_the_code_of_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """In one namespace, from the first block to the last, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for example in SYBIL.parse(page).examples():
        example.evaluate()


def model_meant(content: Any) -> type[BaseModel] | None:
    """The model that most of the keys belong to, if there is one."""
    for model in MODELS:
        known = model.model_fields.keys() & content.keys()
        if 2 * len(known) > len(content):
            return model
    return None


@pytest.mark.parametrize(("page", "text"), SETTINGS, ids=lambda value: getattr(value, "name", ""))
def test_the_settings_of_a_page_are_understood(page: Path, text: str):
    content = yaml.safe_load(text)
    if isinstance(content, list) and "_target_" in content[0]:
        assert build_policy(text, page.name, spatial_size=(32, 32, 32)).transforms
    elif isinstance(content, dict) and (model := model_meant(content)):
        model.model_validate(content)


def test_settings_of_all_kinds_are_among_them():
    kinds = {model_meant(c) for _, t in SETTINGS if isinstance(c := yaml.safe_load(t), dict)}
    assert kinds >= set(MODELS)


def check_medaug(words: list[str]) -> None:
    group: Any = get_command(app)
    if words[0].startswith("-"):
        assert words[0] in {option for each in group.params for option in each.opts}
        return
    command = group.get_command(click.Context(group), words[0])
    assert command is not None, words[0]
    given, left, _ = command.make_parser(click.Context(command)).parse_args(args=words[1:])
    assert not left, left
    for parameter in command.params:
        assert not parameter.required or given.get(parameter.name), parameter.name


@pytest.mark.parametrize(("page", "line"), COMMANDS, ids=lambda value: str(value)[-60:])
def test_a_command_exists_with_its_options(page: Path, line: str):
    words = shlex.split(line, comments=True)
    while words and re.fullmatch(r"\w+=.*", words[0]):
        words = words[1:]  # variables of the environment
    match words:
        case ["medaug", *rest]:
            check_medaug(rest)
        case ["make", target]:
            makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
            assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
        case ["python", "-m", module, *_]:
            assert importlib.util.find_spec(module) is not None, module
        case ["python", script, *_] if "/" in script:
            assert (REPOSITORY / script).is_file(), script


def test_commands_of_the_readme_and_of_pages_are_among_them():
    used = {line.split()[1] for _, line in COMMANDS if line.startswith("medaug ")}
    assert {"augment", "benchmark", "inspect", "preprocess", "preview", "restore"} <= used


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_link_leads_to_a_file(document: Path):
    """As on the disk; the anchors are checked when the site is built."""
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\((?!http|#)([^)#]+)[^)]*\)", text):
        assert (document.parent / target).exists(), target
