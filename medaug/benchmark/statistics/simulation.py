"""How far the intervals and tests can be trusted, found by simulation of benchmarks.

``python -m medaug.benchmark.statistics.simulation --out docs/results/statistics.md`` writes it as
tables.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from medaug.benchmark.statistics.compare import compare_pairs
from medaug.benchmark.statistics.effects import detectable_difference
from medaug.benchmark.statistics.intervals import standard_errors
from medaug.benchmark.statistics.pairing import Codes, Pairs, Values
from medaug.benchmark.statistics.resamples import Resamples
from medaug.rng import generator

CONFIDENCE = 0.95

# Simulated benchmarks that share their numbers of scans and their resamples.
_AT_ONCE = 200

_SEED = 2011

_Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Design:
    """A benchmark to simulate, of one arm against the reference.

    The difference of a scan in a run is a sum of effects: of the patient, of the scan, of the
    network (the run), of the training set (the fold) and of both scan and network.

    Attributes
    ----------
    n_patients, n_folds, n_seeds : int
        The patients are dealt over the folds, as evenly as possible.
    most_scans : int
        A patient has from 1 to this many scans.
    skewness : float
        Of the patients' effects: 0 is the normal distribution, 2 the exponential one.
    run_sd, fold_sd : float
        Standard deviation of the effects of the networks and of the training sets.
    patient_sd, scan_sd : float
        Of the patients; and of the scans and of the rest, together.
    """

    n_patients: int
    n_folds: int = 5
    n_seeds: int = 3
    most_scans: int = 3
    skewness: float = 0
    run_sd: float = 0
    fold_sd: float = 0
    patient_sd: float = 0.03
    scan_sd: float = 0.03


@dataclass(frozen=True, eq=False)
class Simulated:
    """Benchmarks without a true difference.

    Attributes
    ----------
    pairs : Pairs
        The arms are repetitions of the benchmark. The reference is zero throughout.
    of_networks : float array [repetitions]
        The true mean difference of the networks at hand, over all patients there could be.
    """

    pairs: Pairs
    of_networks: Values


def simulate(design: Design, repetitions: int, rng: np.random.Generator) -> Simulated:
    """Draw benchmarks of a design.

    Parameters
    ----------
    design : Design
    repetitions : int
        How many. They have the same numbers of scans.
    rng : numpy.random.Generator
    """
    scans = rng.integers(1, design.most_scans, size=design.n_patients, endpoint=True)
    patients = np.repeat(np.arange(design.n_patients), scans)
    folds = rng.permutation(np.arange(design.n_patients) % design.n_folds)[patients]
    cases = np.repeat(np.arange(len(patients)), design.n_seeds)
    seeds = np.tile(np.arange(design.n_seeds), len(patients))
    runs = folds[cases] * design.n_seeds + seeds
    n_runs = design.n_folds * design.n_seeds

    def normal(sd: float, count: int) -> Values:
        return rng.normal(0, sd, size=(count, repetitions))

    of_run = normal(design.run_sd, n_runs)
    of_run += np.repeat(normal(design.fold_sd, design.n_folds), design.n_seeds, axis=0)
    half_sd = design.scan_sd / np.sqrt(2)
    values = (
        _patient_effects(design, repetitions, rng)[patients[cases]]
        + normal(half_sd, len(patients))[cases]
        + normal(half_sd, len(cases))
        + of_run[runs]
    )
    pairs = _pairs(np.column_stack([np.zeros(len(cases)), values]), cases, runs, patients)
    return Simulated(pairs, pairs.weights @ of_run[runs])


def _patient_effects(design: Design, repetitions: int, rng: np.random.Generator) -> Values:
    size = (design.n_patients, repetitions)
    if not design.skewness:
        return rng.normal(0, design.patient_sd, size)
    shape = 4 / design.skewness**2
    effects = rng.gamma(shape, size=size) - shape
    return np.asarray(design.patient_sd * effects / np.sqrt(shape), dtype=np.float64)


def _pairs(values: Values, cases: Codes, runs: Codes, patients: Codes) -> Pairs:
    arms = tuple(f"arm {number}" for number in range(values.shape[1]))
    return Pairs(arms, values, cases, runs, patients, tuple(range(len(patients))))


def coverage(
    design: Design, repetitions: int, rng: np.random.Generator, *, n_resamples: int = 1999
) -> dict[str, float]:
    """Return how often the intervals hold the truth, in percent.

    Parameters
    ----------
    design : Design
        The benchmark.
    repetitions : int
        How often it is simulated.
    rng : numpy.random.Generator
    n_resamples : int
        Of the bootstrap.

    Returns
    -------
    dict of str to float
        ``patients``: the interval over patients, of the true difference of the networks at hand;
        ``student``, ``bca``: other intervals in its place, that of Student and BCa (Efron 1987);
        ``trainings``: the interval over patients and trainings, of the true difference, zero;
        ``patients_for_new``: the interval over patients, were it taken for that.
    """
    held: dict[str, list[_Flags]] = {}
    for count in _batches(repetitions):
        simulated = simulate(design, count, rng)
        resamples = Resamples(rng, n_resamples)
        rows = compare_pairs(simulated.pairs, sign=1, resamples=resamples, confidence=CONFIDENCE)
        patient = rows["ci_low"].to_numpy(), rows["ci_high"].to_numpy()
        training = rows["train_ci_low"].to_numpy(), rows["train_ci_high"].to_numpy()
        differences = simulated.pairs.patient_differences
        truths: list[tuple[str, tuple[Values, Values], Values | float]] = [
            ("patients", patient, simulated.of_networks),
            ("student", _student(differences), simulated.of_networks),
            ("bca", _bca(differences, resamples), simulated.of_networks),
            ("trainings", training, 0),
            ("patients_for_new", patient, 0),
        ]
        for name, (low, high), truth in truths:
            held.setdefault(name, []).append((low <= truth) & (truth <= high))
    return {name: 100 * float(np.concatenate(parts).mean()) for name, parts in held.items()}


def _student(differences: Values) -> tuple[Values, Values]:
    half = stats.t.ppf((1 + CONFIDENCE) / 2, len(differences) - 1) * stats.sem(differences)
    return differences.mean(axis=0) - half, differences.mean(axis=0) + half


def _bca(differences: Values, resamples: Resamples) -> tuple[Values, Values]:
    """Return BCa intervals (Efron 1987, J. American Statistical Association 82:171-185)."""
    n_patients = len(differences)
    means = resamples.counts(n_patients) @ differences / n_patients
    centred = differences - differences.mean(axis=0)
    acceleration = (centred**3).sum(axis=0) / (6 * (centred**2).sum(axis=0) ** 1.5)
    bias = stats.norm.ppf((means < differences.mean(axis=0)).mean(axis=0))
    ends = []
    for z in (stats.norm.ppf((1 - CONFIDENCE) / 2), stats.norm.ppf((1 + CONFIDENCE) / 2)):
        levels = stats.norm.cdf(bias + (bias + z) / (1 - acceleration * (bias + z)))
        pairs = zip(means.T, np.atleast_1d(np.asarray(levels)), strict=True)
        ends.append(np.array([np.quantile(column, level) for column, level in pairs]))
    return ends[0], ends[1]


def false_alarms(
    design: Design, repetitions: int, rng: np.random.Generator, *, n_resamples: int = 1999
) -> dict[str, float]:
    """Return how often something is found where there is nothing, in percent.

    The arms are equal: the difference of a patient is that of two draws of one distribution.

    Parameters
    ----------
    design : Design
        A benchmark of one arm; its skewness is that of each arm's values.
    repetitions : int
        How often it is simulated.
    rng : numpy.random.Generator
    n_resamples : int
        Of the bootstrap.

    Returns
    -------
    dict of str to float
        ``p_t``, ``p_wilcoxon``, ``p_train``: uncorrected p below the level; ``p_holm``: the
        corrected p (Wilcoxon's) of any of four arms is; ``verdict``: any of four arms is called
        better or worse.
    """
    found: dict[str, list[_Flags]] = {}
    level = 1 - CONFIDENCE
    one_arm = replace(design, patient_sd=design.patient_sd / np.sqrt(2))
    for count in _batches(repetitions):
        pairs = _difference_of_two(one_arm, count, rng)
        resamples = Resamples(rng, n_resamples)
        for arms in np.arange(count).reshape(-1, 4):
            chosen = _repetitions(pairs, arms)
            rows = compare_pairs(chosen, sign=1, resamples=resamples, confidence=CONFIDENCE)
            for name in ("p_t", "p_wilcoxon", "p_train"):
                found.setdefault(name, []).append(rows[name].to_numpy() < level)
            for name, any_arm in (
                ("p_holm", (rows["p_holm"] < level).any()),
                ("verdict", (rows["verdict"] != "unclear").any()),
            ):
                found.setdefault(name, []).append(np.array([any_arm]))
    return {name: 100 * float(np.concatenate(parts).mean()) for name, parts in found.items()}


def _difference_of_two(design: Design, count: int, rng: np.random.Generator) -> Pairs:
    """Return benchmarks whose patients' effects are differences, of a symmetric distribution."""
    pairs = simulate(design, count, rng).pairs
    other = _patient_effects(design, count, rng)[pairs.patients[pairs.cases]]
    values = pairs.values - np.column_stack([np.zeros(len(other)), other])
    return _pairs(values, pairs.cases, pairs.runs, pairs.patients)


def _repetitions(pairs: Pairs, which: Codes, shift: float = 0) -> Pairs:
    """Return some repetitions of a simulated benchmark, with a true difference of `shift`."""
    values = np.column_stack([pairs.values[:, 0], pairs.values[:, 1 + which] + shift])
    return _pairs(values, pairs.cases, pairs.runs, pairs.patients)


def power(
    design: Design, repetitions: int, rng: np.random.Generator, *, n_resamples: int = 1999
) -> dict[str, float]:
    """Return how often the smallest detectable difference is found, if it is the true one.

    Parameters
    ----------
    design : Design
        A benchmark of one arm.
    repetitions : int
        How often it is simulated.
    rng : numpy.random.Generator
    n_resamples : int
        Of the bootstrap.

    Returns
    -------
    dict of str to float
        ``detectable``: the median of what the benchmarks state; ``t_test``, ``verdict``: how often
        a t-test with the stated standard error, and the verdict, find that difference, in percent.
    """
    errors = standard_errors(simulate(design, _AT_ONCE, rng).pairs)
    shift = float(np.median(detectable_difference(errors, 1, CONFIDENCE)))
    by_t: list[_Flags] = []
    by_verdict: list[bool] = []
    for count in _batches(repetitions):
        pairs = _repetitions(simulate(design, count, rng).pairs, np.arange(count), shift)
        resamples = Resamples(rng, n_resamples)
        errors = standard_errors(pairs)
        threshold = stats.t.ppf((1 + CONFIDENCE) / 2, errors.training_freedom) * errors.trainings
        by_t.append(pairs.patient_differences.mean(axis=0) > threshold)
        for number in range(count):
            one = _repetitions(pairs, np.array([number]))
            rows = compare_pairs(one, sign=1, resamples=resamples, confidence=CONFIDENCE)
            by_verdict.append(rows["verdict"].item() == "better")
    return {
        "detectable": shift,
        "t_test": 100 * float(np.concatenate(by_t).mean()),
        "verdict": 100 * float(np.mean(by_verdict)),
    }


def _batches(repetitions: int) -> list[int]:
    return [_AT_ONCE] * (repetitions // _AT_ONCE)


_PATIENTS = (10, 20, 50, 100, 200)

COVERAGE = [
    *(Design(n, skewness=skewness) for skewness in (0, 1, 2, 4) for n in _PATIENTS),
    *(Design(n, most_scans=1, skewness=2, scan_sd=0.01) for n in _PATIENTS),
]
TRAININGS = [
    Design(n, n_folds=folds, n_seeds=seeds, skewness=1, run_sd=run_sd)
    for folds, seeds in ((5, 3), (5, 1), (1, 3))
    for n in (20, 50, 200)
    for run_sd in (0.0, 0.01, 0.03)
] + [Design(n, skewness=1, run_sd=0.01, fold_sd=0.01) for n in (20, 50, 200)]
LEVELS = [
    Design(n, skewness=skewness, run_sd=run_sd)
    for run_sd in (0.0, 0.01, 0.03)
    for skewness in (0, 2)
    for n in (10, 20, 50, 200)
]
POWERS = [Design(n, run_sd=run_sd) for n in (20, 50, 200) for run_sd in (0.0, 0.01)]

_Estimate = Callable[[Design, int, np.random.Generator], dict[str, float]]


def table(
    estimate: _Estimate, designs: Sequence[Design], columns: Sequence[str], repetitions: int
) -> pd.DataFrame:
    """Return one row a design: the fields of it that vary, and what was estimated."""
    rows = []
    for number, design in enumerate(designs):
        rng = generator(_SEED, number)
        rows.append(vars(design) | estimate(design, repetitions, rng))
    frame = pd.DataFrame(rows)
    varying = [name for name in vars(designs[0]) if frame[name].nunique() > 1]
    return frame[[*varying, *columns]]


_TEXT = """# What the intervals and tests hold

Written by `python -m medaug.benchmark.statistics.simulation --out docs/results/statistics.md`.
`docs/concepts/statistics.md` explains it. Every row is {repetitions} simulated benchmarks, so that
95 % has a standard error of {error:.1f} %. Unless a column says otherwise: 5 folds and 3 seeds, 1
to 3 scans a patient; standard deviation {patient_sd} of the patients' effects, {scan_sd} of the
scans' and the rest together, none of the networks' and the training sets'.

## The interval over new patients, for these networks

How often (%) it holds the true mean difference of the networks at hand; beside it, Student's and
BCa in its place.

{coverage}

## The interval over new patients and new trainings

How often (%) it holds the true mean difference; beside it, the interval over patients, were it
taken for that.

{trainings}

## False alarms

How often (%) something is found at the level 5 % where the arms are equal: by the t-test and
Wilcoxon's test over patients, by the t-test over patients and trainings, by Wilcoxon's after Holm's
correction in any of four arms, and by the verdict in any of four arms.

{levels}

## Power

The median of the smallest detectable difference that the benchmarks state, and how often (%) it is
found if it is the true one: by a t-test with the stated standard error, and by the verdict.

{powers}
"""


def report(repetitions: int) -> str:
    """Return all tables as Markdown."""
    columns = ["patients", "student", "bca"]
    return _TEXT.format(
        repetitions=repetitions,
        error=100 * (0.95 * 0.05 / repetitions) ** 0.5,
        patient_sd=Design(1).patient_sd,
        scan_sd=Design(1).scan_sd,
        coverage=_markdown(table(coverage, COVERAGE, columns, repetitions)),
        trainings=_markdown(
            table(coverage, TRAININGS, ["trainings", "patients_for_new"], repetitions)
        ),
        levels=_markdown(
            table(
                false_alarms,
                LEVELS,
                ["p_t", "p_wilcoxon", "p_train", "p_holm", "verdict"],
                repetitions,
            )
        ),
        powers=_markdown(table(power, POWERS, ["detectable", "t_test", "verdict"], repetitions)),
    )


def _markdown(frame: pd.DataFrame) -> str:
    names = frame.columns.tolist()
    lines = [names, ["--:"] * len(names)]
    for row in frame.to_numpy():
        lines.append([_text(name, value) for name, value in zip(names, row, strict=True)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _text(column: str, value: float) -> str:
    if column in Design.__dataclass_fields__:
        return f"{value:g}"
    return f"{value:.4f}" if column == "detectable" else f"{value:.1f}"


def main() -> None:
    """Write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--repetitions", type=int, default=4000)
    arguments = parser.parse_args()
    arguments.out.write_text(report(arguments.repetitions), encoding="utf-8")


if __name__ == "__main__":
    main()
