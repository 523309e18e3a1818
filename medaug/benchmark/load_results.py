"""The results of a benchmark from its folder alone, finished or not, without the data.

``experiment.json`` says what the benchmark was asked for last, ``cost.json`` what its arms cost.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from medaug.benchmark.experiment import Experiment
from medaug.benchmark.provenance import environment
from medaug.benchmark.results import Results, collect_results
from medaug.benchmark.runs.key import RunKey
from medaug.benchmark.runs.result import RunResult
from medaug.benchmark.runs.store import RunStore
from medaug.errors import InputError
from medaug.io.files import dump_json, write_atomically
from medaug.typing import StrPath

EXPERIMENT_FILE = "experiment.json"
COST_FILE = "cost.json"

#: Settings with which a configuration finds its input: where somebody keeps files is nobody's
#: business, and what is in them is recorded.
_PLACES = {"data", "arms", "ablate"}

_REASONS_SHOWN = 3


def write_experiment(experiment: Experiment, folder: StrPath) -> None:
    """Write all that results need beside the runs to the folder of a benchmark."""
    record = {
        "name": experiment.config.name,
        "regions": [region.name for region in experiment.regions],
        "main_size": experiment.config.main_size,
        "runs": [[key.arm, key.train_cases, key.fold, key.seed] for key in experiment.keys],
        "patients": {case.name: case.patient for case in experiment.case_set.cases},
        "provenance": _provenance(experiment),
    }
    write_atomically(Path(folder) / EXPERIMENT_FILE, dump_json(record) + "\n")


def _provenance(experiment: Experiment) -> dict[str, Any]:
    """Return where the results come from, as plain JSON."""
    identity, config = experiment.identity(), experiment.config
    network = experiment.network(seed=config.seeds[0], fold=experiment.folds[0].index)
    return {
        **identity,
        "configuration": config.model_dump(mode="json", exclude=_PLACES),
        "data": {"name": experiment.case_set.name, **identity["data"]},
        "network_parameters": sum(each.numel() for each in network.parameters()),
        **environment(),
        "quick": config.quick,
        "remarks": list(experiment.remarks),
    }


def write_cost(cost: Mapping[str, float], folder: StrPath) -> None:
    """Write the CPU seconds a sample of each arm to the folder of a benchmark."""
    write_atomically(Path(folder) / COST_FILE, dump_json(cost) + "\n")


def load_cost(folder: StrPath) -> dict[str, float]:
    """Return what `write_cost` wrote; nothing if there is no such file."""
    path = Path(folder) / COST_FILE
    return {arm: float(cost) for arm, cost in _read(path).items()} if path.exists() else {}


def load_results(folder: StrPath) -> Results:
    """Put together the results of a benchmark from its folder.

    Parameters
    ----------
    folder : path
        Output folder of a benchmark. Runs that are not finished are listed as missing, with the
        reason if they were tried.

    Returns
    -------
    Results

    Raises
    ------
    InputError
        If the folder is not that of a benchmark, a file in it is broken, or no run is finished.
    """
    folder = Path(folder)
    if not (folder / EXPERIMENT_FILE).exists():
        raise InputError(
            f"{folder} holds no benchmark; name the output folder of `medaug benchmark`."
        )
    record = _read(folder / EXPERIMENT_FILE)
    store = RunStore(folder, {})
    keys = [RunKey(*run) for run in record["runs"]]
    runs = [run for key in keys if (run := store.load(key)) is not None]
    failures = {key: reason for key in keys if (reason := store.failure(key)) is not None}
    if not runs:
        raise InputError(f"{folder}: no run is finished. {_reasons(list(failures.values()))}")
    return collect_results(
        record["name"],
        classes=record["regions"],
        main_size=record["main_size"],
        keys=keys,
        runs=runs,
        failures=failures,
        patients=record["patients"],
        cost=load_cost(folder),
        provenance=record["provenance"] | _provenance_of_runs(runs),
    )


def _provenance_of_runs(runs: Sequence[RunResult]) -> dict[str, Any]:
    """Return when runs were made, and in what those of several sittings and machines differ."""
    records = [run.provenance for run in runs]
    return {
        "run_revisions": sorted({str(record["revision"]) for record in records}),
        "run_processors": sorted({str(record["hardware"]["cpu"]) for record in records}),
        "started": min(record["started"] for record in records),
        "finished": max(record["finished"] for record in records),
    }


def _reasons(failures: Sequence[str]) -> str:
    """Return the reasons for failures, the most frequent ones first."""
    if not failures:
        return "Continue it by `medaug benchmark` with --resume."
    counted = Counter(failures).most_common()
    texts = [
        f"{reason} ({count} run{'s' if count > 1 else ''})"
        for reason, count in counted[:_REASONS_SHOWN]
    ]
    more = len(counted) - _REASONS_SHOWN
    return "; ".join(texts) + (f"; and {more} more" if more > 0 else "")


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return dict(content)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{path} is broken; continue the benchmark with --resume, which writes it again."
        ) from error
