"""How much memory this process and those that it starts may still take."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
_GROUPS = Path("/sys/fs/cgroup")

#: For each version of Linux' control groups: limit, use, and what of the use is given back on need.
_FILES = {
    "v2": ("memory.max", "memory.current", "inactive_file"),
    "v1": ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


def available_memory(proc: Path = _PROC, groups: Path = _GROUPS) -> int | None:
    """Return the memory that is left, in bytes.

    On a shared machine that is what the kernel can hand out without swapping; in a container or a
    job of a cluster also not more than its limit leaves.

    Parameters
    ----------
    proc, groups : Path
        Where Linux tells of processes and of control groups.

    Returns
    -------
    int or None
        None where the system does not tell.
    """
    left = [*_left_on_machine(proc), *_left_in_groups(proc, groups)]
    return min(left, default=None)


def _left_on_machine(proc: Path) -> Iterator[int]:
    numbers = _numbers(proc / "meminfo")
    if "MemAvailable:" in numbers:
        yield 1024 * numbers["MemAvailable:"]


def _left_in_groups(proc: Path, groups: Path) -> Iterator[int]:
    """Yield what the limit of each group leaves that this process is in, and of their parents."""
    for line in _lines(proc / "self" / "cgroup"):
        _, kinds, path = line.split(":", 2)
        if not kinds:
            top, names = groups, _FILES["v2"]
        elif "memory" in kinds.split(","):
            top, names = groups / "memory", _FILES["v1"]
        else:
            continue
        # Within a container the path may be that of the machine, of which only the top is seen.
        inner = top / path.lstrip("/")
        for folder in dict.fromkeys([inner, *inner.parents, top]):
            if folder == top or top in folder.parents:
                yield from _left_in_group(folder, *names)


def _left_in_group(folder: Path, limit: str, use: str, reclaimable: str) -> Iterator[int]:
    limits, uses = _lines(folder / limit), _lines(folder / use)
    if limits and uses and limits[0].isdigit():
        given_back = _numbers(folder / "memory.stat").get(reclaimable, 0)
        yield max(int(limits[0]) - int(uses[0]) + given_back, 0)


def _numbers(file: Path) -> dict[str, int]:
    """Return the lines ``name number ...`` of a file."""
    words = [line.split() for line in _lines(file)]
    return {word[0]: int(word[1]) for word in words if len(word) > 1 and word[1].isdigit()}


def _lines(file: Path) -> list[str]:
    """Return the lines of a file; none if it is not there or not for us."""
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
