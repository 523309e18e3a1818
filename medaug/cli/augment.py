"""``medaug augment``: augmented copies of a folder of scans, each with its record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medaug.cli import complete

#: A data set that was not normalised has one for every case.
_MOST_WARNINGS = 5


def augment(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Folder of scans with labels.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the copies.")],
    *,
    policy: Annotated[
        str, typer.Option(help="Policy, by name or path.", autocompletion=complete.policies)
    ],
    copies: Annotated[int, typer.Option(min=1, help="Copies of each case.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all draws.")] = 0,
    spatial_size: Annotated[
        str | None,
        typer.Option(metavar="I,J,K", help="Size of the copies.", show_default="that of the scan"),
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(
            help="YAML file as of medaug preprocess, for its layout and geometry.",
            autocompletion=complete.preprocessings,
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes.", show_default="one a core")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Run on the cluster of this dask scheduler."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Keep the copies in OUT that are whole.")
    ] = False,
    trust: Annotated[
        bool, typer.Option("--trust", help="Let the policy name and run any code.")
    ] = False,
) -> None:
    """Write augmented copies of every case, and a record of each to make it again from.

    Intensities are taken as they are, and policies expect z-scores (the one for CT: Hounsfield
    units): run medaug preprocess first. The originals are not copied.
    """
    from rich.console import Console

    from medaug.io.layouts import find_dataset
    from medaug.jobs.progress import terminal_progress
    from medaug.policy import policy_path, read_policy
    from medaug.preprocessing.config import load_config
    from medaug.preprocessing.copies import augment_folder
    from medaug.preprocessing.records import Recipe

    settings = load_config(config)
    recipe = Recipe(
        policy_name=policy,
        policy=read_policy(policy_path(policy)),
        spatial_size=_size(spatial_size),
        seed=seed,
        geometry=settings.geometry,
    )
    dataset = find_dataset(source, settings.layout)
    with terminal_progress(Console(stderr=True)) as progress:
        made = augment_folder(
            dataset,
            out,
            recipe,
            copies=copies,
            trust=trust,
            resume=resume,
            workers=workers,
            scheduler=scheduler,
            progress=progress,
        )
    for line in made.remarks[:_MOST_WARNINGS]:
        typer.echo(f"Warning: {line}", err=True)
    if len(made.remarks) > _MOST_WARNINGS:
        typer.echo(f"Warning: and {len(made.remarks) - _MOST_WARNINGS} more such lines", err=True)
    for line in made.errors:
        typer.echo(f"Error: {line}", err=True)
    if made.unlabelled:
        typer.echo(f"{len(made.unlabelled)} cases without a label were left out")
    kept = f" ({made.kept} were there)" if made.kept else ""
    typer.echo(f"Copies: {made.written} written to {out}{kept}")
    if made.errors:
        raise typer.Exit(2)


def _size(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        sizes = tuple(int(part) for part in text.split(","))
    except ValueError:
        sizes = ()
    if len(sizes) != 3 or min(sizes) < 1:
        raise typer.BadParameter(
            f"must be three sizes in voxels such as 96,96,64; got {text!r}",
            param_hint="--spatial-size",
        )
    return sizes
