"""``medaug preview``: what a policy does to a scan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medaug.cli import complete


def preview(
    image: Annotated[
        Path, typer.Argument(metavar="IMAGE", help="Scan: a file, or a folder of a DICOM series.")
    ],
    label: Annotated[
        Path | None, typer.Argument(metavar="LABEL", help="Label of the scan, to be outlined.")
    ] = None,
    *,
    policy: Annotated[
        str, typer.Option(help="Policy, by name or path.", autocompletion=complete.policies)
    ],
    out: Annotated[Path, typer.Option(help="File to write: .png or .html.")],
    copies: Annotated[int, typer.Option(min=1, help="Copies to show.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all draws.")] = 0,
    channel: Annotated[int, typer.Option(min=0, help="Channel of the scan to show.")] = 0,
    trust: Annotated[
        bool, typer.Option("--trust", help="Let the policy name and run any code.")
    ] = False,
) -> None:
    """Show a scan and augmented copies of it in three planes, with the outlines of its label.

    The policy gets z-scores over the foreground; one for CT gets the scan in Hounsfield units.
    """
    from medaug.gallery.preview import load_scan, make_preview
    from medaug.gallery.preview_files import check_name, write_preview
    from medaug.policy import policy_path, read_policy
    from medaug.preprocessing.records import Recipe

    check_name(out)
    recipe = Recipe(policy_name=policy, policy=read_policy(policy_path(policy)), seed=seed)
    pair = load_scan(image, label, channel=channel)
    for line in pair.remarks:
        typer.echo(f"Warning: {line}", err=True)
    shown = make_preview(pair, image.name, recipe, copies=copies, trust=trust)
    if shown.remark:
        typer.echo(f"Warning: {image}: {shown.remark}", err=True)
    write_preview(shown, out)
    typer.echo(f"Preview: {out}")
