"""The one judgement of the best policy, on the test cases that no trial has seen."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
from optuna import Study

from medaug.benchmark.analysis import analyse
from medaug.benchmark.harness import run_benchmark
from medaug.benchmark.report.headline import headline
from medaug.benchmark.results import Results
from medaug.benchmark.search.config import SearchConfig
from medaug.benchmark.search.files import BEST_FILE
from medaug.benchmark.testing.measures import MEASURES
from medaug.io.files import write_atomically
from medaug.jobs.progress import Progress

JUDGE_FOLDER = "judge"

_CHOSEN = "chosen"
_VERDICT = "verdict"

#: The columns of the comparison that a verdict has.
_FACTS = ("difference", "ci_low", "ci_high", "train_ci_low", "train_ci_high", "p_wilcoxon")


@dataclass(frozen=True)
class Choice:
    """The policy that is judged. Once there is one, a study is never judged with another.

    Attributes
    ----------
    trial : int
        The number of its trial.
    text : str
        The content of its file.
    """

    trial: int
    text: str


def choice_of(study: Study) -> Choice | None:
    """Return the policy that the study is judged with, if it has come to that."""
    chosen = study.user_attrs.get(_CHOSEN)
    return None if chosen is None else Choice(**chosen)


def settle(study: Study, choice: Choice) -> None:
    """Settle that this is the policy that the study is judged with, unless one is settled."""
    if choice_of(study) is None:
        study.set_user_attr(_CHOSEN, asdict(choice))


def verdict_of(study: Study) -> dict[str, Any] | None:
    """Return what came out, if the study has been judged."""
    verdict: dict[str, Any] | None = study.user_attrs.get(_VERDICT)
    return verdict


def judge(
    study: Study,
    config: SearchConfig,
    folder: Path,
    *,
    workers: int | None,
    trust: bool,
    progress: Progress | None,
) -> dict[str, Any]:
    """Compare the chosen policy with the one to start from on the outer test, or go on with it.

    Parameters
    ----------
    study : optuna.Study
        Of which it is settled what is judged.
    config : SearchConfig
        The configuration.
    folder : Path
        The output folder of the search; the benchmark goes into its folder ``judge``.
    workers : int or None
        Trainings at a time; None for as many as fit.
    trust : bool
        Let policies and the network's definition name and run any code.
    progress : Progress or None
        What to show meanwhile.

    Returns
    -------
    dict
        Plain JSON: ``sentence``, ``verdict``, the difference to the policy to start from with its
        intervals, and what it is based on.
    """
    choice = choice_of(study)
    assert choice is not None  # whoever calls this has settled it
    best = folder / BEST_FILE
    write_atomically(best, choice.text)
    outcome = run_benchmark(
        config.judge_config(best, workers),
        folder / JUDGE_FOLDER,
        resume=True,
        trust=trust,
        progress=progress,
    )
    verdict = _verdict(_of_the_two(outcome.results))
    if outcome.results.missing.empty:  # what is missing can still be made by running it again
        study.set_user_attr(_VERDICT, verdict)
    return verdict


def _of_the_two(results: Results) -> Results:
    """Return the results without the arm that does nothing: what is left is compared directly."""
    arms = results.arms[1:]
    tables: dict[str, Any] = {
        name: table[table["arm"].isin(arms)].reset_index(drop=True)
        for name, table in vars(results).items()
        if isinstance(table, pd.DataFrame) and "arm" in table
    }
    return replace(results, arms=arms, **tables)


def _verdict(results: Results) -> dict[str, Any]:
    comparison = analyse(results)
    rows = comparison[
        (comparison["measure"] == MEASURES[0].name)
        & (comparison["class"] == "mean")
        & (comparison["arm"] == results.arms[1])
    ]
    facts = rows.iloc[0] if len(rows) else pd.Series(dtype=object)
    return {
        "sentence": f"On the outer test: {headline(results, comparison)}",
        "verdict": str(facts.get("verdict", "unclear")),
        **{name: _number(facts.get(name)) for name in _FACTS},
        "n_cases": int(facts.get("n_cases", 0)),
        "n_patients": int(facts.get("n_patients", 0)),
        "n_runs": int(facts.get("n_runs", 0)),
    }


def _number(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)
