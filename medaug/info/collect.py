"""All that `medaug info` tells, as plain JSON."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

import medaug
from medaug.extras import install_command
from medaug.info.hardware import hardware
from medaug.info.kernel_cache import kernel_cache
from medaug.info.requirements import dependency_versions, unmet_by_extra
from medaug.resample import get_num_threads


def collect() -> dict[str, Any]:
    """Look at this process and its machine.

    Returns
    -------
    dict
        ``medaug``: version and folder; ``python``; ``system``; ``packages``: the version of each
        dependency; ``extras``: for each, what is ``missing`` and how to ``install`` it;
        ``machine``: processor, cores (those that this process may use, and all), memory, threads;
        ``backends``: whether kernels are ``compiled``, the ``cuda`` devices; ``kernel_cache``:
        see `medaug.info.kernel_cache.KernelCache`, or None.
    """
    machine = hardware()
    cache = kernel_cache()
    return {
        "medaug": {"version": medaug.__version__, "folder": str(Path(medaug.__file__).parent)},
        "python": platform.python_version(),
        "system": platform.platform(),
        "packages": dependency_versions(),
        "extras": {
            extra: {"missing": unmet, "install": install_command(extra)}
            for extra, unmet in unmet_by_extra().items()
        },
        "machine": {
            "cpu": machine["cpu"],
            "cores": machine["cores"],
            "all_cores": os.cpu_count(),
            "memory_gb": machine["memory_gb"],
            "threads": {"medaug": get_num_threads(), "torch": machine["threads"]},
        },
        "backends": {
            "compiled": cache is not None,
            "torch": torch.__version__,
            "cuda": machine["gpu"],
        },
        "kernel_cache": None if cache is None else asdict(cache),
    }
