"""``medaug replay``: an augmented copy made again from its record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def replay(
    record: Annotated[
        Path, typer.Argument(metavar="RECORD", help="JSON file that medaug augment has written.")
    ],
    *,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write the copy to.", show_default="only compare")
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(help="Folder of the original scans.", show_default="as recorded"),
    ] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Let the policy in the record name and run any code.")
    ] = False,
) -> None:
    """Make an augmented copy again, bit for bit, and compare it with the record.

    Exit code 1 says that it is another.
    """
    from medaug.preprocessing.replay import replay as replay_copy

    made = replay_copy(record, out=out, source=source, trust=trust)
    for file in made.files:
        typer.echo(f"Written: {file}")
    if made.differences:
        typer.echo(f"{made.name} differs: {'; '.join(made.differences)}", err=True)
        raise typer.Exit(1)
    typer.echo(f"{made.name}: identical")
