"""The machine: processor, cores, memory, GPUs."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import torch

from medaug.jobs.run import default_workers


def hardware() -> dict[str, Any]:
    """Return the processor, the cores this process may use, the memory in GB and the GPUs."""
    return {
        "cpu": _cpu_model(),
        "cores": default_workers(),
        "threads": torch.get_num_threads(),
        "memory_gb": _memory_gb(),
        "gpu": [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())],
    }


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
