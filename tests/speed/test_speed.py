"""The timing suites run, so that they cannot rot; what they measure is not tested here."""

from __future__ import annotations

import json
import platform
import subprocess
import sys

import pytest
from conftest import REPOSITORY

from medaug.compat import monai as compat
from speed.first_use import seconds_of
from speed.report import PARTS, write
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
    parts = ["--parts", "peers", "intensity", "compat", "compat_kept", "compat_small", "floors"]
    result = subprocess.run(
        [*command, *parts], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    page = (tmp_path / "README.md").read_text()
    assert page.strip() in result.stdout
    for part in parts[1:]:
        assert (tmp_path / f"{part}.md").read_text().strip() in page
    assert "MONAI Rand3DElasticd" in page
    written = json.loads((tmp_path / "speed.json").read_text())
    duels = [d for part in parts[1:-1] for d in written[part]["measured"]]
    for part in ("compat", "compat_small"):
        compared = {duel["work"] for duel in written[part]["measured"]}
        assert compared == {getattr(compat, name).__name__ for name in compat.__all__}
    assert "geometric mean" in page
    assert all(len(s) >= 2 for duel in duels for s in duel["seconds"].values())
    assert all(floor["taken"] > 0 and floor["loads"] > 0 for floor in written["floors"]["measured"])
    assert written["peers"]["provenance"]["versions"]["medaug"] in page


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="tells the C library of GNU")
def test_kept_memory_is_not_mapped_again():
    program = """
import resource, sys
import numpy as np
from speed.timing import keep_memory

if sys.argv[1] == "kept":
    keep_memory()
np.ones(10_000_000, np.float32)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
np.ones(10_000_000, np.float32)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    kept, given_back = (
        int(subprocess.check_output([sys.executable, "-c", program, how], cwd=REPOSITORY))
        for how in ("kept", "as it is")
    )
    assert kept < given_back / 4


def test_the_page_says_which_tables_were_made_where(tmp_path):
    tables = dict.fromkeys(PARTS, "table")

    def written(parts, cpu):
        made = {"versions": {"medaug": "1.0"}, "hardware": {"cpu": cpu}}
        raw = {part: [] for part in parts}
        return write(tmp_path, tables, None, raw, made).read_text().splitlines()

    assert written(PARTS, "first")[-1] == "first; medaug 1.0."
    assert written(["peers", "levers"], "second")[-2:] == [
        "- peers, levers: second; medaug 1.0.",
        f"- {', '.join(PARTS[1:-1])}: first; medaug 1.0.",
    ]


def test_a_lever_takes_away_something_that_is_there():
    """Each statement replaces names that the kernels still have; nothing is compiled for it."""
    program = """
import numba
from medaug.kernels import gather, memory, tiles
from medaug.resample import cpu
from speed.levers import LEVERS

modules = gather, memory, tiles, cpu
before = [dict(vars(module)) for module in modules]
for name, statement in LEVERS.items():
    exec(statement)
    now = [dict(vars(module)) for module in modules]
    assert [m.keys() for m in now] == [m.keys() for m in before], name
    changed = sum(m[k] is not b[k] for m, b in zip(now, before) for k in b)
    assert changed or not statement, name
    before = now
"""
    subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, check=True)


def test_the_first_use_is_timed_in_a_fresh_process(tmp_path):
    assert 0 < seconds_of("import json", str(tmp_path)) < 5
