"""Where results come from: versions, hardware, command, times."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from datetime import datetime, timezone
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

import medaug

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


def hardware() -> dict[str, Any]:
    """Return the processor, the cores this process may use, the memory in GB and the GPUs."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_gb": _memory_gb(),
        "gpu": [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())],
    }


def now() -> str:
    """Return the time in UTC, to the second, in ISO 8601."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=10
    ).stdout.strip()


def _cpu_model() -> str:
    """Return the processor's name; Linux tells it in /proc only."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_gb() -> float | None:
    """Return the physical memory; None on systems without POSIX's sysconf."""
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    except (AttributeError, ValueError, OSError):
        return None
