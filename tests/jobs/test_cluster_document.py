"""The document on clusters, and the configuration that it is about."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from conftest import REPOSITORY
from typer.main import get_command

from medaug import benchmark
from medaug.cli.app import app
from medaug.resources import configs_dir

DOCUMENT = (REPOSITORY / "docs" / "how-to" / "cluster.md").read_text(encoding="utf-8")

#: What dask-jobqueue 0.9 takes for SLURM.
KNOWN = {
    *("name", "cores", "memory", "processes", "python", "interface", "death-timeout"),
    *("local-directory", "shared-temp-directory", "worker-command", "worker-extra-args"),
    *("shebang", "queue", "account", "walltime", "env-extra", "job-script-prologue", "job-cpu"),
    *("job-mem", "job-extra-directives", "job-directives-skip", "log-directory"),
    "scheduler-options",
}


def test_the_configuration_for_slurm_has_known_keys_and_one_run_a_job() -> None:
    content = yaml.safe_load((configs_dir() / "clusters" / "slurm.yaml").read_text())
    slurm = content["jobqueue"]["slurm"]
    assert slurm.keys() <= KNOWN
    assert slurm["cores"] == slurm["processes"] == 1


def test_the_options_in_the_commands_exist() -> None:
    known = {
        option
        for parameter in get_command(app).commands["benchmark"].params  # type: ignore[attr-defined]
        for option in parameter.opts
    }
    commands = re.findall(r"^medaug benchmark .*", DOCUMENT, flags=re.MULTILINE)
    assert commands
    for command in commands:
        assert set(re.findall(r"--[a-z-]+", command)) <= known


def test_the_script_runs_a_benchmark_on_the_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    class Cluster:
        scheduler_address = "tcp://somewhere:1"

        def __enter__(self) -> Cluster:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def job_script(self) -> str:
            return "#!/bin/sh"

        def adapt(self, *, minimum_jobs: int, maximum_jobs: int) -> None:
            assert 1 < minimum_jobs <= maximum_jobs

        def wait_for_workers(self, n_workers: int) -> None:
            assert n_workers == 1

    def record(*given: Any, **named: Any) -> Any:
        calls.append((given, named))
        return benchmark.Outcome(None, None, Path(), Path("report.html"))  # type: ignore[arg-type]

    calls: list[Any] = []
    library = ModuleType("dask_jobqueue")
    library.SLURMCluster = Cluster  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "dask_jobqueue", library)
    monkeypatch.setattr(benchmark, "run_benchmark", record)
    (script,) = re.findall(r"```python\n(.*?)```", DOCUMENT, flags=re.DOTALL)
    exec(script, {"__name__": "__main__"})
    ((config, folder), named) = calls[0]
    assert (config.name, folder) == ("hippocampus", "runs/hippocampus")
    assert named == {"resume": True, "scheduler": "tcp://somewhere:1"}
