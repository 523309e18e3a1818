"""What the first use costs in a fresh process, imports included."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass

_NUMPY = "import numpy"
_MEDAUG = "import numpy, medaug"
_ARRAYS = """
import numpy as np
from medaug.geometry import AffineStage, Warp, affine_rotation
from medaug.resample import Sampling, resample_arrays
warp = Warp((32, 32, 32), (AffineStage(affine_rotation([10, 20, 30])),))
image, label = np.zeros((4, 40, 40, 40), np.float32), np.zeros((1, 40, 40, 40), np.uint8)
resample_arrays([image, label], warp, [Sampling(), Sampling("nearest")])
"""
_PEERS = "import torch, monai.transforms"
_TRANSFORM = """
import numpy as np
import torch, monai.transforms
from medaug.transforms import RandSpatiald
transform = RandSpatiald(
    ["image", "label"], rotate_degrees=20, elastic_std_mm=1, mode=("linear", "nearest")
)
image, label = np.zeros((4, 40, 40, 40), np.float32), np.zeros((1, 40, 40, 40), np.uint8)
transform({"image": image, "label": label})
"""


@dataclass(frozen=True)
class FirstUse:
    """Seconds of a fresh process, and what they should be at most."""

    what: str
    seconds: float
    at_most: float


def run(turns: int) -> list[FirstUse]:
    """Start fresh processes and time them; medians of ``turns``, but for the cold cache."""
    with tempfile.TemporaryDirectory() as cache:
        cold = seconds_of(_TRANSFORM, cache)
        seconds_of(_ARRAYS, cache)
        peers, numpy = _median(_PEERS, cache, turns), _median(_NUMPY, cache, turns)
        arrays, transform = _median(_ARRAYS, cache, turns), _median(_TRANSFORM, cache, turns)
        medaug = _median(_MEDAUG, cache, turns)
    return [
        FirstUse("`import medaug`, beyond `import numpy`", medaug - numpy, 0.3),
        FirstUse("arrays resampled, warm cache, all imports included", arrays, 1.0),
        FirstUse(
            "RandSpatiald, warm cache, beyond importing torch and MONAI", transform - peers, 1.0
        ),
        FirstUse("RandSpatiald, cold cache, beyond importing torch and MONAI", cold - peers, 15.0),
    ]


def _median(program: str, cache: str, turns: int) -> float:
    return sorted(seconds_of(program, cache) for _ in range(turns))[turns // 2]


def seconds_of(program: str, cache: str) -> float:
    """Return the seconds that ``program`` takes in a fresh interpreter, without its start-up."""
    timed = f"import time; s = time.perf_counter()\n{program}\nprint(time.perf_counter() - s)"
    result = subprocess.run(
        [sys.executable, "-c", timed],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "NUMBA_CACHE_DIR": cache},
    )
    return float(result.stdout.splitlines()[-1])
