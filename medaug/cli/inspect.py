"""``medaug inspect``: what is in a folder of scans, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medaug.cli import complete


def inspect(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of scans.")],
    *,
    config: Annotated[
        str | None,
        typer.Option(
            help="YAML file as of medaug preprocess, for its layout and geometry.",
            autocompletion=complete.preprocessings,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all as one JSON object instead.")
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also write a page with a slice of each case."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes.", show_default="one a core")
    ] = None,
) -> None:
    """Say what is in a folder of scans, whatever its layout, and what is wrong with it.

    Nothing in the folder is changed. Exit code 1 says that there are errors.
    """
    from rich.console import Console

    from medaug.io.layouts import survey_dataset
    from medaug.jobs.progress import terminal_progress
    from medaug.preprocessing.config import load_config
    from medaug.preprocessing.inspection import (
        draw_case,
        inspection_json,
        print_inspection,
        summarise,
        write_page,
    )
    from medaug.preprocessing.survey import survey

    settings = load_config(config)
    files = survey_dataset(folder, settings.layout)
    with terminal_progress(Console(stderr=True)) as progress:
        surveyed = survey(
            files,
            geometry=settings.geometry,
            draw=None if html is None else draw_case,
            workers=workers,
            progress=progress,
        )
    summary = summarise(surveyed)
    if as_json:
        typer.echo(inspection_json(surveyed, summary))
    else:
        print_inspection(Console(), summary, surveyed.all_problems)
    if html is not None:
        write_page(html, surveyed, summary)
        typer.echo(f"Page: {html}", err=as_json)
    if summary.problems["error"]:
        raise typer.Exit(1)
