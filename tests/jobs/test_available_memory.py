"""How much memory is left, by files as Linux has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from medaug.jobs.memory import available_memory

KB, MB = 2**10, 2**20


def write(folder: Path, **files: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(f"{content}\n")


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    write(tmp_path / "proc", meminfo="MemTotal: 9999 kB\nMemFree: 10 kB\nMemAvailable: 4096 kB")
    return tmp_path / "proc"


def test_the_kernel_is_asked(tmp_path: Path, proc: Path) -> None:
    assert available_memory(proc, tmp_path / "groups") == 4096 * KB


def test_a_group_and_its_parents_limit_it(tmp_path: Path, proc: Path) -> None:
    top = tmp_path / "groups"
    write(proc / "self", cgroup="0::/slurm/job_7/step")
    write(top / "slurm", memory__max=3 * MB, memory__current=MB)
    write(top / "slurm" / "job_7" / "step", memory__max="max", memory__current=MB)
    assert available_memory(proc, top) == 2 * MB
    step = top / "slurm" / "job_7"
    write(step, memory__max=2 * MB, memory__current=3 * MB // 2)
    assert available_memory(proc, top) == MB // 2
    write(step, memory__stat=f"anon 5\ninactive_file {MB // 4}")
    assert available_memory(proc, top) == 3 * MB // 4
    write(step, memory__current=9 * MB)
    assert available_memory(proc, top) == 0


def test_in_a_container_only_the_top_is_seen(tmp_path: Path, proc: Path) -> None:
    write(proc / "self", cgroup="0::/../../outside")
    write(tmp_path / "groups", memory__max=MB, memory__current=0)
    assert available_memory(proc, tmp_path / "groups") == MB


def test_the_older_groups_are_known_too(tmp_path: Path, proc: Path) -> None:
    write(proc / "self", cgroup="5:cpu,cpuacct:/a\n4:memory:/docker/b\n0::/")
    folder = tmp_path / "groups" / "memory" / "docker" / "b"
    write(folder, memory__limit_in_bytes=2 * MB, memory__usage_in_bytes=MB)
    write(folder, memory__stat="total_inactive_file 7")
    assert available_memory(proc, tmp_path / "groups") == MB + 7


def test_elsewhere_nothing_is_known(tmp_path: Path) -> None:
    assert available_memory(tmp_path / "no", tmp_path / "such") is None


def test_this_machine_tells() -> None:
    if Path("/proc/meminfo").exists():
        assert (available_memory() or 0) > 10 * MB
