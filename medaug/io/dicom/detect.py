"""What can be said of DICOM without the packages that read it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from medaug.extras import missing_extra
from medaug.typing import StrPath

_PREAMBLE_BYTES = 128

# Old exports lack the preamble and start with the first element of the file meta information, or
# of the identifying module, as little-endian group and element.
_FIRST_ELEMENTS = (
    b"\x02\x00\x00\x00",
    b"\x08\x00\x00\x00",
    b"\x08\x00\x05\x00",
    b"\x08\x00\x08\x00",
)


def require_dicom(path: StrPath) -> None:
    """Raise InputError, which names `path`, unless the packages that read DICOM are installed."""
    for module in ("pydicom", "highdicom"):  # not imported here: that takes a second
        if find_spec(module) is None:
            raise missing_extra("dicom", f"{path}: DICOM", module)


def is_dicom(path: StrPath) -> bool:
    """Return whether a file is DICOM by its first bytes; a ``DICOMDIR`` is not an image and is not.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    bool
        False also if the file cannot be read.
    """
    path = Path(path)
    if path.name.upper() == "DICOMDIR":
        return False
    try:
        with path.open("rb") as file:
            head = file.read(_PREAMBLE_BYTES + 4)
    except OSError:
        return False
    return head.endswith(b"DICM") or head[:4] in _FIRST_ELEMENTS
