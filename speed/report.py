"""Timings as tables in Markdown for people, and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from speed import compat
from speed.duels import Outcome
from speed.first_use import FirstUse
from speed.floors import Floor
from speed.folders import FolderRun
from speed.levers import Lever
from speed.training import Rate

PARTS = (
    "peers",
    "intensity",
    "compat",
    "compat_kept",
    "compat_small",
    "trainers",
    "training",
    "preprocessing",
    "floors",
    "first_use",
    "levers",
)

PAGE = """# Speed

Written by `make speed`. One core unless the table says otherwise. What is compared runs in turn,
once each; ratios are medians over the turns of the second time to the first, with quartiles in
brackets.

{peers}

Intensities, on four channels of a patch; for whole policies times are means over samples, cut from
a crop 1.6 times as long. batchgeneratorsv2 works in place, medaug leaves its input as it is.

{intensity}

The classes of `medaug.compat.monai` and MONAI's own of the same name and arguments, on a patch of
four channels and, where voxels move, its label, each in a process of its own:

{compat}

Those of them that only pass once over the memory, where the C library is told to keep it: otherwise
the system hands it out anew for each of MONAI's results, which takes longer than the pass.

{compat_kept}

All of them on one channel of 32 x 32 x 32, where what a call costs besides the voxels counts, too:
of medaug's the record of what was drawn, which MONAI's do not keep.

{compat_small}

nnU-Net's own trainer and medaug's, on plans that nnU-Net made for a few cases: means over batches
of what each does to the crops that its loader has read, the targets of all resolutions included.

{trainers}

Training samples a second from files on the disk, BraTS at 1 mm: a patch of 128 voxels along each
axis, cut out about a class in a third of them, with affine + elastic; batches of two. Memory is
the most that all processes had of their own: files that are mapped or buffered belong to the
system, which takes them back where it needs to.

{training}

Preprocessing of a folder on one core, with the same steps in both: orientation, spacing, crop to
foreground, z-score, files written; medaug also checks every case before it begins. To compare what
comes out, images and labels are taken back to the grids of the scans.

{preprocessing}

Peak memory of affine + elastic beyond input and output: {memory} (goal: below 8 MB).

Nanoseconds a voxel and channel. `loads` is the same kernel with the same loads, eight a voxel and
channel, 64 for cubic, out of a volume that the first-level cache holds; `bytes` copies as many
bytes as must be moved at least, each input voxel that is read and each output voxel once. `share`
is the larger of the two in what medaug takes.

{floors}

{first_use}

What the linear kernel takes without each of its levers:

{levers}

{machines}
"""


def peers_table(outcomes: Sequence[Outcome]) -> str:
    """Return the table of duels: the ratio is the second's time to the first's."""
    rows = []
    for each in outcomes:
        low, middle, high = each.ratios()
        sign = "≥" if each.duel.at_least else "≤"
        rows.append(
            (
                each.duel.work,
                f"{each.duel.ours} {_milliseconds(each.milliseconds(each.ours))}",
                f"{each.duel.other} {_milliseconds(each.milliseconds(each.other))}",
                f"{middle:.2f} ({low:.2f} to {high:.2f})",
                f"{sign} {each.duel.goal:g}",
            )
        )
    return _table(("work", "ms", "ms", "ratio", "goal"), rows)


intensity_table = compat_kept_table = compat_small_table = peers_table


def compat_table(outcomes: Sequence[Outcome]) -> str:
    """Return the table of drop-in classes, and their means in the last rows."""
    geometric, arithmetic = compat.mean_ratios(outcomes)
    means = [
        f"| geometric mean | | | {geometric:.2f} | ≥ {compat.MEAN_GOAL:g} |",
        f"| arithmetic mean | | | {arithmetic:.2f} | - |",
    ]
    return "\n".join([peers_table(outcomes), *means])


def trainers_table(outcomes: Sequence[Outcome]) -> str:
    """Return the table of nnU-Net's trainers."""
    rows = []
    for each in outcomes:
        low, middle, high = each.ratios()
        rows.append(
            (
                each.duel.work,
                f"{each.milliseconds(each.other) / 1e3:.3f}",
                f"{each.milliseconds(each.ours) / 1e3:.3f}",
                f"{middle:.2f} ({low:.2f} to {high:.2f})",
            )
        )
    head = ("batch", "`nnUNetTrainer` s", "`nnUNetTrainerMedaug` s", "ratio")
    return _table(head, rows)


