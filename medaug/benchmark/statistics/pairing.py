"""The values of the arms side by side, case by case and run by run."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from medaug.errors import InputError

#: The value of the column ``class`` in the rows about the mean over classes.
MEAN_OF_CLASSES = "mean"

# Differences below this are rounding: they count as equal.
_RESOLUTION_DIGITS = 12

_RUN = ["fold", "seed"]
_ROW = [*_RUN, "case", "class"]

Values = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Pairs:
    """One measure of one class, wherever every arm has a value.

    Attributes
    ----------
    arms : tuple of str
        The first one is the reference.
    values : float array [rows, arms]
        A row for each case and run that tested it.
    cases, runs : int array [rows]
        Which case and which run (fold and seed) a row is of, counted from 0.
    patients : int array [cases]
        Whose scan a case is, counted from 0.
    case_names : tuple
        The names of the cases.
    """

    arms: tuple[str, ...]
    values: Values
    cases: Codes
    runs: Codes
    patients: Codes
    case_names: tuple[Hashable, ...]

    @property
    def n_cases(self) -> int:
        """The number of cases."""
        return len(self.patients)

    @property
    def n_patients(self) -> int:
        """The number of patients."""
        return _count(self.patients)

    @property
    def n_runs(self) -> int:
        """The number of runs, of one arm."""
        return _count(self.runs)

    @property
    def differences(self) -> Values:
        """To the reference: array [rows, arms - 1]."""
        return (self.values[:, 1:] - self.values[:, :1]).round(_RESOLUTION_DIGITS)

    @property
    def weights(self) -> Values:
        """What a row counts for, array [rows], with sum 1.

        Every patient counts the same, every case of a patient, and every run that tested a case.
        """
        runs_of_case = np.bincount(self.cases, minlength=self.n_cases)
        cases_of_patient = np.bincount(self.patients, minlength=self.n_patients)
        patients = self.patients[self.cases]
        counts = self.n_patients * cases_of_patient[patients] * runs_of_case[self.cases]
        return np.asarray(1 / counts, dtype=np.float64)

    @property
    def means(self) -> Values:
        """Mean of each arm over patients, array [arms]; NaN without rows."""
        if not self.n_cases:
            return np.full(len(self.arms), np.nan)
        return np.asarray(self.weights @ self.values, dtype=np.float64)

    @property
    def case_differences(self) -> Values:
        """Mean difference of each case over the runs that tested it: array [cases, arms - 1]."""
        return _means_by(self.cases, self.differences)

    @property
    def patient_differences(self) -> Values:
        """Mean difference of each patient over the patient's cases: array [patients, arms - 1]."""
        return _means_by(self.patients, self.case_differences)

    @property
    def run_differences(self) -> Values:
        """Mean difference of each run over the patients that it tested: array [runs, arms - 1]."""
        weights = self.weights[:, np.newaxis]
        sums = sum_by(self.runs, weights * self.differences)
        return (sums / sum_by(self.runs, weights)).round(_RESOLUTION_DIGITS)


def pair_values(cases: pd.DataFrame, value: str, higher_is_better: bool | None) -> dict[str, Pairs]:
    """Pair the arms by fold, seed, case and class.

    A class of a case enters, in a run, only if every arm has a finite value there, so that all arms
    are judged on the same cases and runs.

    Parameters
    ----------
    cases : DataFrame
        Columns ``arm``, ``fold``, ``seed``, ``case``, ``patient``, ``class`` and that of the
        measure. The first arm to appear is the reference.
    value : str
        Column of the measure.
    higher_is_better : bool or None
        None, where the best value is 0, pairs absolute values.

    Returns
    -------
    dict of str to Pairs
        Of each class in the order of appearance, and last of the mean over the classes of a case,
        under `MEAN_OF_CLASSES`.

    Raises
    ------
    InputError
        If an arm lacks a class of a case of a run that another arm has.
    """
    arms = cases["arm"].unique().tolist()
    _check_complete(cases, arms, value)
    finite = cases[value].where(np.isfinite(cases[value]))
    used = finite.abs() if higher_is_better is None else finite
    table = cases.assign(**{value: used}).set_index([*_ROW, "arm"])[value].unstack("arm")
    table = table[arms].dropna()
    patient_of = dict(zip(cases["case"], cases["patient"], strict=True))
    names = table.index.get_level_values("class")
    parts = {name: table[names == name].droplevel("class") for name in cases["class"].unique()}
    parts[MEAN_OF_CLASSES] = table.groupby([*_RUN, "case"]).mean()
    return {name: _pairs(part, patient_of) for name, part in parts.items()}


def paired_differences(
    cases: pd.DataFrame, *, value: str = "dice", higher_is_better: bool | None = True
) -> pd.DataFrame:
    """Return the difference to the first arm of each case, as the comparison of arms uses it.

    Parameters
    ----------
    cases, value, higher_is_better
        As for :func:`pair_values`.

    Returns
    -------
    DataFrame
        Columns ``arm`` (all but the first), ``class`` (the classes and ``mean``), ``case`` and
        ``difference``, averaged over the runs that tested the case.
    """
    tables = []
    for name, pairs in pair_values(cases, value, higher_is_better).items():
        wide = pd.DataFrame(pairs.case_differences, columns=list(pairs.arms[1:]))
        wide.insert(0, "case", pairs.case_names)
        tidy = wide.melt("case", var_name="arm", value_name="difference")
        tables.append(tidy.assign(**{"class": name}))
    return pd.concat(tables, ignore_index=True)[["arm", "class", "case", "difference"]]


def sum_by(codes: Codes, values: Values) -> Values:
    """Return the sums of the rows of `values` that have the same code: array [codes, columns]."""
    sums = np.zeros((_count(codes), values.shape[1]))
    np.add.at(sums, codes, values)
    return sums


def _means_by(codes: Codes, values: Values) -> Values:
    counts = np.bincount(codes, minlength=_count(codes))[:, np.newaxis]
    return np.asarray((sum_by(codes, values) / counts).round(_RESOLUTION_DIGITS), dtype=np.float64)


def _count(codes: Codes) -> int:
    return int(codes.max()) + 1 if len(codes) else 0


def _pairs(table: pd.DataFrame, patient_of: dict[Hashable, Hashable]) -> Pairs:
    """Return the pairs of a table (fold, seed, case) x arm without NaN."""
    cases, case_names = pd.factorize(table.index.get_level_values("case"), sort=True)
    patients, _ = pd.factorize(np.array([patient_of[name] for name in case_names], dtype=object))
    return Pairs(
        arms=tuple(table.columns),
        values=table.to_numpy(dtype=np.float64),
        cases=cases,
        runs=table.groupby(_RUN).ngroup().to_numpy().astype(np.intp),
        patients=patients,
        case_names=tuple(case_names),
    )


def _check_complete(cases: pd.DataFrame, arms: list[str], value: str) -> None:
    """Refuse a row that is not there for every arm; a NaN counts as being there."""
    counts = cases.groupby(_ROW).size()
    lacking = counts[counts < len(arms)]
    if lacking.empty:
        return
    row = lacking.index[0]
    there = cases.set_index(_ROW)["arm"].sort_index().loc[[row]]
    arm = next(arm for arm in arms if arm not in set(there))
    fold, seed, case, name = row
    raise InputError(
        f"Arm '{arm}' has no {value} for class '{name}' of case '{case}' in fold {fold}, seed "
        f"{seed}, which another arm has. Compare arms that were tested on the same cases."
    )
