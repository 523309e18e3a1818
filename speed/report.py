"""Timings as a table, in Markdown for people and JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from speed.spatial import GOALS
from speed.timing import Timing


def markdown(
    title: str, timings: Sequence[Timing], extra: int | None, provenance: dict[str, Any]
) -> str:
    """Return a section with the table and where it comes from."""
    goals = {goal.peer: f"{goal.ratio:g}" for goal in GOALS}
    cells = [(t.name, f"{t.milliseconds:.1f}", _ratio(t), goals.get(t.name, "")) for t in timings]
    rows = [f"| {' | '.join(row)} |" for row in cells]
    memory = "not measured" if extra is None else f"{extra / 1e6:.2f} MB"
    versions = ", ".join(f"{name} {version}" for name, version in provenance["versions"].items())
    return "\n".join(
        [
            f"## {title}",
            "",
            "One core. Ratios are medians over turns in which every contestant runs once, with",
            "quartiles in brackets: how many times medaug's time the peer takes.",
            "",
            "| | ms | times medaug | goal |",
            "| --- | ---: | ---: | ---: |",
            *rows,
            "",
            f"medaug's peak memory beyond input and output: {memory} (goal: below 8 MB).",
            "",
            f"{provenance['hardware']['cpu']}; {versions}. Written by `make speed`.",
            "",
        ]
    )


def _ratio(timing: Timing) -> str:
    low, middle, high = timing.ratio_quartiles()
    return f"{middle:.1f} ({low:.1f} to {high:.1f})" if middle != 1 else "1"


def write(
    folder: Path,
    title: str,
    timings: Sequence[Timing],
    extra: int | None,
    provenance: dict[str, Any],
) -> Path:
    """Write ``spatial.md`` and ``spatial.json``; return the former."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "workload": title,
        "seconds": {timing.name: timing.seconds for timing in timings},
        "extra_bytes": extra,
        "provenance": provenance,
    }
    (folder / "spatial.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    page = folder / "spatial.md"
    page.write_text("# Speed\n\n" + markdown(title, timings, extra, provenance), encoding="utf-8")
    return page
