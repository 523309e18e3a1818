"""The documentation builds without a warning, and has what it promises."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from conftest import REPOSITORY
from docs_pages import PAGES

import medaug.compat.monai
import medaug.transforms
from medaug.benchmark.config import BenchmarkConfig

#: What a page loads when it is shown, by tag; links that are clicked do not count.
LOADING = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages, built as ``make docs`` does."""
    out = tmp_path_factory.mktemp("site") / "html"
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    (options,) = re.findall(r"sphinx-build (.*) docs build/docs$", makefile, flags=re.MULTILINE)
    command = [sys.executable, "-m", "sphinx", *options.split(), "--quiet", "docs", str(out)]
    built = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return out


class Links(HTMLParser):
    """Collects the addresses of a page, what it loads, and the places that can be linked to."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.page = page
        self.addresses: list[str] = []
        self.loaded: list[str] = []
        self.places: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if place := known.get("id"):
            self.places.add(place)
        if tag == "a" and (address := known.get("href")):
            self.addresses.append(address)
        if (address := known.get(LOADING.get(tag, ""))) and known.get("rel") != "search":
            self.loaded.append(address)


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Links]:
    return {path.resolve(): Links(path) for path in site.rglob("*.html")}


def test_every_page_is_in_the_navigation(site, pages):
    """Also those whose place in it is a pattern, such as the pages of the frameworks."""
    index = pages[(site / "index.html").resolve()]
    shown = {unquote(urlsplit(address).path) for address in index.addresses}
    docs = REPOSITORY / "docs"
    written = {page.relative_to(docs).with_suffix(".html").as_posix() for page in PAGES}
    assert written - {"index.html"} <= shown


def test_every_link_leads_to_a_page_and_a_place(pages):
    for page, links in pages.items():
        for address in links.addresses:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            assert target.exists(), (page.name, address)
            if parts.fragment and target in pages:
                assert unquote(parts.fragment) in pages[target].places, (page.name, address)


def test_nothing_is_loaded_from_elsewhere(site, pages):
    for page, links in pages.items():
        for address in links.loaded:
            parts = urlsplit(address)
            if parts.scheme == "data":
                continue
            assert not parts.scheme, (page.name, address)
            assert not parts.netloc, (page.name, address)
            assert (page.parent / unquote(parts.path)).exists(), (page.name, address)
    for style in site.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        assert not re.search(r"@import|url\(['\"]?(https?:)?//", text), style.name


@pytest.mark.parametrize("module", [medaug.transforms, medaug.compat.monai])
def test_every_transform_is_described_below_its_picture(site, module):
    names = ("spatial", "intensity") if module is medaug.transforms else ("drop-in",)
    text = "".join(
        (site / "reference" / f"{name}.html").read_text(encoding="utf-8") for name in names
    )
    for name in {getattr(module, alias).__name__ for alias in module.__all__}:
        address = f"{module.__name__}.{name}"
        above = text.partition(f'id="{address}"')[2].partition("<p>")[0]
        assert f"_images/{address}.png" in above, address


def test_every_setting_and_command_is_listed(site):
    text = (site / "reference" / "settings-benchmark.html").read_text(encoding="utf-8")
    for name in BenchmarkConfig.model_fields:
        assert f'<span class="pre">{name}</span>' in text, name
    commands = (site / "reference" / "command-line.html").read_text(encoding="utf-8")
    assert "--train-cases" in commands
