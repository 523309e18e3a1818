"""Resampling needs next to nothing beyond its input and output."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
import numpy as np
from pathlib import Path
from medaug.geometry import AffineStage, LatticeStage, Warp, affine_about, affine_rotation
from medaug.resample import Sampling, resample_array
sys.path.insert(0, "tests")
from reference import random_lattice

rng = np.random.default_rng(0)
image = rng.random((4, 96, 128, 128), np.float32)
label = np.zeros((1, 96, 128, 128), np.uint8)
turn = AffineStage(affine_about(affine_rotation([10, 20, 30]), [47, 63, 63]))

def warp(n):
    return Warp((n, n, n), (LatticeStage(random_lattice(rng, (n, n, n), 16.0, 4.0)), turn))

def run(n):
    w = warp(n)
    return resample_array(image, w, Sampling()), resample_array(label, w, Sampling("vote"))

def kilobytes(name):
    (line,) = [s for s in Path("/proc/self/status").read_text().splitlines() if s.startswith(name)]
    return int(line.split()[1])

run(8)  # compiles
Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
before = kilobytes("VmRSS")
results = run(96)
print((kilobytes("VmHWM") - before) * 1024 - sum(r.nbytes for r in results))
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="reads Linux's /proc")
def test_peak_memory_beyond_input_and_output_is_a_few_megabytes():
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert int(result.stdout) < 8e6
