"""Paired comparison of the arms of a benchmark, with the patient as the unit of analysis."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from medaug.benchmark.statistics.effects import (
    detectable_difference,
    effect_size,
    probability_better,
)
from medaug.benchmark.statistics.intervals import (
    patient_interval,
    standard_errors,
    training_interval,
)
from medaug.benchmark.statistics.pairing import (
    MEAN_OF_CLASSES,
    Pairs,
    pair_values,
    paired_differences,
)
from medaug.benchmark.statistics.resamples import Resamples
from medaug.benchmark.statistics.significance import (
    holm,
    signed_rank_test,
    t_test,
    training_test,
)

__all__ = ["COLUMNS", "MEAN_OF_CLASSES", "N_RESAMPLES", "compare_arms", "paired_differences"]

#: The number of bootstrap resamples unless another one is asked for.
N_RESAMPLES = 9999

#: The columns of the comparison.
COLUMNS = [
    "arm",
    "class",
    "n_cases",
    "n_patients",
    "n_runs",
    "mean",
    "difference",
    "ci_low",
    "ci_high",
    "train_ci_low",
    "train_ci_high",
    "p_t",
    "p_wilcoxon",
    "p_train",
    "p_t_holm",
    "p_holm",
    "p_train_holm",
    "effect_size",
    "probability_better",
    "share_better",
    "runs_better",
    "detectable",
    "verdict",
    "confidence",
    "n_resamples",
]


def compare_arms(
    cases: pd.DataFrame,
    *,
    value: str = "dice",
    higher_is_better: bool | None = True,
    rng: np.random.Generator | None = None,
    resamples: Resamples | None = None,
    n_resamples: int = N_RESAMPLES,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Compare each arm with the first one, patient by patient.

    Arms are paired by fold, seed, case and class, and only where every arm has a value. A case's
    value is averaged over the runs (folds, seeds) that tested it, and a patient's over the
    patient's cases: each patient counts once, however many scans and seeds there are. The row
    ``mean`` averages the classes of each case first.

    `docs/concepts/statistics.md` explains each column, and shows by simulation how far it can be
    trusted.

    Parameters
    ----------
    cases : DataFrame
        Columns ``arm``, ``fold``, ``seed``, ``case``, ``patient``, ``class`` and that of the
        measure, NaN where it is not defined. The first arm to appear is the reference; arms and
        classes keep the order in which they appear.
    value : str, default: 'dice'
        The column of the measure.
    higher_is_better : bool or None, default: True
        None, where the best value is 0 (the signed volume error), compares absolute values.
    rng : numpy.random.Generator, optional
        The source of the resamples. Either this or `resamples` is needed.
    resamples : Resamples, optional
        The weights of patients, for several comparisons to share.
    n_resamples : int, default: 9999
        The number of bootstrap resamples that `rng` shall give.
    confidence : float, default: 0.95
        The coverage of the intervals, in (0, 1); one minus it is the level of the tests.

    Returns
    -------
    DataFrame
        A row for each arm and each class, and for each arm and ``mean``:

        - ``arm``, ``class``
        - ``n_cases``, ``n_patients``, ``n_runs``: what is compared; a run is a fold and seed
        - ``mean``: over patients; NaN without cases
        - ``difference``: mean paired difference to the first arm
        - ``ci_low``, ``ci_high``: its interval for new patients and these networks (bootstrap over
          patients)
        - ``train_ci_low``, ``train_ci_high``: its interval for new patients and new trainings
          (clustered by patient and run); NaN with one run
        - ``p_t``, ``p_wilcoxon``: of the paired t-test and the Wilcoxon signed-rank test, over
          patients; NaN below two patients
        - ``p_train``: of the t-test with the standard error over patients and trainings; NaN with
          one run
        - ``p_t_holm``, ``p_holm``, ``p_train_holm``: the same three (``p_holm`` is Wilcoxon's),
          corrected for the number of arms within the class
        - ``effect_size``: mean over standard deviation of the patients' differences, corrected
        - ``probability_better``: that the mean difference is in the arm's favour (Bayesian
          bootstrap over patients)
        - ``share_better``: the share of cases whose difference is in the arm's favour
        - ``runs_better``: the number of runs whose mean difference is in the arm's favour
        - ``detectable``: the smallest true difference that this run would have detected with a
          chance of 80 %
        - ``verdict``: "better" or "worse" if the interval over patients excludes zero and
          ``p_holm`` is below one minus the confidence, and, with several runs, the interval over
          trainings excludes zero and ``p_train_holm`` is below too; else "unclear"
        - ``confidence``, ``n_resamples``: as given

        The paired columns of the first arm are NaN, and its verdict is "".

    Raises
    ------
    InputError
        If an arm lacks a class of a case that another arm has.
    ValueError
        If there is neither `rng` nor `resamples`.
    """
    if resamples is None:
        if rng is None:
            raise ValueError("compare_arms needs rng or resamples.")
        resamples = Resamples(rng, n_resamples)
    sign = 1 if higher_is_better else -1
    parts = [
        _compare_class(name, pairs, sign, resamples, confidence)
        for name, pairs in pair_values(cases, value, higher_is_better).items()
    ]
    comparison = pd.concat(parts, ignore_index=True)
    arms = cases["arm"].unique().tolist()
    # Parts come a class at a time; readers want an arm at a time.
    by_arm = comparison.sort_values("arm", key=lambda arm: arm.map(arms.index), kind="stable")
    by_arm = by_arm.assign(confidence=confidence, n_resamples=resamples.n_resamples)
    return by_arm[COLUMNS].reset_index(drop=True)


