"""The pages of the documentation and the blocks in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from conftest import REPOSITORY

DOCS = REPOSITORY / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if "results" not in path.parts)
_BESIDE_CODE = ("*.md", "notebooks/*.md", "configs/bundle/docs/*.md", "data_scripts/*/*.md")
DOCUMENTS = [*PAGES, *(path for each in _BESIDE_CODE for path in REPOSITORY.glob(each))]

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def name_of(page: Path) -> str:
    return page.relative_to(REPOSITORY).as_posix()


def blocks(page: Path, language: str) -> list[str]:
    found = _BLOCK.findall(page.read_text(encoding="utf-8"))
    return [text for kind, text in found if kind == language]


def command_lines(page: Path) -> Iterator[str]:
    """Yield the lines of the shell blocks, those that go on joined."""
    for text in blocks(page, "sh"):
        yield from text.replace("\\\n", " ").splitlines()
