"""``medaug gallery``: one slice under every operation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def gallery(
    image: Annotated[
        Path | None, typer.Argument(metavar="IMAGE", help="NIfTI scan; the phantom if left out.")
    ] = None,
    label: Annotated[
        Path | None, typer.Argument(metavar="LABEL", help="NIfTI label on the same grid.")
    ] = None,
    *,
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("gallery"),
    channel: Annotated[int, typer.Option(min=0, help="Channel of the scan to show.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all draws.")] = 0,
) -> None:
    """Show one slice of a scan under every operation, at low, middle and full strength.

    Writes gallery.png and gallery.html to the output folder.
    """
    from rich.console import Console

    from medaug.gallery import load_subject, make_gallery, phantom_subject

    console = Console()
    subject = phantom_subject() if image is None else load_subject(image, label, channel=channel)
    with console.status("drawing") as status:
        made = make_gallery(
            subject,
            out,
            seed=seed,
            on_operation=lambda name, n, total: status.update(f"{name} ({n} of {total})"),
        )
    for path in (made.sheet, made.page):
        console.print(f"Gallery: {path}", highlight=False, markup=False, soft_wrap=True)
