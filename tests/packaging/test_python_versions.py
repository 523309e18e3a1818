"""The oldest Python that the metadata promise can read every file, and has what it imports."""

from __future__ import annotations

import ast
import re

import pytest
from conftest import REPOSITORY

OLDEST = (3, 10)
PYPROJECT = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
FOLDERS = ("medaug", "tests", "speed", "data_scripts", "docs", "notebooks", "configs")


#: What of the standard library came after it. mypy knows all of it, but cannot read the stubs of
#: other packages as of so old a Python.
NEWER = {
    *("tomllib", "builtins.BaseExceptionGroup", "builtins.ExceptionGroup"),
    *("asyncio.Runner", "asyncio.TaskGroup", "asyncio.timeout"),
    *("contextlib.chdir", "copy.replace", "datetime.UTC", "hashlib.file_digest", "http.HTTPMethod"),
    *("enum.EnumType", "enum.ReprEnum", "enum.StrEnum", "enum.member", "enum.nonmember"),
    *("inspect.getmembers_static", "itertools.batched", "logging.getLevelNamesMapping"),
    *("math.cbrt", "math.exp2", "math.fma", "math.sumprod", "operator.call"),
    *("os.process_cpu_count", "random.binomialvariate", "sys.exception", "warnings.deprecated"),
    *(f"typing.{name}" for name in ("LiteralString", "Never", "NotRequired", "ReadOnly")),
    *(f"typing.{name}" for name in ("Required", "Self", "TypeAliasType", "TypeIs", "TypeVarTuple")),
    *(f"typing.{name}" for name in ("Unpack", "assert_never", "assert_type", "override")),
    *(f"typing.{name}" for name in ("dataclass_transform", "get_overloads", "reveal_type")),
    *(".add_note", ".from_uri", ".full_match", ".walk", ".with_segments"),  # methods
}


def newer_names(tree: ast.AST) -> set[str]:
    """Return what of `NEWER` a file uses."""
    nodes = list(ast.walk(tree))
    modules: dict[str, str] = {}
    used = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            modules |= {each.asname or each.name: each.name for each in node.names}
            used |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            used |= {str(node.module), *(f"{node.module}.{each.name}" for each in node.names)}
        elif isinstance(node, ast.Name):
            used.add(f"builtins.{node.id}")
    for node in nodes:
        if isinstance(node, ast.Attribute):
            home = node.value.id if isinstance(node.value, ast.Name) else ""
            used.add(f"{modules.get(home, '')}.{node.attr}")
    return used & NEWER


def test_the_oldest_python_can_read_every_file():
    files = [file for folder in FOLDERS for file in (REPOSITORY / folder).rglob("*.py")]
    assert files
    for file in files:
        tree = ast.parse(file.read_bytes(), str(file), feature_version=OLDEST)
        assert not newer_names(tree), file


@pytest.mark.parametrize(
    "line",
    [
        "import tomllib",
        "from tomllib import loads",
        "from typing import Any, Self",
        "import typing as t\nx: t.Self",
        "import datetime\ndatetime.UTC",
        "raise ExceptionGroup('', [])",
        "Path().walk()",
        "error.add_note('')",
    ],
)
def test_what_is_newer_is_found(line):
    assert newer_names(ast.parse(line))


@pytest.mark.parametrize("line", ["try: pass\nexcept* ValueError: pass", "def f[T](x: T): pass"])
def test_newer_syntax_is_found(line):
    with pytest.raises(SyntaxError):
        ast.parse(line, feature_version=OLDEST)


def test_the_metadata_and_the_tools_have_the_same_oldest_python():
    oldest = ".".join(map(str, OLDEST))
    assert f'requires-python = ">={oldest}"' in PYPROJECT
    assert f'target-version = "py{oldest.replace(".", "")}"' in PYPROJECT
    versions = re.findall(r"Programming Language :: Python :: (3\.\d+)", PYPROJECT)
    assert versions[0] == oldest
