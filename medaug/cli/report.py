"""``medaug report``: the report of a benchmark, made anew from its folder."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer


class _Format(str, Enum):
    HTML = "html"
    MD = "md"


def report(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Output folder of a benchmark, finished or not.")
    ],
    *,
    report_format: Annotated[
        _Format, typer.Option("--format", help="A page, or Markdown.")
    ] = _Format.HTML,
    tensorboard: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Also write TensorBoard event logs to this new folder."),
    ] = None,
) -> None:
    """Make the report of a benchmark anew from its folder; the data are not needed."""
    from medaug.benchmark.report.rebuild import rebuild_report

    paths = rebuild_report(folder, report_format.value, tensorboard=tensorboard)
    for name, path in zip(("Report", "TensorBoard"), paths, strict=False):
        typer.echo(f"{name}: {path}")
