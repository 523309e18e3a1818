"""The timing suites run, so that they cannot rot; what they measure is not tested here."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from conftest import REPOSITORY

from speed.timing import time_in_turn


def test_ratios_are_taken_turn_by_turn():
    waits = {"one": [], "two": []}
    calls = {name: (lambda log=log: log.append(len(log))) for name, log in waits.items()}
    one, two = time_in_turn(calls, turns=3, warm_up=2)
    assert len(waits["one"]) == len(waits["two"]) == 5
    assert one.ratio_quartiles() == (1, 1, 1)
    assert two.ratios == pytest.approx(
        [b / a for a, b in zip(one.seconds, two.seconds, strict=True)]
    )


def test_the_quick_mode_writes_the_table_that_it_prints(tmp_path):
    command = [sys.executable, "-m", "speed", "--quick", "--out", str(tmp_path)]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    page = (tmp_path / "spatial.md").read_text()
    assert page.strip() in result.stdout
    assert "MONAI Rand3DElasticd" in page
    written = json.loads((tmp_path / "spatial.json").read_text())
    assert all(len(seconds) == 2 for seconds in written["seconds"].values())
    assert written["provenance"]["versions"]["medaug"] in page
