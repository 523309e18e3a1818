"""The benchmark from configuration to report."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pandas as pd

from medaug.benchmark.analysis import analyse
from medaug.benchmark.arms.cost import measure_cost
from medaug.benchmark.config import BenchmarkConfig
from medaug.benchmark.experiment import Experiment, prepare, runtime_of
from medaug.benchmark.load_results import load_cost, load_results, write_cost, write_experiment
from medaug.benchmark.report.examples import save_examples
from medaug.benchmark.report.write import EXAMPLES_FILE, REPORT_FILE, write_reports
from medaug.benchmark.results import Results, write_results
from medaug.benchmark.runs.capacity import fitting_workers
from medaug.benchmark.runs.store import RunStore
from medaug.benchmark.runs.worker import RunJob, forget, perform, share, with_shared_cases
from medaug.benchmark.runtime import Runtime
from medaug.errors import InputError
from medaug.jobs import Outcome as JobOutcome
from medaug.jobs import run_jobs
from medaug.jobs.outcome import attempt, log_bug
from medaug.jobs.progress import Progress
from medaug.typing import StrPath

#: Samples of each arm that are timed in a quick benchmark.
_QUICK_SAMPLES = 4


@dataclass(frozen=True)
class Outcome:
    """What a benchmark came to.

    Attributes
    ----------
    results : Results
        All measurements and their provenance.
    comparison : pandas.DataFrame
        The arms compared, as `medaug.benchmark.analysis.analyse` returns it.
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
        What to compare, on what. Unless it says otherwise, as many trainings at a time as fit on
        this machine (`medaug.benchmark.runs.capacity`), each in a process of its own.
    folder : path
        Output folder: absent, empty, or holding a part of this very benchmark if ``resume``.
    resume : bool
        Continue what the folder holds. Runs that are finished there are not made again. It may be
        asked for other arms, sizes, seeds and folds than before; results are of those asked for
        last.
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
        Results, their comparison and where they were written. Runs that failed are listed in the
        results as missing, and tried again on ``resume``.

    Raises
    ------
    InputError
        If any input is wrong, before anything is trained or written; if the scheduler cannot be
        used; or if no run at all was finished.

    Notes
    -----
    A script that calls this needs ``if __name__ == "__main__":``, as always where processes are
    spawned.
    """
    progress = progress or Progress()
    with progress:
        runtime = _runtime(config, scheduler)
        experiment = prepare(config, trust=trust, runtime=runtime)
        store = RunStore(folder, experiment.identity())
        store.check(resume=resume)
        store.create()
        write_experiment(experiment, store.folder)
        for remark in experiment.remarks:
            progress.say(remark)
        missing = [key for key in experiment.keys if store.load(key) is None]
        if missing:
            shared = share(experiment, store, call=secrets.token_hex(8))
            experiment = with_shared_cases(experiment, store)
            runs = [RunJob(shared, key) for key in missing]
            _make_runs(experiment, store, runs, scheduler, progress)
    return _conclude(experiment, store)


def _runtime(config: BenchmarkConfig, scheduler: str | None) -> Runtime:
    """Return where the runs compute: what ``auto`` means there, not here."""
    if scheduler is None:
        return runtime_of(config)
    (answer,) = run_jobs(runtime_of, [config], scheduler=scheduler)
    if answer.value is None:
        raise InputError(answer.error)
    return answer.value


def _make_runs(
    experiment: Experiment,
    store: RunStore,
    runs: Sequence[RunJob],
    scheduler: str | None,
    progress: Progress,
) -> None:
    """Make runs, each of which is kept as soon as it is finished, or else why it is not."""
    workers = experiment.config.workers

    def done(outcome: JobOutcome[str]) -> None:
        key = runs[outcome.index].key
        if outcome.error:
            store.save_failure(key, outcome.error, outcome.trace)
        progress.say(outcome.value or f"{key}: {outcome.error}")
        progress.job_done(outcome)

    progress.started("benchmark", len(runs), unit="runs")
    try:
        run_jobs(
            perform,
            runs,
            workers=(workers or fitting_workers(experiment)) if scheduler is None else None,
            scheduler=scheduler,
            apart=workers is None and not experiment.config.quick,
            on_done=done,
        )
    finally:
        forget()


def _conclude(experiment: Experiment, store: RunStore) -> Outcome:
    """Write results and report of the runs that there are."""
    _add_cost(experiment, store)
    results = load_results(store.folder)
    comparison = analyse(results)
    write_results(results, comparison, store.folder)
    save_examples(experiment, store, results, store.folder / EXAMPLES_FILE)
    write_reports(results, comparison, store.folder)
    if results.missing.empty:
        store.tidy(experiment.keys)
    return Outcome(results, comparison, store.folder, store.folder / REPORT_FILE)


def _add_cost(experiment: Experiment, store: RunStore) -> None:
    """Measure what the arms cost, unless it is known of all of them.

    Together, so that they can be compared; but without those that have no finished run, whose
    policies may not work. If one fails all the same, the results have no cost.
    """
    finished = {key.arm for key in experiment.keys if store.is_finished(key)}
    arms = tuple(arm for arm in experiment.arms if arm.label in finished)
    if not {arm.label for arm in arms} <= load_cost(store.folder).keys():
        measure = measure_cost
        if experiment.config.quick:
            measure = partial(measure_cost, n_samples=_QUICK_SAMPLES)
        measured = attempt(measure, 0, replace(experiment, arms=arms))
        log_bug(measured)
        if measured.value is not None:
            write_cost(measured.value, store.folder)
