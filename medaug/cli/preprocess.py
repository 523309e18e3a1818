"""``medaug preprocess``: folders of scans to a folder that training can trust."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from medaug.cli import complete


class OutputFormat(str, Enum):
    """What to write."""

    nifti = "nifti"
    cache = "cache"
    both = "both"


def preprocess(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="Folder of scans, in any known layout.")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write: a new one.")],
    *,
    config: Annotated[
        str | None,
        typer.Option(
            help="YAML file, or the name of a shipped configuration (default, ct, brats, monai).",
            autocompletion=complete.preprocessings,
        ),
    ] = None,
    spacing: Annotated[
        str | None,
        typer.Option(
            "--spacing-mm", "--spacing", metavar="1,1,1|median|keep", help="Voxel spacing in mm."
        ),
    ] = None,
    format: Annotated[  # noqa: A002 - the name of the option
        OutputFormat, typer.Option(help="NIfTI files, arrays for training, or both.")
    ] = OutputFormat.nifti,
    workers: Annotated[
        int | None, typer.Option(help="Processes.", show_default="one for each core")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Let the workers of a dask cluster do it."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue a run that was stopped.")
    ] = False,
    keep_going: Annotated[
        bool,
        typer.Option("--keep-going", help="Leave out cases with errors instead of writing none."),
    ] = False,
) -> None:
    """Bring all scans to one orientation and spacing, crop and normalise them.

    Every case is checked before the first one is written. OUT is a data set for `medaug benchmark`
    and nnU-Net; what was done to each case is in OUT/manifest.csv, what is wrong with some in
    OUT/problems.csv.
    """
    from rich.console import Console

    from medaug.jobs.progress import terminal_progress
    from medaug.preprocessing.config import load_config
    from medaug.preprocessing.output import FORMATS, MANIFEST, PROBLEMS
    from medaug.preprocessing.preprocess import preprocess as run

    options = {} if spacing is None else {"spacing_mm": _spacing(spacing)}
    settings = load_config(config, **options)
    formats = [name for name in FORMATS if format.value in (name, "both")]
    with terminal_progress(Console(stderr=True)) as progress:
        done = run(
            source,
            out,
            settings,
            formats=formats,
            workers=workers,
            scheduler=scheduler,
            resume=resume,
            keep_going=keep_going,
            progress=progress,
        )
    typer.echo(f"{len(done.records)} cases: {out / MANIFEST}")
    if done.left_out:
        typer.echo(f"{done.left_out} cases left out: {out / PROBLEMS}")
    elif done.problems:
        typer.echo(f"{len(done.problems)} remarks: {out / PROBLEMS}")


def _spacing(text: str) -> Any:
    """Return what the configuration would hold; what makes no sense is for it to refuse."""
    return text.split(",") if "," in text else text
