"""The same tests with bounds checks on, and with the kernels as the plain Python they are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.parametrize(
    ("variable", "chosen"),
    [("NUMBA_BOUNDSCHECK", "any_shape or tiny"), ("NUMBA_DISABLE_JIT", "halfway or tiny")],
)
def test_the_kernels_hold(variable, chosen, tmp_path):
    if os.environ.get(variable) == "1":
        pytest.skip(f"already running under {variable}")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen]
    result = subprocess.run(
        [
            *command,
            *(
                str(HERE / name)
                for name in ("test_resample.py", "test_accuracy.py", "test_stream.py")
            ),
        ],
        capture_output=True,
        text=True,
        check=False,
        # Machine code without the checks must not come from, or go to, the usual cache.
        env={**os.environ, variable: "1", "NUMBA_CACHE_DIR": str(tmp_path)},
    )
    assert result.returncode == 0, result.stdout[-3000:]
    assert " passed" in result.stdout
