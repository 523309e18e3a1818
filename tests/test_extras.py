"""Optional dependencies: what is said where one is not there."""

from __future__ import annotations

import re
import sys
from importlib.metadata import metadata

import pytest
from conftest import REPOSITORY

from medaug.errors import InputError
from medaug.extras import optional_import

NAMED = {
    extra
    for file in (REPOSITORY / "medaug").rglob("*.py")
    for extra in re.findall(
        r'(?:optional_import|missing_extra|install_command)\(\s*"([\w-]+)"',
        file.read_text(encoding="utf-8"),
    )
}


def test_every_extra_that_is_named_exists():
    assert len(NAMED) >= 6
    assert set(metadata("medaug").get_all("Provides-Extra")) >= NAMED


def test_what_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(InputError) as caught, optional_import("search", "a search"):
        import optuna  # noqa: F401, PLC0415
    assert str(caught.value) == (
        'a search needs optuna, which is not installed: pip install "medaug[search]"'
    )


def test_what_is_installed_but_broken_is_said_with_the_reason_in_one_line():
    with pytest.raises(InputError) as caught, optional_import("peers", "an arm"):
        raise ImportError("cannot import name 'a'\nfrom 'b'")
    assert str(caught.value) == (
        "an arm needs what cannot be imported (cannot import name 'a' from 'b'); mend it with "
        'pip install "medaug[peers]"'
    )


def test_other_faults_are_not_taken_for_a_missing_package():
    with pytest.raises(OSError, match="disk"), optional_import("peers", "an arm"):
        raise OSError("disk")
