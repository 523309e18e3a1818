"""A policy search from configuration to judgement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from medaug.benchmark.experiment import Experiment
from medaug.benchmark.search.config import SearchConfig
from medaug.benchmark.search.files import (
    BEST_FILE,
    importances,
    write_summary,
    write_trials,
)
from medaug.benchmark.search.judge import JUDGE_FOLDER, choice_of, choose, judge, verdict_of
from medaug.benchmark.search.lost import (
    HAND_SET,
    counted,
    enqueue_hand_set,
    error_of,
    retry_lost,
    running,
)
from medaug.benchmark.search.policy_text import as_text
from medaug.benchmark.search.storage import STUDY_FILE, claim_study, open_study, storage_url
from medaug.benchmark.search.trial import TrialJob, inner_experiment, perform_trial, starts_of
from medaug.errors import InputError
from medaug.io.files import write_atomically
from medaug.jobs import Outcome, run_jobs
from medaug.jobs.progress import Progress
from medaug.policy import parse_policy
from medaug.policy.search_space import apply, tunables_of
from medaug.typing import StrPath

#: What the search's own settings have that trials do not depend on. What the paths lead to is part
#: of the identity by its content.
_NOT_IDENTITY = {"benchmark", "data", "policy", "trials", "judge_seeds", "storage"}

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
    experiment = inner_experiment(config, trust=trust)
    start = _start_values(experiment, config)
    folder.mkdir(parents=True, exist_ok=True)
    url = storage_url(config, folder)
    study = open_study(config, url)
    claim_study(study, _identity(config, experiment))
    if choice_of(study) is None:
        for remark in experiment.remarks:
            say(remark)
        enqueue_hand_set(study, start)
        _run_trials(study, TrialJob(config, url, trust), start, workers, say)
        write_trials(study, folder)
        if waiting := running(counted(study)):
            return _not_yet(study, folder, waiting)
        _settle(study, experiment, config)
    elif len(counted(study)) < config.trials:
        raise InputError(
            f"trials: the study '{config.name}' has been judged on the outer test after "
            f"{len(counted(study))} trials, and more would be chosen in its knowledge. Begin "
            "another study, with another name and outer_fold."
        )
    return _conclude(study, config, folder, workers=workers, trust=trust, progress=progress)


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


def _identity(config: SearchConfig, experiment: Experiment) -> dict[str, Any]:
    own = config.model_dump(mode="json", exclude=_NOT_IDENTITY)
    runs = {"seeds": experiment.config.seeds, "train_cases": experiment.sizes}
    return {"search": own, **runs, **experiment.identity()}


def _run_trials(
    study: Study,
    job: TrialJob,
    start: dict[str, float],
    workers: int | None,
    say: Callable[[str], None],
) -> None:
    """Make trials until the study has enough, and say how each of them ended."""

    def done(outcome: Outcome[int | None]) -> None:
        if outcome.error and outcome.value is None:
            say(f"a trial failed: {outcome.error}")
        elif outcome.value is not None:
            say(_line(study, outcome.value, job.config.trials))

    def missing() -> int:
        retry_lost(study, start)
        return job.config.trials - len(counted(study))

    while (before := missing()) > 0:
        outcomes = run_jobs(perform_trial, [job] * before, workers=workers, on_done=done)
        if missing() == before:  # not one trial was made
            errors = [outcome.error for outcome in outcomes if outcome.error]
            raise InputError(f"No trial could be made: {errors[0] if errors else 'no reason'}.")


def _line(study: Study, number: int, total: int) -> str:
    trials = study.get_trials(deepcopy=False)
    trial, ended = trials[number], [each for each in counted(study) if each.state.is_finished()]
    value = max(trial.intermediate_values.items(), default=(0, float("nan")))[1]
    what = {
        TrialState.COMPLETE: f"inner Dice {value:.4f}",
        TrialState.PRUNED: f"given up after {len(trial.intermediate_values)} folds at {value:.4f}",
    }.get(trial.state, f"failed: {error_of(trial)}")
    best = _best(study)
    so_far = f"; best {best.value:.4f} (trial {best.number})" if best else ""
    hand_set = " (the policy to start from)" if HAND_SET in trial.user_attrs else ""
    return f"{len(ended)}/{total}: trial {number}{hand_set}, {what}{so_far}"


def _best(study: Study) -> FrozenTrial | None:
    """Return the trial of the best value; of equal ones the first."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return max(complete, key=lambda trial: (trial.value, -trial.number), default=None)


def _hand_set(study: Study) -> FrozenTrial | None:
    """Return the finished trial of the policy to start from."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return next((trial for trial in complete if HAND_SET in trial.user_attrs), None)


def _dice(trial: FrozenTrial | None) -> float | None:
    return None if trial is None else trial.value


def _not_yet(study: Study, folder: Path, waiting: int) -> SearchOutcome:
    sentence = (
        f"{waiting} trials are still under way elsewhere. The last machine to finish judges the "
        "best policy; or run this command again with --resume."
    )
    best, hand_set = _dice(_best(study)), _dice(_hand_set(study))
    return SearchOutcome(folder, best, hand_set, sentence, None, None)


def _settle(study: Study, experiment: Experiment, config: SearchConfig) -> None:
    """Settle for good which policy is the best."""
    best, hand_set = _best(study), _hand_set(study)
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
    choose(study, best.number, as_text(entries, comments))


def _conclude(
    study: Study,
    config: SearchConfig,
    folder: Path,
    *,
    workers: int | None,
    trust: bool,
    progress: Progress | None,
) -> SearchOutcome:
    """Write the files of a settled search, and judge it unless that has been done."""
    choice = choice_of(study)
    assert choice is not None  # it is settled
    best, hand_set = study.trials[choice.trial], _hand_set(study)
    write_atomically(folder / BEST_FILE, choice.text)
    write_trials(study, folder)
    summary = {
        "name": config.name,
        "configuration": config.model_dump(mode="json", exclude=_NOT_IDENTITY),
        "benchmark": Path(config.benchmark).stem,
        "policy": Path(config.policy).stem,
        "trials": len(counted(study)),
        "best": {"trial": best.number, "inner_dice": best.value, "values": best.params},
        "hand_set": {"inner_dice": _dice(hand_set)},
        "importance": importances(study),
    }
    write_summary({**summary, "judgement": verdict_of(study)}, folder)
    if HAND_SET in best.user_attrs:
        sentence = (
            f"No trial was better than '{config.policy}' on the inner folds, so there is nothing "
            "to judge."
        )
        return SearchOutcome(folder, best.value, best.value, sentence, None, None)
    verdict = verdict_of(study) or judge(
        study, config, folder, workers=workers, trust=trust, progress=progress
    )
    write_summary({**summary, "judgement": verdict}, folder)
    report = folder / JUDGE_FOLDER / "report.html"
    return SearchOutcome(
        folder,
        best.value,
        _dice(hand_set),
        str(verdict["sentence"]),
        str(verdict["verdict"]),
        report if report.exists() else None,
    )


def _say_nothing(_: str) -> None:
    pass
