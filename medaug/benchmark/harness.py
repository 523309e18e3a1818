"""The benchmark from configuration to report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from medaug.benchmark.analysis import analyse
from medaug.benchmark.config import BenchmarkConfig
from medaug.benchmark.experiment import Experiment, prepare
from medaug.benchmark.provenance import environment
from medaug.benchmark.results import Results, collect_results, write_results
from medaug.benchmark.run import execute_run
from medaug.benchmark.run_key import RunKey
from medaug.benchmark.run_result import RunResult
from medaug.benchmark.store import RunStore
from medaug.benchmark.streams import Stream
from medaug.jobs import run_jobs
from medaug.jobs.progress import Progress
from medaug.rng import generator
from medaug.typing import StrPath

REPORT_FILE = "report.html"
MARKDOWN_FILE = "summary.md"
FIGURE_FILE = "differences.svg"


@dataclass(frozen=True)
class Outcome:
    """What a benchmark came to.

    Attributes
    ----------
    results : Results
        All measurements and their provenance.
    comparison : pandas.DataFrame
        The arms compared, as compare_arms returns it.
    folder : Path
        Where ``results.json``, ``cases.csv``, ``report.html``, ``summary.md`` with its figure and
        the runs are.
    report : Path
        The report.
    """

    results: Results
    comparison: pd.DataFrame
    folder: Path
    report: Path


def run_benchmark(
    config: BenchmarkConfig,
    folder: StrPath,
    *,
    resume: bool = False,
    scheduler: str | None = None,
    progress: Progress | None = None,
    trust: bool = False,
) -> Outcome:
    """Run a benchmark, or what is left of it.

    Parameters
    ----------
    config : BenchmarkConfig
        What to compare, on what.
    folder : path
        Output folder: absent, empty, or holding a part of this very benchmark if ``resume``.
    resume : bool
        Continue what the folder holds. Runs that are finished there are not made again.
    scheduler : str or None
        Address of a ``dask.distributed`` scheduler whose workers do the runs; they must see the
        folder under the same name.
    progress : Progress, optional
        What to show meanwhile; nothing by default.
    trust : bool
        Let policies and the network's definition name and run any code.

    Returns
    -------
    Outcome
        Results, their comparison and where they were written.

    Raises
    ------
    InputError
        If any input is wrong, before anything is trained or written; or if no run was finished.
    """
    progress = progress or Progress()
    with progress:
        experiment = prepare(config, trust=trust)
        store = RunStore(folder, experiment.identity())
        store.check(resume=resume)
        store.create()
        pending = [key for key in experiment.keys if store.load(key) is None]
        jobs = [RunJob(config, store.folder, key, trust) for key in pending]
        progress.started("benchmark", len(jobs))
        outcomes = run_jobs(
            perform, jobs, workers=1, scheduler=scheduler, on_done=progress.job_done
        )
    failures = {pending[each.index]: each.error for each in outcomes if each.error}
    return _conclude(experiment, store, failures)


@dataclass(frozen=True)
class RunJob:
    """What a worker needs to know of a run."""

    config: BenchmarkConfig
    folder: Path
    key: RunKey
    trust: bool


def perform(job: RunJob) -> str:
    """Make one run and keep it."""
    experiment = prepare(job.config, trust=job.trust)
    store = RunStore(job.folder, experiment.identity())
    checkpoint = store.run_folder(job.key) / "checkpoint.pt"
    store.save(*execute_run(experiment, job.key, checkpoint))
    return str(job.key)


def _conclude(experiment: Experiment, store: RunStore, failures: Mapping[RunKey, str]) -> Outcome:
    config = experiment.config
    runs = [run for key in experiment.keys if (run := store.load(key)) is not None]
    results = collect_results(
        config.name,
        classes=[region.name for region in experiment.regions],
        main_size=config.main_size,
        keys=experiment.keys,
        runs=runs,
        failures=failures,
        patients={case.name: case.patient for case in experiment.case_set.cases},
        cost={},
        provenance=_provenance(experiment, runs),
    )
    comparison = analyse(results, rng=generator(Stream.BOOTSTRAP, config.split_seed, 0, 0))
    write_results(results, comparison, store.folder)
    return Outcome(results, comparison, store.folder, store.folder / REPORT_FILE)


def _provenance(experiment: Experiment, runs: Sequence[RunResult]) -> dict[str, Any]:
    """Return where the results come from, as plain JSON.

    The data are named by their folder's name and fingerprint: where somebody keeps them is nobody's
    business. What differs between the runs of a resumed benchmark is listed.
    """
    identity = experiment.identity()
    return {
        **identity,
        "data": {"name": experiment.case_set.name, **identity["data"]},
        **environment(),
        "run_revisions": sorted({str(run.provenance["revision"]) for run in runs}),
        "quick": experiment.config.quick,
        "started": min(run.provenance["started"] for run in runs),
        "finished": max(run.provenance["finished"] for run in runs),
    }
