"""What is wrong with the files of a data set, in one line each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

#: ``error``: the case cannot be used. ``warning``: it can, but look at it. ``note``: good to know.
Severity: TypeAlias = Literal["error", "warning", "note"]

#: ``no_label``: an image without a label, which is in the list of cases nevertheless.
Kind: TypeAlias = Literal["no_label", "other"]

#: The severities, the worst first.
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True)
class Problem:
    """A finding about a file.

    Attributes
    ----------
    severity : {"error", "warning", "note"}
    file : Path
        The file or the folder that it is about.
    message : str
        One line that names the file, the problem and what to do.
    case : str
        The case that it belongs to; empty if it belongs to none.
    kind : {"no_label", "other"}
        Whoever can do without labels passes over ``no_label``.
    """

    severity: Severity
    file: Path
    message: str
    case: str = ""
    kind: Kind = "other"
