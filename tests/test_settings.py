"""One line for each way to be wrong: it names the file or the option, and the key."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict

from medaug.errors import InputError
from medaug.settings import read_settings


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")

    width: float = 1.0


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Literal["a", "b"] | Part = "a"
    part: Part = Part()
    parts: dict[str, Part] = {}
    sizes: tuple[float, float] | Literal["auto"] = "auto"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("knd: a", "unknown key 'knd'; did you mean 'kind'?"),
        ("zzzzzz: a", "unknown key 'zzzzzz'; the known ones are kind, part, parts, sizes."),
        ("part: {widht: 1}", "unknown key 'part.widht'; did you mean 'width'?"),
        ("kind: {widht: 1}", "unknown key 'kind.widht'; did you mean 'width'?"),
        ("parts: {left: {wide: 1}}", "unknown key 'parts.left.wide'; did you mean 'width'?"),
        ("parts: {left: {width: x}}", "'parts.left.width': input should be a valid number"),
        ("kind: c", "'kind': input should be 'a' or 'b', not 'c'."),
        ("sizes: atuo", "'sizes': input should be 'auto', not 'atuo'."),
        ("sizes: [1, x]", "'sizes.1': input should be a valid number"),
        ("- 1", "holds no keys and values"),
        ("a: [", "cannot be read as YAML"),
        ("kind: !!python/object/apply:os.getcwd []", "cannot be read as YAML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, message):
    file = tmp_path / "settings.yaml"
    file.write_text(text)
    with pytest.raises(InputError) as error:
        read_settings(Whole, file, {})
    assert str(error.value).startswith(f"{file}: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_options_override_the_file_and_are_named(tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_text("kind: b\nsizes: [1, 2]")
    assert read_settings(Whole, file, {"kind": "a"}) == Whole(kind="a", sizes=(1, 2))
    with pytest.raises(InputError, match=r"^--kind: input should be 'a' or 'b', not 'c'\.$"):
        read_settings(Whole, file, {"kind": "c"})


def test_an_empty_file_has_the_defaults(tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_text("# nothing yet\n")
    assert read_settings(Whole, file, {}) == Whole()
