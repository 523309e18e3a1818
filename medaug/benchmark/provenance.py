"""Where results come from: versions, hardware, command, times."""

from __future__ import annotations

import platform
import shlex
import subprocess
import sys
from datetime import datetime, timezone
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import medaug
from medaug.info.hardware import hardware

_LIBRARIES = ("torch", "monai", "numpy", "numba", "scipy", "pytorch-lightning")


def environment() -> dict[str, Any]:
    """Return versions, revision, hardware and command of this process, as plain JSON."""
    return {
        "versions": {
            "medaug": medaug.__version__,
            "python": platform.python_version(),
            **{library: version(library) for library in _LIBRARIES},
        },
        "revision": revision(),
        "hardware": hardware(),
        "system": f"{platform.system()} {platform.machine()}",
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
    }


@cache
def revision() -> str | None:
    """Return the git commit of a checkout, ``+changes`` if files differ; None outside of one.

    Asked once a process: a checkout may move on while the code that was loaded from it runs.
    """
    root = Path(medaug.__file__).parent.parent
    if not (root / ".git").exists():
        return None
    try:
        commit = _git(root, "rev-parse", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{commit}+changes" if changed else commit


def now() -> str:
    """Return the time in UTC, to the second, in ISO 8601."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=10
    ).stdout.strip()
