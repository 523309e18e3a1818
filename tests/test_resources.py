"""Configurations are found by name or path, and what was probably meant is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from medaug.errors import InputError
from medaug.resources import config_file, configs_dir, shipped_names


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def refusal(source: str, kind: str = "policies", **options) -> str:
    with pytest.raises(InputError) as caught:
        config_file(source, kind, **options)
    return str(caught.value)


def test_a_shipped_name_goes_before_a_file_of_that_name():
    Path("flip").write_text("[]")
    assert config_file("flip", "policies") == configs_dir() / "policies" / "flip.yaml"
    assert config_file("./flip", "policies") == Path("flip")


@pytest.mark.parametrize("kind", ["benchmarks", "policies", "preprocessing", "searches"])
def test_an_unknown_name_lists_those_that_are_shipped(kind):
    names = shipped_names(kind)
    assert names
    assert f"name one of {', '.join(names)}, or give" in refusal("xyzzy", kind)
    assert "did you mean" not in refusal("xyzzy", kind)
    assert f"(did you mean '{names[0]}'?)" in refusal(f"{names[0]}x", kind)


def test_names_that_the_caller_knows_count():
    assert "(did you mean 'torchio'?)" in refusal("torchoi", also=["torchio"])


@pytest.mark.parametrize("typed", ["mine/polcy.yaml", "mine/policy", "mine/policy.yml"])
def test_a_file_beside_is_named_by_a_path_that_works(typed):
    Path("mine").mkdir()
    Path("mine/policy.yaml").write_text("[]")
    assert f"(did you mean {str(Path('mine/policy.yaml'))!r}?)" in refusal(typed)


@pytest.mark.parametrize(("source", "shown"), [("mine", "mine"), ("", ".")])
def test_a_folder_is_no_configuration(source, shown):
    Path("mine").mkdir()
    assert refusal(source) == f"{shown}: is a folder; give a YAML file as policy."
