"""The first use on a machine compiles, says so, and gives the same bits as all later ones."""

from __future__ import annotations

import os
import subprocess
import sys

from conftest import REPOSITORY

PROGRAM = """
import hashlib, sys
import numpy as np
from medaug.geometry import AffineStage, LatticeStage, Warp, affine_rotation
from medaug.resample import Sampling, resample_arrays
sys.path.insert(0, "tests")
from reference import random_lattice

rng = np.random.default_rng(0)
image = rng.random((5, 20, 24, 28), np.float32) * 300
label = rng.integers(0, 5, (1, 20, 24, 28)).astype(np.uint8)
bend = LatticeStage(random_lattice(rng, (18, 16, 17), 6.0, 2.0))
warp = Warp((18, 16, 17), (bend, AffineStage(affine_rotation([10, 20, 30])), bend))
results = resample_arrays([image, label], warp, [Sampling(), Sampling("vote")])
print(hashlib.sha256(b"".join(array.tobytes() for array in results)).hexdigest())
"""


def test_a_cold_cache_is_announced_and_changes_no_bit(tmp_path):
    cold, warm = (
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            cwd=REPOSITORY,
            env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        for _ in range(2)
    )
    assert cold.stdout == warm.stdout
    assert "compiling kernels" in cold.stderr
    assert warm.stderr == ""
