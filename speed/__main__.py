"""Run the timing suites: ``python -m speed [--quick] [--turns N] [--out DIR]``."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from medaug import buffers
from medaug.benchmark.provenance import environment
from speed import (
    compat,
    contestants,
    first_use,
    floors,
    folders,
    intensity,
    levers,
    peers,
    report,
    trainers,
    training,
)
from speed.timing import extra_bytes, use_cores
from speed.workload import Workload

#: Real scans, where a checkout has them beside it.
SCANS = Path(os.environ.get("MEDAUG_SHARED_DATA", "../shared/data"))
QUICK = Workload(shape=(40, 44, 42), patch=(16, 16, 16), channels=2)


def main() -> None:
    """Time medaug and its peers in turn, print the tables and write them to a folder."""
    parser = argparse.ArgumentParser(prog="python -m speed", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tiny workload, to see that it runs")
    parser.add_argument("--turns", type=int, default=15, help="calls of each contestant")
    parser.add_argument(
        "--parts", nargs="+", choices=report.PARTS, default=report.PARTS, help="tables to make"
    )
    parser.add_argument(
        "--data", type=Path, default=SCANS, help="folder of the real scans that some tables need"
    )
    parser.add_argument("--out", type=Path, default=Path("docs/results/speed"))
    options = parser.parse_args()
    workload, turns = (QUICK, 2) if options.quick else (Workload(), options.turns)
    use_cores(1)
    ours = contestants.medaug(workload, elastic=True, label="nearest")
    ours()  # compiles
    buffers.release()  # the memory of that result would count as there already
    # Before the peers run: what they leave behind in memory would hide what medaug takes.
    extra = extra_bytes(
        ours, result_bytes=int(np.prod(workload.patch)) * (4 * workload.channels + 1)
    )
    run: dict[str, Callable[[], Sequence[Any]]] = {
        "peers": lambda: peers.run(workload, turns),
        "intensity": lambda: intensity.run(workload, turns),
        "compat": lambda: compat.run(workload, turns),
        "compat_kept": lambda: compat.run_kept(workload, turns * 3),
        "compat_small": lambda: compat.run_small(workload, turns),
        "trainers": lambda: trainers.run(options.data, turns),
        "training": lambda: training.run(options.data / "BraTS2018", min(turns, 3)),
        "preprocessing": lambda: folders.run(options.data),
        "floors": lambda: floors.run(workload, turns),
        "first_use": lambda: first_use.run(min(turns, 5)),
        "levers": lambda: levers.run(workload, min(turns, 3)),
    }
    raw = {part: run[part]() for part in options.parts}
    tables = {name: getattr(report, f"{name}_table")(entries) for name, entries in raw.items()}
    provenance = environment()
    for peer in ("batchgeneratorsv2", "nnunetv2", "torchio"):
        if find_spec(peer):
            provenance["versions"][peer] = version(peer)
    page = report.write(options.out, tables, extra, raw, provenance)
    print(page.read_text(encoding="utf-8"))
    print(f"Written to {page}")


if __name__ == "__main__":
    main()
