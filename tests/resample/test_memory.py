"""Resampling needs next to nothing beyond its input and output."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY

PROGRAM = """
import sys
import numpy as np
from medaug.geometry import AffineStage, LatticeStage, Warp, affine_about, affine_rotation
from medaug.resample import Sampling, resample_array
from speed.timing import extra_bytes
sys.path.insert(0, "tests")
from reference import random_lattice

rng = np.random.default_rng(0)
image = rng.random((4, 96, 128, 128), np.float32)
label = np.zeros((1, 96, 128, 128), np.uint8)
turn = AffineStage(affine_about(affine_rotation([10, 20, 30]), [47, 63, 63]))

def run(n):
    warp = Warp((n, n, n), (LatticeStage(random_lattice(rng, (n, n, n), 16.0, 4.0)), turn))
    return resample_array(image, warp, Sampling()), resample_array(label, warp, Sampling("vote"))

run(8)  # compiles
print(extra_bytes(lambda: run(96), result_bytes=96**3 * (4 * 4 + 1)))
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="reads Linux's /proc")
def test_peak_memory_beyond_input_and_output_is_a_few_megabytes():
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert int(result.stdout) < 8e6