def training_table(rates: Sequence[Rate]) -> str:
    """Return the table of training samples a second."""
    rows = []
    for each in rates:
        low, middle, high = np.quantile(each.ratios, [0.25, 0.5, 0.75])
        ratio = f"{middle:.2f} ({low:.2f} to {high:.2f})" if each.goal else "-"
        rows.append(
            (
                f"{each.loader}, {each.workers} worker{'s' * (each.workers > 1)}",
                f"{np.median(each.per_second):.2f}",
                f"{each.megabytes:.0f}",
                ratio,
                f"≥ {each.goal:g}" if each.goal else "-",
            )
        )
    return _table(("loader", "samples a second", "MB", "medaug has times as many", "goal"), rows)


def preprocessing_table(runs: Sequence[FolderRun]) -> str:
    """Return the table of whole folders."""
    rows = [
        (
            f"{each.folder}, {each.cases} cases, {each.spacing_mm:g} mm",
            f"{each.seconds:.1f}",
            f"{each.monai_seconds:.1f}",
            f"{each.two_workers_seconds:.1f}",
            f"{each.correlation:.4f}",
            f"{each.dice:.3f}",
            f"{each.monai_dice:.3f}",
        )
        for each in runs
    ]
    head = ("folder", "medaug s", "MONAI s", "medaug, 2 workers s")
    return _table((*head, "correlation of images", "labels, Dice", "MONAI's, Dice"), rows)


def floors_table(floors: Sequence[Floor]) -> str:
    """Return the table of nanoseconds a voxel and channel."""
    rows = [
        (
            f"{each.workload.title}, {each.mode}",
            f"{each.taken:.2f}",
            f"{each.loads:.2f}",
            f"{each.bytes:.2f}",
            f"{max(each.loads, each.bytes) / each.taken:.0%}",
        )
        for each in floors
    ]
    return _table(("affine + elastic, images alone", "ns", "loads", "bytes", "share"), rows)


def first_use_table(uses: Sequence[FirstUse]) -> str:
    """Return the table of fresh processes."""
    rows = [(each.what, f"{each.seconds:.2f}", f"≤ {each.at_most:g}") for each in uses]
    return _table(("first use in a fresh process", "s", "goal"), rows)


def levers_table(levers: Sequence[Lever]) -> str:
    """Return the table of what the kernel takes without each lever."""
    rows = [(each.name, f"{each.milliseconds:.1f}", f"{each.ratio:.2f}") for each in levers]
    return _table(("linear kernel", "ms", "times the whole"), rows)


def write(
    folder: Path,
    tables: dict[str, str],
    extra_bytes: int | None,
    raw: dict[str, Sequence[Any]],
    provenance: dict[str, Any],
) -> Path:
    """Write a file for each table, ``README.md`` with all of them, and ``speed.json``.

    A table that this run did not make stays as an earlier one has left it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        (folder / f"{name}.md").write_text(table + "\n", encoding="utf-8")
    numbers = folder / "speed.json"
    content = json.loads(numbers.read_text(encoding="utf-8")) if numbers.exists() else {}
    for name, entries in raw.items():
        measured = [_plain(entry) for entry in entries]
        content[name] = {"measured": measured, "provenance": provenance}
    content["extra_bytes"] = extra_bytes
    numbers.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    page = folder / "README.md"
    shown = {part: _table_of(folder, part) for part in PARTS}
    made = {part: content[part]["provenance"] for part in PARTS if part in content}
    page.write_text(_page(shown, extra_bytes, made), encoding="utf-8")
    return page


def _table_of(folder: Path, part: str) -> str:
    file = folder / f"{part}.md"
    return file.read_text(encoding="utf-8").strip() if file.exists() else "Not measured yet."


def _plain(entry: Any) -> dict[str, Any]:
    plain: dict[str, Any] = entry.to_dict() if isinstance(entry, Outcome) else asdict(entry)
    return plain


def _page(tables: dict[str, str], extra_bytes: int | None, made: dict[str, dict[str, Any]]) -> str:
    memory = "not measured" if extra_bytes is None else f"{extra_bytes / 1e6:.2f} MB"
    return PAGE.format(**tables, memory=memory, machines=_machines(made))


def _machines(made: dict[str, dict[str, Any]]) -> str:
    """Return what the tables were made on; which of them, where it was not the same for all."""
    parts_on: dict[str, list[str]] = {}
    for part, provenance in made.items():
        versions = ", ".join(f"{name} {each}" for name, each in provenance["versions"].items())
        where = f"{provenance['hardware']['cpu']}; {versions}."
        parts_on.setdefault(where, []).append(part)
    if len(parts_on) == 1:
        return next(iter(parts_on))
    return "\n".join(f"- {', '.join(parts)}: {where}" for where, parts in parts_on.items())


def _milliseconds(value: float) -> str:
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
