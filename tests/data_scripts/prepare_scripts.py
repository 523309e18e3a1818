"""Load a preparation script as a module, and run it as a user does."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

from conftest import REPOSITORY

SCRIPTS = REPOSITORY / "data_scripts"


def load_script(dataset: str) -> ModuleType:
    name = f"prepare_{dataset}"
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / dataset / "prepare.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses look up their annotations
    spec.loader.exec_module(module)
    return module


def readme(dataset: str) -> str:
    return (SCRIPTS / dataset / "README.md").read_text(encoding="utf-8")


def run_script(dataset: str, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPTS / dataset / "prepare.py"), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def assert_refused(result: subprocess.CompletedProcess[str], *words: str) -> None:
    """The script ended with code 2 and one line, on stderr, that has the words."""
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    for word in ("Error: ", *words):
        assert word in line
