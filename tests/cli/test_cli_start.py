"""What only names, helps or refuses starts at once: nothing that takes seconds is loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"matplotlib", "monai", "nibabel", "numba", "pandas", "scipy", "SimpleITK", "torch"}
COMMAND = "from medaug.cli import main; main()"


def loaded(program: str, *arguments: str) -> set[str]:
    """Return the packages that a program in a process of its own has loaded when it ends."""
    program = (
        "import sys\n"
        f"try: {program}\n"
        "except SystemExit: pass\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], check=True, capture_output=True, text=True
    )
    return set(done.stdout.splitlines()[-1].split())


def test_importing_medaug_is_light():
    assert loaded("import medaug") & (HEAVY | {"numpy", "pydantic", "typer", "yaml"}) == set()


@pytest.mark.parametrize(
    "arguments", [["--help"], ["benchmark", "--help"], ["--version"], ["benchmrk"]], ids=" ".join
)
def test_the_command_line_is_light_until_there_is_work(arguments):
    assert loaded(COMMAND, *arguments) & HEAVY == set()


def test_what_is_loaded_is_seen():
    assert loaded("import medaug.cli, scipy.special") >= {"medaug", "scipy"}
