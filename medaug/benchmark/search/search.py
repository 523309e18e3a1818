"""A policy search from configuration to judgement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna import Study

from medaug.benchmark.experiment import Experiment
from medaug.benchmark.report.write import REPORT_FILE
from medaug.benchmark.search.config import SearchConfig
from medaug.benchmark.search.files import (
    BEST_FILE,
    importances,
    write_summary,
    write_trials,
)
from medaug.benchmark.search.inner import identity_of
from medaug.benchmark.search.judge import JUDGE_FOLDER, Choice, choice_of, judge, settle, verdict_of
from medaug.benchmark.search.lost import (
    HAND_SET,
    counted,
    enqueue_hand_set,
    error_of,
    retry_lost,
    running,
)
from medaug.benchmark.search.policy_text import as_text
from medaug.benchmark.search.standing import best_trial, dice_of, hand_set_trial, line_of
from medaug.benchmark.search.storage import STUDY_FILE, claim_study, open_study, storage_url
from medaug.benchmark.search.trial import TrialJob, load_inner, perform_trial, starts_of
from medaug.errors import InputError
from medaug.io.files import write_atomically
from medaug.jobs import Outcome, run_jobs
from medaug.jobs.progress import Progress
from medaug.policy import parse_policy
from medaug.policy.search_space import apply, tunables_of
from medaug.typing import StrPath

#: Names that the other arms of the judgement have.
_TAKEN = ("none", "best")


@dataclass(frozen=True)
class SearchOutcome:
    """What a search came to.

    Attributes
    ----------
    folder : Path
        Where ``best.yaml``, ``trials.csv``, ``search.json`` and the folder ``judge`` are.
    best_dice, hand_set_dice : float or None
        Mean inner Dice of the best policy and of the one to start from, as far as there are any.
    sentence : str
        The answer, or why there is none yet.
    verdict : str or None
        ``better``, ``worse`` or ``unclear`` on the outer test; None if nothing was judged.
    report : Path or None
        The report of the judgement, if it was made here.
    """

    folder: Path
    best_dice: float | None
    hand_set_dice: float | None
    sentence: str
    verdict: str | None
    report: Path | None


def run_search(
    config: SearchConfig,
    folder: StrPath,
    *,
    resume: bool = False,
    workers: int | None = 1,
    say: Callable[[str], None] | None = None,
    progress: Progress | None = None,
    trust: bool = False,
) -> SearchOutcome:
    """Run a search, or what is left of it, and judge the best policy once.

    Parameters
    ----------
    config : SearchConfig
        What to search.
    folder : path
        Output folder: absent, empty, or holding a part of this very search if ``resume``. With a
        storage of its own a study is always joined, and each machine may have another folder.
    resume : bool
        Continue what the folder holds.
    workers : int or None
        Trials at a time on this machine; None: one for each core that this process may use. With
        one worker the same seed gives the same trials, also when it is stopped and resumed.
    say : callable, optional
        Called with a line for each trial.
    progress : Progress, optional
        What to show during the judgement.
    trust : bool
        Let policies and the network's definition name and run any code.

    Returns
    -------
    SearchOutcome

    Raises
    ------
    InputError
        If any input is wrong, before anything is trained or written; if no trial was finished; or
        if more trials are asked for of a study that has been judged.
    """
    folder = Path(folder)
    say = say or _say_nothing
    _check_folder(folder, config, resume=resume)
    experiment = load_inner(config, trust=trust)
    start = _start_values(experiment, config)
    folder.mkdir(parents=True, exist_ok=True)
    url = storage_url(config, folder)
    study = open_study(config, url)
    claim_study(study, identity_of(config, experiment))
    choice = choice_of(study)
    if choice is None:
        for remark in experiment.remarks:
            say(remark)
        enqueue_hand_set(study, start)
        _run_trials(study, TrialJob(config, url, trust), start, workers, say)
        write_trials(study, folder)
        if under_way := running(counted(study)):
            return _not_yet(study, folder, under_way)
        choice = _choose(study, experiment, config)
    elif len(counted(study)) < config.trials:
        raise InputError(
            f"trials: the study '{config.name}' has been judged on the outer test after "
            f"{len(counted(study))} trials, and more would be chosen in its knowledge. Begin "
            "another study, with another name and outer_fold."
        )
    summary = _write_files(study, choice, config, folder)
    if HAND_SET in study.trials[choice.trial].user_attrs:
        return _nothing_better(study, config, folder)
    settle(study, choice)
    verdict = verdict_of(study) or judge(
        study, config, folder, workers=workers, trust=trust, progress=progress
    )
    write_summary({**summary, "judgement": verdict}, folder)
    report = folder / JUDGE_FOLDER / REPORT_FILE
    return SearchOutcome(
        folder,
        study.trials[choice.trial].value,
        dice_of(hand_set_trial(study)),
        str(verdict["sentence"]),
        str(verdict["verdict"]),
        report if report.exists() else None,
    )


def _check_folder(folder: Path, config: SearchConfig, *, resume: bool) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"{folder} is a file; choose another output folder.")
    if config.storage is not None:
        return
    if (folder / STUDY_FILE).exists():
        if not resume:
            raise InputError(
                f"{folder} already holds a search; add --resume to continue it, or choose another "
                "output folder."
            )
    elif any(folder.iterdir()):
        raise InputError(
            f"{folder} has files in it, but none of a search; choose another or an empty output "
            "folder."
        )


def _start_values(experiment: Experiment, config: SearchConfig) -> dict[str, float]:
    """Return the values of the policy to start from, which must have some and a name of its own."""
    arm = experiment.arms[0]
    start = starts_of(tunables_of(parse_policy(arm.text, config.policy)))
    if not start:
        raise InputError(
            f"policy: '{config.policy}' has no probability or magnitude to search; choose another."
        )
    if arm.label in _TAKEN:
        raise InputError(
            f"policy: a policy called '{arm.label}' could not be told from another arm of the "
            "judgement; rename its file."
        )
    return start


def _run_trials(
    study: Study,
    job: TrialJob,
    start: dict[str, float],
    workers: int | None,
    say: Callable[[str], None],
) -> None:
    """Make trials until the study has enough, and say how each of them ended."""
    # SQLite may give a queued trial to two processes that ask at once. Both make the same, and the
    # first to end is heard.
    heard: set[int] = set()

    def done(outcome: Outcome[int | None]) -> None:
        if outcome.error and outcome.value is None:
            say(f"a trial failed: {outcome.error}")
        elif outcome.value is not None and outcome.value not in heard:
            heard.add(outcome.value)
            say(line_of(study, outcome.value, job.config.trials))

    def missing() -> int:
        retry_lost(study, start)
        return job.config.trials - len(counted(study))

    while (before := missing()) > 0:
        outcomes = run_jobs(perform_trial, [job] * before, workers=workers, on_done=done)
        if missing() == before:  # not one trial was made
            errors = [outcome.error for outcome in outcomes if outcome.error]
            raise InputError(f"No trial could be made: {errors[0] if errors else 'no reason'}.")


def _not_yet(study: Study, folder: Path, under_way: int) -> SearchOutcome:
    trials = "1 trial is" if under_way == 1 else f"{under_way} trials are"
    sentence = (
        f"{trials} still under way elsewhere. The last machine to finish judges the best policy; "
        "or run this command again with --resume."
    )
    best, hand_set = dice_of(best_trial(study)), dice_of(hand_set_trial(study))
    return SearchOutcome(folder, best, hand_set, sentence, None, None)


def _nothing_better(study: Study, config: SearchConfig, folder: Path) -> SearchOutcome:
    sentence = (
        f"No trial was better than '{config.policy}' on the inner folds, so there is nothing to "
        "judge."
    )
    dice = dice_of(hand_set_trial(study))
    return SearchOutcome(folder, dice, dice, sentence, None, None)


def _choose(study: Study, experiment: Experiment, config: SearchConfig) -> Choice:
    """Return the best policy on the inner folds."""
    best, hand_set = best_trial(study), hand_set_trial(study)
    if best is None:
        errors = {error_of(trial) for trial in counted(study)} - {""}
        raise InputError(f"No trial was finished: {'; '.join(sorted(errors))}.")
    arm = experiment.arms[0]
    entries = apply(parse_policy(arm.text, config.policy), best.params)
    source = f"trial {best.number} of {len(counted(study))} of the study {config.name}"
    of_start = "was not finished" if hand_set is None else f"had {hand_set.value:.4f}"
    comments = [
        f"Found by `medaug search`: {source}, from the policy {arm.label}.",
        f"Mean Dice on the inner folds: {best.value:.4f}; the policy to start from {of_start}.",
        "It was chosen for this value, which flatters it: see the judgement on the outer test.",
    ]
    return Choice(best.number, as_text(entries, comments))


def _write_files(
    study: Study, choice: Choice, config: SearchConfig, folder: Path
) -> dict[str, Any]:
    """Write what is known before the judgement, and return the content of ``search.json``."""
    best = study.trials[choice.trial]
    write_atomically(folder / BEST_FILE, choice.text)
    write_trials(study, folder)
    summary = {
        "name": config.name,
        "configuration": config.model_dump(
            mode="json", exclude={"benchmark", "data", "policy", "storage"}
        ),
        "benchmark": Path(config.benchmark).stem,
        "policy": Path(config.policy).stem,
        "trials": len(counted(study)),
        "best": {"trial": best.number, "inner_dice": best.value, "values": best.params},
        "hand_set": {"inner_dice": dice_of(hand_set_trial(study))},
        "importance": importances(study),
        "judgement": None,
    }
    write_summary(summary, folder)
    return summary


def _say_nothing(_: str) -> None:
    pass
