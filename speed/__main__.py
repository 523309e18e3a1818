"""Run the timing suites: ``python -m speed [--quick] [--turns N] [--out DIR]``."""

from __future__ import annotations

import argparse
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from medaug.benchmark.provenance import environment
from speed import report, spatial
from speed.timing import extra_bytes, time_in_turn, use_one_core


def main() -> None:
    """Time medaug and its peers in turn, print the table and write it to a folder."""
    parser = argparse.ArgumentParser(prog="python -m speed", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tiny workload, to see that it runs")
    parser.add_argument("--turns", type=int, default=15, help="calls of each contestant")
    parser.add_argument("--out", type=Path, default=Path("docs/results/speed"))
    options = parser.parse_args()
    use_one_core()
    workload = spatial.QUICK if options.quick else spatial.Workload()
    calls = spatial.contestants(workload)
    ours = next(iter(calls.values()))
    ours()  # compiles
    # Before the peers run: what they leave behind in memory would hide what medaug takes.
    voxels = workload.patch[0] * workload.patch[1] * workload.patch[2]
    extra = extra_bytes(ours, result_bytes=voxels * (4 * workload.channels + 1))
    timings = time_in_turn(calls, 2 if options.quick else options.turns)
    provenance = environment()
    if find_spec("batchgeneratorsv2"):
        provenance["versions"]["batchgeneratorsv2"] = version("batchgeneratorsv2")
    page = report.write(options.out, workload.title, timings, extra, provenance)
    print(page.read_text(encoding="utf-8"))
    print(f"Written to {page}")


if __name__ == "__main__":
    main()
