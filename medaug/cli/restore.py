"""``medaug restore``: label maps back to the grids of the scans."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medaug.cli import complete


def restore(
    predictions: Annotated[
        Path, typer.Argument(metavar="PREDICTIONS", help="Folder of label maps named by case.")
    ],
    originals: Annotated[
        Path, typer.Argument(metavar="ORIGINALS", help="Folder of the scans before preprocessing.")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write: a new one.")],
    *,
    preprocessed: Annotated[
        Path | None,
        typer.Option(
            help="The preprocessed data set; label values become what they were before it."
        ),
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(
            help="The configuration of the preprocessing: how to find the originals.",
            autocompletion=complete.preprocessings,
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes.", show_default="one for each core")
    ] = None,
) -> None:
    """Take label maps in the preprocessed space back to each scan's original grid."""
    from rich.console import Console

    from medaug.jobs.progress import terminal_progress
    from medaug.preprocessing.config import load_config
    from medaug.preprocessing.restore import restore as run

    settings = load_config(config)
    with terminal_progress(Console(stderr=True)) as progress:
        done = run(
            predictions,
            originals,
            out,
            settings,
            preprocessed=preprocessed,
            workers=workers,
            progress=progress,
        )
    typer.echo(f"{len(done.files)} label maps: {out}")
    if done.without_prediction:
        names = ", ".join(done.without_prediction[:3])
        more = ", ..." if len(done.without_prediction) > 3 else ""
        typer.echo(f"{len(done.without_prediction)} cases without prediction: {names}{more}")
