"""A Sphinx extension: text that the code itself says, put into pages while they are read.

A page has a line such as ``<!-- generated: command-line -->`` where the text shall stand; nothing
is written into the repository.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import click
from numpydoc.docscrape import NumpyDocString
from pydantic import BaseModel
from sphinx.application import Sphinx
from typer.cli import get_docs_for_click
from typer.main import get_command

from medaug.benchmark.cases.phantom import PhantomConfig
from medaug.benchmark.config import ArmConfig, BenchmarkConfig, MonitorConfig, ShiftConfig
from medaug.benchmark.search.config import PrunerConfig, SearchConfig
from medaug.cli.app import app as command_line
from medaug.io.layouts.rules import DicomRules, LayoutRules
from medaug.policy import NOT_OPERATIONS, OPERATIONS
from medaug.preprocessing.config import Crop, Fixed, Intensity, PreprocessConfig
from medaug.resources import configs_dir

#: The models of each kind of configuration, the outermost first.
MODELS: Mapping[str, tuple[type[BaseModel], ...]] = {
    "benchmark": (BenchmarkConfig, ArmConfig, PhantomConfig, MonitorConfig, ShiftConfig),
    "preprocessing": (PreprocessConfig, LayoutRules, DicomRules, Crop, Intensity, Fixed),
    "search": (SearchConfig, PrunerConfig),
}


def command_line_text() -> str:
    """Return a section for each subcommand, as typer documents it."""
    group: Any = get_command(command_line)
    context = click.Context(group, info_name="medaug")
    texts = []
    for name in sorted(group.list_commands(context)):
        command = group.get_command(context, name)
        inner = click.Context(command, info_name=name, parent=context)
        texts.append(
            get_docs_for_click(obj=command, ctx=inner, indent=1, name=name, call_prefix="medaug")
        )
    return html.unescape("\n".join(texts))


def settings_text(kind: str) -> str:
    """Return the keys of a configuration, what they mean and what they are unless given."""
    return "\n".join(line for model in MODELS[kind] for line in _of_model(model))


def _of_model(model: type[BaseModel]) -> Iterator[str]:
    yield f"## {model.__name__}\n"
    yield " ".join(NumpyDocString(model.__doc__ or "")["Summary"]) + "\n"
    for name, kind, description in described_fields(model):
        yield f"`{name}` · {kind} · {_default(model, name)}"
        yield f": {description}\n"


def described_fields(model: type[BaseModel]) -> Iterator[tuple[str, str, str]]:
    """Yield name, type and description of the fields of a model, as its docstring has them."""
    for names, kind, lines in NumpyDocString(model.__doc__ or "")["Attributes"]:
        for name in names.split(", "):
            yield name, kind, " ".join(lines) or f"See {kind.partition(' ')[0]} below."


def _default(model: type[BaseModel], name: str) -> str:
    field = model.model_fields[name]
    if field.is_required():
        return "required"
    value = field.default
    if isinstance(value, BaseModel):
        return f"default: see {type(value).__name__}"
    return f"default `{json.dumps(value)}`"


def policies_text() -> str:
    """Return the shipped policies as they stand in their files."""
    texts = []
    for file in sorted((configs_dir() / "policies").glob("*.yaml")):
        texts.append(
            f"## {file.stem}\n\n```yaml\n{file.read_text(encoding='utf-8').strip()}\n```\n"
        )
    return "\n".join(texts)


def operations_text() -> str:
    """Return the table of operations that policies choose from."""
    lines = ["| operation | family | suits | transform | at magnitude 10 |", "|" + " --- |" * 5]
    for name, row in OPERATIONS.items():
        arguments = ", ".join(f"`{key}={value!r}`" for key, value in row.arguments.items())
        transform = f"{{py:class}}`~medaug.transforms.{row.transform.__name__}`"
        suits = ", ".join(row.suits)
        lines.append(f"| `{name}` | {row.family} | {suits} | {transform} | {arguments} |")
    lines += ["", "Transforms without a row:", ""]
    lines += [f"- `{name}`: {why}" for name, why in NOT_OPERATIONS.items()]
    return "\n".join(lines)


TEXTS: Mapping[str, Callable[[], str]] = {
    "command-line": command_line_text,
    "policies": policies_text,
    "operations": operations_text,
    **{f"settings-{kind}": (lambda kind=kind: settings_text(kind)) for kind in MODELS},
}
_MARK = re.compile(r"^<!-- generated: (\S+) -->$", re.MULTILINE)


def _insert(app: Sphinx, docname: str, source: list[str]) -> None:
    source[0] = _MARK.sub(lambda found: TEXTS[found.group(1)](), source[0])


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.connect("source-read", _insert)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
