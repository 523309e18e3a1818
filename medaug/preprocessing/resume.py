"""Which folders a run may use, and whether what is in one was begun with the same plan."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from medaug.errors import InputError
from medaug.io.files import is_leftover, remove_leftovers
from medaug.preprocessing.config import PreprocessConfig
from medaug.preprocessing.output import PLAN, PROBLEMS, Format, write_plan

# Whose versions decide the bytes that come out.
_PACKAGES = ("medaug", "nibabel", "numpy", "SimpleITK")


def check_folders(source: Path, out: Path, *, resume: bool | None = None) -> None:
    """Refuse an output folder that is mixed up with the input, or holds other things.

    Parameters
    ----------
    source, out : path
    resume : bool, optional
        Whether to go on with a run; None of a command that cannot.

    Raises
    ------
    InputError
        If one of the folders is inside of the other, or if `out` is not empty and holds no run that
        is to be resumed. The list of problems of a run that wrote nothing else may be there.
    """
    here, there = source.resolve(), out.resolve()
    if here == there or here in there.parents or there in here.parents:
        raise InputError(
            f"{out}: one of the input and the output folder is inside of the other; name an output "
            f"folder outside of {source}."
        )
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; name a folder to write to.")
    held = [path for path in out.glob("*") if not _counts_as_empty(path)]
    if not held or (resume and (out / PLAN).is_file()):
        return
    if resume:
        raise InputError(f"{out}: holds files but no {PLAN} to resume; name another folder.")
    remedy = "" if resume is None else ", or continue a run that was stopped by --resume"
    raise InputError(f"{out}: is not empty; name a new folder{remedy}.")


def identity(config: PreprocessConfig, formats: Sequence[Format]) -> dict[str, Any]:
    """Return what is known of a run before its input is: configuration and versions, for JSON."""
    return {
        "config": config.model_dump(mode="json"),
        "formats": sorted(formats),
        "versions": {name: version(name) for name in _PACKAGES},
    }


def refuse_changes(out: Path, now: Mapping[str, Any]) -> None:
    """Refuse to resume with anything that is not as it was when the run was begun.

    Parameters
    ----------
    out : Path
        If it has no ``plan.json``, nothing was begun.
    now : mapping
        The part of ``plan.json`` that is known by now.

    Raises
    ------
    InputError
        If something differs: names the first such thing.
    """
    path = out / PLAN
    if not path.is_file():
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); start anew elsewhere.") from None
    changed = _difference(before, json.loads(json.dumps(now)))
    if changed:
        raise InputError(
            f"{out}: was begun with another {changed}; resume with the same input and "
            "configuration, or name a new folder."
        )


def begin(out: Path, content: Mapping[str, Any]) -> None:
    """Make the folder, clear it of what a killed run left half written, and write the plan."""
    make_folder(out)
    remove_leftovers(out)
    write_plan(out, content)


def make_folder(out: Path) -> None:
    """Make the output folder.

    Raises
    ------
    InputError
        If that cannot be done.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{out}: cannot be made ({error.strerror}); name another folder."
        ) from None


def _counts_as_empty(path: Path) -> bool:
    return path.name == PROBLEMS or is_leftover(path)


def _difference(before: Any, now: Any, key: str = "") -> str:
    """Return the first key of `now` whose value is another one, and both values; empty if none."""
    if isinstance(before, dict) and isinstance(now, dict):
        for name in now if not key else sorted(before.keys() | now.keys()):
            found = _difference(before.get(name), now.get(name), f"{key}.{name}" if key else name)
            if found:
                return found
        return ""
    if before == now:
        return ""
    shown = [json.dumps(value) for value in (before, now)]
    if max(map(len, shown)) > 80:
        return key
    return f"{key} ({shown[0]} then, {shown[1]} now)"
