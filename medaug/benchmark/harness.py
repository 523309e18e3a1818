"""The benchmark from configuration to report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from medaug.benchmark.config import BenchmarkConfig
from medaug.benchmark.experiment import Experiment, prepare
from medaug.benchmark.progress import Progress
from medaug.benchmark.provenance import environment
from medaug.benchmark.report.examples import pick_examples
from medaug.benchmark.report.figures import paired_figure, write_figure
from medaug.benchmark.report.markdown import write_markdown
from medaug.benchmark.report.page import write_report
from medaug.benchmark.results import Results, collect_results, write_results
from medaug.benchmark.run import execute_run
from medaug.benchmark.run_result import RunResult
from medaug.benchmark.statistics.compare import compare_arms
from medaug.benchmark.store import RunKey, RunStore
from medaug.benchmark.streams import Stream
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
        If any input is wrong, before anything is trained or written; or if a training diverges.
    """
    progress = progress or Progress()
    with progress:
        experiment = prepare(config, progress.case_loaded, trust=trust)
        store = RunStore(folder, experiment.identity())
        store.check(resume=resume)
        store.create()
        progress.benchmark_started(experiment.keys, config.steps)
        runs = [_finished_run(experiment, store, key, progress) for key in experiment.keys]
    return _conclude(experiment, store, runs)


def _finished_run(
    experiment: Experiment, store: RunStore, key: RunKey, progress: Progress
) -> RunResult:
    """Return the stored result of a run, or make it."""
    progress.run_started(key)
    stored = store.load(key)
    if stored is not None:
        progress.run_finished(stored, reused=True)
        return stored
    result, predictions = execute_run(experiment, key, progress.step_done)
    store.save(result, predictions)
    progress.run_finished(result, reused=False)
    return result


def _conclude(experiment: Experiment, store: RunStore, runs: Sequence[RunResult]) -> Outcome:
    config = experiment.config
    results = collect_results(
        config.name,
        [arm.label for arm in experiment.arms],
        experiment.case_set.classes,
        runs,
        _provenance(experiment, runs),
    )
    comparison = compare_arms(
        results.cases, rng=generator(Stream.BOOTSTRAP, config.split_seed, 0, 0)
    )
    write_results(results, comparison, store.folder)
    figure = FIGURE_FILE if len(results.arms) > 1 else None
    if figure is not None:
        write_figure(paired_figure(results, comparison), store.folder / figure)
    write_markdown(results, comparison, store.folder / MARKDOWN_FILE, figure=figure)
    report = store.folder / REPORT_FILE
    write_report(results, comparison, pick_examples(experiment, store), report)
    return Outcome(results, comparison, store.folder, report)


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