def compare_pairs(
    pairs: Pairs, *, sign: int, resamples: Resamples, confidence: float
) -> pd.DataFrame:
    """Compare each arm with the first one, of one class.

    Parameters
    ----------
    pairs : Pairs
        The values.
    sign : int
        1 if higher values are better, or -1.
    resamples : Resamples
        The weights of patients.
    confidence : float
        The coverage of the intervals.

    Returns
    -------
    DataFrame
        A row for each arm but the first, with the paired columns of :func:`compare_arms`.
    """
    differences = pairs.patient_differences
    low, high = patient_interval(differences, resamples, confidence)
    p_t, p_wilcoxon = t_test(differences), signed_rank_test(differences)
    rows = pd.DataFrame(
        {
            "arm": pairs.arms[1:],
            "ci_low": low,
            "ci_high": high,
            "p_t": p_t,
            "p_wilcoxon": p_wilcoxon,
            "p_t_holm": holm(p_t),
            "p_holm": holm(p_wilcoxon),
            "effect_size": effect_size(differences),
            "probability_better": probability_better(sign * differences, resamples),
        }
    ).reindex(columns=COLUMNS)
    if pairs.n_cases:
        rows["difference"] = difference = differences.mean(axis=0)
        rows["share_better"] = (sign * pairs.case_differences > 0).mean(axis=0)
        rows["runs_better"] = (sign * pairs.run_differences > 0).sum(axis=0)
    if pairs.n_patients > 1 and len(rows):
        errors = standard_errors(pairs)
        interval = training_interval(difference, low, high, errors, confidence)
        rows["train_ci_low"], rows["train_ci_high"] = interval
        rows["p_train"] = training_test(difference, errors)
        rows["p_train_holm"] = holm(rows["p_train"].to_numpy())
        rows["detectable"] = detectable_difference(errors, len(rows), confidence)
    rows["verdict"] = _verdicts(rows, sign, confidence)
    return rows


def _compare_class(
    name: str, pairs: Pairs, sign: int, resamples: Resamples, confidence: float
) -> pd.DataFrame:
    """Return the rows of one class, with that of the reference."""
    reference = pd.DataFrame({"arm": pairs.arms[:1], "verdict": ""}).reindex(columns=COLUMNS)
    compared = compare_pairs(pairs, sign=sign, resamples=resamples, confidence=confidence)
    rows = pd.concat([reference, compared], ignore_index=True)
    rows["class"], rows["mean"] = name, pairs.means
    rows["n_cases"], rows["n_patients"] = pairs.n_cases, pairs.n_patients
    rows["n_runs"] = pairs.n_runs
    return rows


def _verdicts(rows: pd.DataFrame, sign: int, confidence: float) -> npt.NDArray[np.str_]:
    # Rounded, since 1 - 0.95 is a little more than 0.05.
    level = round(1 - confidence, 12)
    # With one run there is nothing about trainings that could object: NaN is never beyond a limit.
    clear = (rows["p_holm"] < level) & ~(rows["p_train_holm"] >= level)
    above = (rows["ci_low"] > 0) & ~(rows["train_ci_low"] <= 0)
    below = (rows["ci_high"] < 0) & ~(rows["train_ci_high"] >= 0)
    better, worse = (above, below) if sign > 0 else (below, above)
    return np.select([clear & better, clear & worse], ["better", "worse"], "unclear")
