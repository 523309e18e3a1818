"""What each lever of the linear kernel gives: the whole, and the whole without one of them.

Each variant runs in a process of its own, because a kernel has been compiled once it has run. The
processes run in turn, so that all feel the same machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from speed.workload import Workload

#: Statements that take a lever away before the kernels are compiled.
LEVERS: Mapping[str, str] = {
    "as it is": "",
    "without tiles: plane by plane": "cpu._TILE_PLANES = 1",
    "without prefetching the next plane": "gather.prefetch = memory.kernel(memory._plain_prefetch)",
    "without both halves in one register": "gather.blend = memory.kernel(memory._plain_blend)",
    "without loading two neighbours at once": """
rows, steps_of = tiles.linear_rows, gather.corner_steps
def any_strides(source, shape, box, strides, padding, fill, xyz, tile, out):
    steps = steps_of(shape, strides[1:])
    rows(source, None, shape, box, strides, steps, padding, fill, xyz, tile, out)
cpu._KERNELS = {**cpu._KERNELS, "linear": numba.njit(any_strides)}
""",
    "without four channels at once": """
row = gather.linear_row_1
def one_by_one(a, b, c, d, half, offset, pairs, steps, ahead, out_a, out_b, out_c, out_d):
    row(a, half, offset, pairs, steps, ahead, out_a)
    row(b, half, offset, pairs, steps, ahead, out_b)
    row(c, half, offset, pairs, steps, ahead, out_c)
    row(d, half, offset, pairs, steps, ahead, out_d)
tiles.linear_row_4 = numba.njit(one_by_one)
""",
}

_PROGRAM = """
import sys, time
import numba
import numpy as np
from medaug.kernels import gather, memory, tiles
from medaug.resample import Sampling, cpu, resample_array
from speed.floors import _warp
from speed.timing import use_cores
from speed.workload import Workload
use_cores(1)
{lever}
workload = {workload!r}
image = workload.image()
warp = _warp(image, workload)
resample_array(image, warp, Sampling())
seconds = []
for _ in range(9):
    start = time.perf_counter()
    resample_array(image, warp, Sampling())
    seconds.append(time.perf_counter() - start)
print(np.median(seconds))
"""


@dataclass(frozen=True)
class Lever:
    """A variant and its time as a multiple of that of the whole."""

    name: str
    milliseconds: float
    ratio: float


def run(workload: Workload, turns: int) -> list[Lever]:
    """Time every variant ``turns`` times, in turn; medians."""
    with tempfile.TemporaryDirectory() as cache:
        seconds: dict[str, list[float]] = {name: [] for name in LEVERS}
        for _ in range(turns):
            for number, (name, lever) in enumerate(LEVERS.items()):
                program = _PROGRAM.format(lever=lever, workload=workload)
                seconds[name].append(_run(program, f"{cache}/{number}"))
    whole = seconds["as it is"]
    return [
        Lever(name, float(np.median(own)) * 1e3, float(np.median(np.divide(own, whole))))
        for name, own in seconds.items()
    ]


def _run(program: str, cache: str) -> float:
    # A cache of its own: the usual one cannot know that a lever was taken away.
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "NUMBA_CACHE_DIR": cache},
    )
    return float(result.stdout)
