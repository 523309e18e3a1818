"""What was collected, in lines for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_WIDTH = 22


def info_text(info: Mapping[str, Any]) -> str:
    """Return the lines of `medaug info` for what `medaug.info.collect` has returned."""
    sections = {
        "medaug": _versions(info),
        "Extras": _extras(info["extras"]),
        "Machine": _machine(info["machine"]),
        "Backends": _backends(info["backends"]),
        "Kernel cache": _cache(info["kernel_cache"]),
    }
    lines = []
    for title, rows in sections.items():
        lines += [title, *(f"  {name:<{_WIDTH}}{value}" for name, value in rows), ""]
    return "\n".join(lines[:-1])


def _versions(info: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    yield "medaug", f"{info['medaug']['version']}, in {info['medaug']['folder']}"
    yield "python", f"{info['python']}, on {info['system']}"
    for package, version in info["packages"].items():
        yield package, version or "not installed"


def _extras(extras: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    if not extras:
        yield "unknown", "medaug runs from a folder of sources that was not installed"
    for extra, found in extras.items():
        missing = ", ".join(found["missing"])
        yield extra, f"needs {missing}: {found['install']}" if missing else "installed"


def _machine(machine: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    yield "processor", machine["cpu"]
    yield "cores", f"{machine['cores']} for this process, of {machine['all_cores']}"
    if machine["memory_gb"] is not None:
        yield "memory", f"{machine['memory_gb']} GB"
    threads = machine["threads"]
    yield "threads", f"{threads['medaug']} a sample, {threads['torch']} in torch"


def _backends(backends: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    compiled = "compiled by numba" if backends["compiled"] else "plain Python (NUMBA_DISABLE_JIT)"
    yield "CPU kernels", compiled
    yield "torch", backends["torch"]
    yield "CUDA devices", ", ".join(backends["cuda"]) or "none"


def _cache(cache: Mapping[str, Any] | None) -> Iterator[tuple[str, object]]:
    if cache is None:
        yield "not used", "kernels are not compiled"
        return
    yield "folder", cache["folder"]
    yield "writable", "yes" if cache["writable"] else "no: set NUMBA_CACHE_DIR to a folder that is"
    yield "size", f"{cache['megabytes']} MB in {_files(cache['files'])}"
    if cache["outdated_files"]:
        yield "of other versions", f"{_files(cache['outdated_files'])}, which may be deleted"


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"
