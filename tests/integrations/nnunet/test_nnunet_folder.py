"""The folder that nnU-Net is told of, and what is said where there is no such nnU-Net."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from medaug.integrations.nnunet import __main__ as command

INSTALL = 'pip install "medaug[nnunet]"'


def test_the_command_prints_a_folder_of_nothing_but_the_trainer(capsys):
    pytest.importorskip("nnunetv2", reason="the framework that this is about")
    assert command.main() == 0
    (line,) = capsys.readouterr().out.splitlines()
    modules = [path for path in Path(line).glob("*.py") if path.stem != "__init__"]
    assert [path.name for path in modules] == ["medaug_trainers.py"]  # nnU-Net imports all of them


def test_without_nnunet_there_is_one_line_that_says_what_to_install(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "nnunetv2", None)
    assert command.main() == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert "nnunetv2" in line
    assert INSTALL in line


def test_so_does_the_import_of_the_trainer():
    program = "import sys; sys.modules['nnunetv2'] = sys.modules['batchgeneratorsv2'] = None\n"
    program += "import medaug.integrations.nnunet.trainer"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith("medaug.errors.InputError: ")
    assert INSTALL in last


def test_an_nnunet_that_does_not_look_outside_itself_is_refused(capsys, monkeypatch):
    paths = pytest.importorskip("nnunetv2.paths", reason="the framework that this is about")
    monkeypatch.delattr(paths, "nnUNet_extTrainer")
    assert command.main() == 2
    assert "does not look for trainers outside itself" in capsys.readouterr().err
