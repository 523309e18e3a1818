"""`medaug info`, `medaug --version`, and what a shell completes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import medaug
from medaug.cli import complete
from medaug.cli.app import app
from medaug.extras import install_command
from medaug.info import collect, info_text, requirements
from medaug.info.kernel_cache import kernel_cache
from medaug.kernels import jit


def said(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.output


def test_info_says_what_the_report_of_a_bug_needs():
    text = said("info")
    assert re.search(rf"medaug +{re.escape(medaug.__version__)}, in ", text)
    for package in ("monai", "numba", "numpy", "torch"):
        assert re.search(rf"{package} +{re.escape(version(package))}", text), package
    for heading in ("Extras", "Machine", "Backends", "Kernel cache"):
        assert f"\n{heading}\n" in text
    assert re.search(r"cores +\d+ for this process, of \d+", text)


def test_info_as_json_is_what_was_collected():
    found, collected = json.loads(said("info", "--json")), collect()
    assert found["packages"] == collected["packages"]
    assert found["machine"]["all_cores"] == os.cpu_count()
    assert found["backends"]["compiled"] == (collected["kernel_cache"] is not None)


def test_the_version_is_the_one_that_is_installed():
    assert said("--version").split() == ["medaug", version("medaug")]


NEEDS = [
    "numpy>=1",
    'no-such-package>=2; extra == "peers"',
    'numpy>=99; extra == "search"',
    'pytest; extra == "docs"',
    'medaug[peers,search]; extra == "all"',
    'no-such-package; python_version < "3" and extra == "docs"',
]


def test_an_extra_of_which_something_is_missing_says_what_to_install(monkeypatch):
    class Metadata:
        def get_all(self, _: str) -> list[str]:
            return ["peers", "search", "docs", "all"]

    monkeypatch.setattr(requirements, "requires", lambda _: NEEDS)
    monkeypatch.setattr(requirements, "metadata", lambda _: Metadata())
    assert requirements.unmet_by_extra() == {
        "peers": ["no-such-package>=2"],
        "search": ["numpy>=99"],
        "docs": [],
        "all": ["no-such-package>=2", "numpy>=99"],
    }
    text = info_text(collect())
    assert f"needs no-such-package>=2: {install_command('peers')}" in text
    assert re.search(r"docs +installed", text)
    assert requirements.dependency_versions() == {"numpy": version("numpy")}


def test_files_of_the_kernel_cache_are_counted_by_their_version(monkeypatch, tmp_path):
    for name in (f"a_{jit.FINGERPRINT}.1.nbc", f"a_{jit.FINGERPRINT}.nbi", "a_old.1.nbc", "a.pyc"):
        (tmp_path / name).write_bytes(bytes(100_000))
    module = sys.modules["medaug.info.kernel_cache"]
    monkeypatch.setattr(module, "cache_folder", lambda _: tmp_path)
    found: Any = kernel_cache()
    assert asdict(found) == {
        "folder": str(tmp_path),
        "writable": True,
        "files": 2,
        "megabytes": 0.2,
        "outdated_files": 1,
    }
    assert "1 file, which may be deleted" in info_text(collect())


def test_without_compiled_kernels_there_is_no_cache(monkeypatch):
    monkeypatch.setattr(sys.modules["medaug.info.kernel_cache"], "cache_folder", lambda _: None)
    assert kernel_cache() is None
    assert "plain Python (NUMBA_DISABLE_JIT)" in info_text(collect())


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("medaug bench", "benchmark"),
        ("medaug benchmark hipp", "hippocampus"),
        ("medaug benchmark --arms none,def", "none,default"),
        ("medaug augment in out --policy he", "heavy"),
        ("medaug search hi", "hippocampus"),
        ("medaug preprocess in out --config bra", "brats"),
    ],
)
def test_bash_completes(words, expected):
    """As the script that ``medaug --install-completion`` writes asks for it."""
    environment = {
        "_MEDAUG_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    program = "import sys; sys.argv[0] = 'medaug'; from medaug.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert expected in done.stdout.split(), done


def test_a_policy_is_completed_once():
    assert complete.lists_of_policies("none,default,") != []
    assert not any(each.count("none") > 1 for each in complete.lists_of_policies("none,"))


def test_the_folder_is_that_of_this_package():
    assert Path(collect()["medaug"]["folder"]) == Path(medaug.__file__).parent
