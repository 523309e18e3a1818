"""The files that say what medaug is agree with the package."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import PackageNotFoundError, metadata, packages_distributions

import pytest
import yaml
from conftest import REPOSITORY
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import medaug
from medaug.policy import trust

CITATION = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"))
SECURITY = (REPOSITORY / "SECURITY.md").read_text(encoding="utf-8")
PYPROJECT = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")


def test_the_citation_is_of_this_package():
    about = metadata("medaug")
    assert CITATION["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= set(CITATION)
    assert CITATION["title"] == about["Name"]
    assert CITATION["version"] == medaug.__version__ == about["Version"]
    assert CITATION["license"] == about["License-Expression"]
    assert CITATION["abstract"] == about["Summary"]
    assert [author["name"] for author in CITATION["authors"]] == [about["Author"]]
    assert set(CITATION["keywords"]) == set(about["Keywords"].split(","))


def test_the_security_policy_names_what_configurations_may_name():
    for package in trust._CLASSES_OF:
        assert f"`{package.rstrip('.')}`" in SECURITY
    assert "--trust" in SECURITY


def test_no_object_is_unpickled_but_by_torchs_safe_loader():
    """As SECURITY.md says."""
    for file in (REPOSITORY / "medaug").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert "allow_pickle=True" not in text, file
        assert not re.search(r"pickle\.loads?\(|yaml\.(unsafe_|full_)?load\(", text), file
        for call in re.findall(r"torch\.load\([^)]*\)", text):
            assert "weights_only=True" in call, file


def imported_packages() -> set[str]:
    """Return the first names of all modules that medaug imports anywhere."""
    found = set()
    for file in (REPOSITORY / "medaug").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Import):
                found |= {each.name.partition(".")[0] for each in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(str(node.module).partition(".")[0])
    return found - {"medaug"} - set(sys.stdlib_module_names)


def test_what_is_imported_is_a_dependency_or_of_an_extra():
    needed = re.findall(r'^ *"?([A-Za-z][\w.-]*)\[?[^"]*>=', PYPROJECT, re.MULTILINE)
    needed += re.findall(r'"([A-Za-z][\w.-]*)>=', PYPROJECT)
    names = {name.lower().replace("_", "-") for name in needed}
    homes = packages_distributions()
    for module in imported_packages() - {"llvmlite"}:  # numba's, which alone knows its version
        there = {name.lower().replace("_", "-") for name in homes[module]}
        assert there & names, f"{module}, of {there}"


@pytest.mark.parametrize("name", ["SECURITY.md", "CITATION.cff"])
def test_no_address_is_made_up(name):
    text = (REPOSITORY / name).read_text(encoding="utf-8")
    assert not re.search(r"https?://|\S+@\S+\.\S+", text)


def pythons_of(package: str) -> SpecifierSet:
    try:
        return SpecifierSet(metadata(package)["Requires-Python"] or "")
    except PackageNotFoundError:  # which only another system needs
        return SpecifierSet()


def test_a_pinned_version_can_be_installed_on_every_python_that_it_is_pinned_for():
    """Where a version has left a Python behind, pip is free to take an older one."""
    lines = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    promised = re.findall(r"Programming Language :: Python :: (3\.\d+)", PYPROJECT)
    assert pins
    assert promised
    stuck = [
        f"{pin.name} on {python}"
        for pin in pins
        for python in promised
        if pin.marker is None or pin.marker.evaluate({"python_version": python})
        if not pythons_of(pin.name).contains(f"{python}.99")
    ]
    assert not stuck
