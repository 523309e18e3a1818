"""``medaug info``: versions, extras, processors, backends and the kernel cache."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def info(
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all as one JSON object instead.")
    ] = False,
) -> None:
    """Say what medaug finds here: versions, extras, cores, backends, the kernel cache."""
    from medaug.info import collect, info_text

    found = collect()
    typer.echo(json.dumps(found, indent=2) if as_json else info_text(found))
