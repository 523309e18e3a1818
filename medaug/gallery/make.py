"""Writing the gallery: a sheet and a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from medaug.drawing import data_address, slice_png
from medaug.errors import InputError
from medaug.gallery.exhibits import STRENGTHS, Exhibit, View, exhibits, original_view
from medaug.gallery.sheet import sheet_png
from medaug.gallery.subject import Subject
from medaug.io.files import write_atomically
from medaug.pages import render_page
from medaug.policy.operations import OPERATIONS, Family
from medaug.typing import StrPath

#: What the page calls the modalities that an operation suits.
_SUITS = {
    ("any", "mr", "ct"): "all",
    ("any", "mr"): "not CT in HU",
    ("mr",): "MR",
    ("ct",): "CT in HU",
}


@dataclass(frozen=True)
class Gallery:
    """The files of a gallery.

    Attributes
    ----------
    sheet : Path
        A PNG of all operations.
    page : Path
        An HTML page that loads nothing from elsewhere.
    """

    sheet: Path
    page: Path


def make_gallery(
    subject: Subject,
    folder: StrPath,
    *,
    seed: int = 0,
    on_operation: Callable[[str, int, int], None] | None = None,
) -> Gallery:
    """Show a scan under every operation of :data:`medaug.policy.operations.OPERATIONS`.

    Parameters
    ----------
    subject : Subject
    folder : path
        Is made if need be; ``gallery.png`` and ``gallery.html`` in it are replaced.
    seed : int
        Of all draws.
    on_operation : callable, optional
        Called with the name of each operation, its number from 1 on, and how many there are.

    Raises
    ------
    InputError
        If the folder cannot be made.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder}: {error.strerror}") from error
    original, shown = original_view(subject), []
    for number, exhibit in enumerate(exhibits(subject, seed), 1):
        shown.append(exhibit)
        if on_operation is not None:
            on_operation(exhibit.name, number, len(OPERATIONS))
    gallery = Gallery(folder / "gallery.png", folder / "gallery.html")
    title = f"{subject.name}: strengths {', '.join(map(str, STRENGTHS))}, seed {seed}"
    write_atomically(gallery.sheet, sheet_png(title, original, shown, subject.plane.aspect))
    write_atomically(gallery.page, _page(subject, seed, original, shown))
    return gallery


def _page(subject: Subject, seed: int, original: View, shown: Sequence[Exhibit]) -> str:
    aspect = subject.plane.aspect
    families = {
        family: [_card(exhibit, aspect) for exhibit in shown if _family(exhibit) == family]
        for family in get_args(Family)
    }
    return render_page(
        "medaug.gallery",
        "gallery.html.jinja",
        name=subject.name,
        seed=seed,
        slice=subject.plane.at,
        axis="IJK"[subject.plane.axis],
        has_label=subject.label is not None,
        original=_address(original, aspect),
        strengths=STRENGTHS,
        families=families,
    )


def _card(exhibit: Exhibit, aspect: float) -> dict[str, Any]:
    """Return what the page says about an operation."""
    arguments = exhibit.operation.arguments
    return {
        "name": exhibit.name,
        "title": exhibit.name.replace("_", " ").replace("hu ", "HU "),
        "transform": exhibit.operation.transform.__name__,
        "arguments": ", ".join(f"{name}={value}" for name, value in arguments.items()),
        "suits": _SUITS[exhibit.operation.suits],
        "pictures": [_address(view, aspect) for view in exhibit.views],
        "refusal": exhibit.refusal,
    }


def _family(exhibit: Exhibit) -> str:
    return exhibit.operation.family


def _address(view: View, aspect: float) -> str:
    return data_address(slice_png(view.image, view.window, view.label, aspect))
