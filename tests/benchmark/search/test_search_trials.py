from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest
import torch
from searching import configure, fake_training, near_half

from medaug.benchmark.experiment import prepare
from medaug.benchmark.runs.key import RunKey
from medaug.benchmark.search import SearchOutcome, run_search, search
from medaug.benchmark.search.heartbeat import SILENCE_SECONDS
from medaug.benchmark.search.inner import prepare_inner
from medaug.benchmark.search.judge import Choice, choice_of, settle
from medaug.errors import InputError
from medaug.policy import load_policy


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Policies that were judged; judging itself is left out."""
    texts: list[str] = []

    def judge(study: Any, config: Any, folder: Path, **_: Any) -> dict[str, Any]:
        texts.append((folder / "best.yaml").read_text())
        study.set_user_attr("verdict", {"sentence": "It is better.", "verdict": "better"})
        return {"sentence": "It is better.", "verdict": "better"}

    monkeypatch.setattr(search, "judge", judge)
    return texts


def table(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "trials.csv").set_index("trial")


def tunables(trials: pd.DataFrame) -> pd.DataFrame:
    return trials[[name for name in trials.columns if "." in name]]


def run(folder: Path, **changes: Any) -> SearchOutcome:
    resume = changes.pop("resume", False)
    say = changes.pop("say", None)
    return run_search(configure(folder, **changes), folder / "out", resume=resume, say=say)


def test_trials_see_the_outer_training_cases_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, judged: list[str]
) -> None:
    """By patient, too: here two scans belong to each."""
    fake = fake_training(monkeypatch)
    phantom = {"cases": 20, "shape": [26, 26, 26], "spacing_mm": 6.0}
    grouped = {"phantom": phantom, "groups": r"(\d)$"}
    config = configure(tmp_path, grouped, trials=2, outer_fold=1, inner_folds=2)
    names = [case.name for case in prepare(config.benchmark_config()).case_set.cases]
    outer = prepare(config.benchmark_config()).folds
    assert [fold.index for fold in outer] == [1]
    run_search(config, tmp_path / "out")
    assert len(fake.runs) == 2 * 2
    for experiment, _ in fake.runs:
        seen = [case.name for case in experiment.case_set.cases]
        assert seen == [names[position] for position in outer[0].train]
        assert len(seen) == 14
        patients = [case.patient for case in experiment.case_set.cases]
        tested: list[int] = []
        for fold in experiment.folds:
            tested += fold.test
            assert sorted(fold.train + fold.test) == list(range(14))
            assert not {patients[i] for i in fold.train} & {patients[i] for i in fold.test}
        assert sorted(tested) == list(range(14))


def test_a_trial_is_worth_the_mean_over_folds_seeds_and_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, judged: list[str]
) -> None:
    fake = fake_training(monkeypatch, lambda _, key: (0.5 + 0.1 * key.fold + 0.2 * key.seed, 0.3))
    run(tmp_path, trials=2, seeds=[0, 1], train_cases=3, steps=7)
    runs = [(key.train_cases, key.fold, key.seed) for _, key in fake.runs]
    assert runs == 2 * [(3, fold, seed) for fold in range(3) for seed in (0, 1)]
    means = [
        np.mean([(0.5 + 0.1 * fold + 0.2 * seed + 0.3) / 2 for seed in (0, 1)]) for fold in range(3)
    ]
    assert table(tmp_path / "out")["dice"].to_numpy() == pytest.approx(np.mean(means))
    assert {experiment.config.steps for experiment, _ in fake.runs} == {7}
    study = open_study(tmp_path)
    for each in study.trials:
        assert list(each.intermediate_values.values()) == pytest.approx(
            [np.mean(means[: n + 1]) for n in range(3)]
        )


def open_study(folder: Path) -> optuna.Study:
    return optuna.load_study(study_name="try", storage=f"sqlite:///{folder / 'out' / 'study.db'}")


def test_the_policy_to_start_from_is_the_first_trial_and_the_others_are_built_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, judged: list[str]
) -> None:
    fake = fake_training(monkeypatch)
    run(tmp_path, trials=4)
    texts = list(dict.fromkeys(experiment.arms[0].text for experiment, _ in fake.runs))
    assert len(texts) == 4
    first = table(tmp_path / "out").loc[0]
    assert (first["rotate.prob"], first["rotate.degrees"], first["shear.prob"]) == (0.5, 1, 0.25)
    hand_set = fake.runs[0][0].arms[0].text
    assert "rotate_degrees: 15\n" in hand_set
    assert "rotate_prob: 0.5\n" in hand_set


def test_the_best_policy_is_written_with_where_it_comes_from_and_judged_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, judged: list[str]
) -> None:
    fake = fake_training(monkeypatch)
    outcome = run(tmp_path, trials=8)
    trials = table(tmp_path / "out")
    best = trials["dice"].idxmax()
    assert best != 0
    text = (tmp_path / "out" / "best.yaml").read_text()
    assert f"trial {best} of 8 of the study try, from the policy affine" in text
    assert f"inner folds: {trials['dice'][best]:.4f}; the policy to start from had " in text
    assert f"{trials['dice'][0]:.4f}" in text
    load_policy(tmp_path / "out" / "best.yaml", spatial_size=[16, 16, 16])
    numbers = [
        experiment.arms[0].text
        for experiment, _ in fake.runs
        if experiment.arms[0].label == f"trial-{best}"
    ]
    assert text.endswith(numbers[0])
    assert judged == [text]
    assert (outcome.verdict, outcome.sentence) == ("better", "It is better.")
    assert (outcome.best_dice, outcome.hand_set_dice) == (trials["dice"][best], trials["dice"][0])
    again = run(tmp_path, trials=8, resume=True)
    assert again == outcome
    assert len(judged) == 1
    assert len(fake.runs) == 8 * 3
    with pytest.raises(InputError, match="has been judged on the outer test after 8 trials"):
        run(tmp_path, trials=9, resume=True)


def test_a_judgement_that_was_stopped_goes_on_with_the_same_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even with another file in its place, and other judges' seeds."""
    fake_training(monkeypatch)

    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(search, "judge", stop)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    best = tmp_path / "out" / "best.yaml"
    text = best.read_text()
    best.write_text("[]\n")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, resume=True)
    assert best.read_text() == text
    with pytest.raises(InputError, match="has been judged"):
        run(tmp_path, resume=True, trials=7)


def test_nothing_is_judged_if_nothing_was_better(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, judged: list[str]
) -> None:
    fake_training(monkeypatch, lambda *_: (0.5, 0.5))
    outcome = run(tmp_path, trials=3)
    assert judged == []
    assert outcome.verdict is None
    assert outcome.sentence.startswith("No trial was better than 'affine' on the inner folds")
    fake_training(monkeypatch)
    assert run(tmp_path, trials=9, resume=True).verdict == "better"  # which may still be searched


def test_what_is_settled_stays_settled(tmp_path: Path) -> None:
    study = optuna.create_study()
    settle(study, Choice(3, "a"))
    settle(study, Choice(4, "b"))
    assert choice_of(study) == Choice(3, "a")


def test_proposals_get_better_than_chance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, judged: list[str]
) -> None:
    fake_training(monkeypatch)
    run(tmp_path, trials=24, startup_trials=8)
    dice = table(tmp_path / "out")["dice"]
    assert dice[16:].mean() > dice[1:9].mean() + 0.03
    summary = pd.read_json(tmp_path / "out" / "search.json", typ="series")
    importance = summary["importance"]
    assert sum(importance.values()) == pytest.approx(1)
    assert max(importance, key=importance.get) == "scale.prob"


def test_the_seed_decides_what_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, judged: list[str]
) -> None:
    fake_training(monkeypatch)
    tried = []
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        (tmp_path / name).mkdir()
        run(tmp_path / name, seed=seed, trials=5)
        tried.append(tunables(table(tmp_path / name / "out")))
    pd.testing.assert_frame_equal(tried[0], tried[1])
    assert (tried[0].loc[1:] != tried[2].loc[1:]).all(axis=None)
    assert not tried[0].stack().drop(0).duplicated().any()  # also among those at random


@pytest.mark.parametrize("stopped_at", [0, 3])
def test_a_search_that_was_stopped_goes_on_as_if_it_had_not_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, judged: list[str], stopped_at: int
) -> None:
    (tmp_path / "whole").mkdir()
    fake_training(monkeypatch)
    run(tmp_path / "whole", trials=5)
    whole = table(tmp_path / "whole" / "out")
    calls = iter(range(1000))

    def stop(numbers: dict[str, Any], key: RunKey) -> tuple[float, float]:
        if next(calls) == 3 * stopped_at + 1:
            raise KeyboardInterrupt
        return near_half(numbers, key)

    fake_training(monkeypatch, stop)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, trials=5)
    run(tmp_path, trials=5, resume=True)
    trials = table(tmp_path / "out")
    assert list(trials.index[trials["state"] == "lost"]) == [stopped_at]
    kept = trials[trials["state"] != "lost"].reset_index(drop=True)
    pd.testing.assert_frame_equal(tunables(kept), tunables(whole).reset_index(drop=True))
    assert kept["dice"].tolist() == whole["dice"].tolist()


def test_a_bad_trial_is_given_up_after_a_fold_but_never_the_policy_to_start_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, judged: list[str]
) -> None:
    """Later trials alternate between better and worse ones; the first is the worst of all."""

    def score(_: dict[str, Any], key: RunKey) -> tuple[float, float]:
        number = int(key.arm.removeprefix("trial-"))
        return 2 * (0.1 if number == 0 else 0.5 + 0.01 * number * (-1) ** number,)

    fake = fake_training(monkeypatch, score)
    lines: list[str] = []
    run(tmp_path, trials=7, pruner={"startup_trials": 2}, say=lines.append)
    trials = table(tmp_path / "out")
    assert trials["state"].tolist() == [
        *3 * ["complete"],
        "pruned",
        "complete",
        "pruned",
        "complete",
    ]
    assert trials["folds"].tolist() == [3, 3, 3, 1, 3, 1, 3]
    assert len(fake.runs) == sum(trials["folds"])
    assert "4/7: trial 3, given up at 0.4700 (1 of the inner folds); best 0.5200 (trial 2)" in lines

    other = tmp_path / "late"
    other.mkdir()
    run(other, trials=7, pruner={"startup_trials": 2, "warmup_folds": 2})
    assert table(other / "out")["folds"].tolist() == [3, 3, 3, 2, 3, 2, 3]


@pytest.mark.usefixtures("judged")
def test_the_policy_to_start_from_is_not_given_up_where_it_comes_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it does where the machine that had it has died."""
    fake_training(monkeypatch, lambda *_: (0.1, 0.1))
    claim = search.claim_study

    def claim_and_add(study: optuna.Study, identity: Any) -> None:
        claim(study, identity)
        for _ in range(3):
            study.add_trial(
                optuna.create_trial(value=0.9, intermediate_values={0: 0.9, 1: 0.9, 2: 0.9})
            )

    monkeypatch.setattr(search, "claim_study", claim_and_add)
    run(tmp_path, trials=5, pruner={"startup_trials": 2})
    assert table(tmp_path / "out")["folds"].tolist() == [3, 3, 3, 3, 1]


@pytest.mark.parametrize("error", [InputError("the loss became nan"), RuntimeError("a bug")])
def test_a_trial_that_fails_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, judged: list[str], error: Exception
) -> None:
    def score(numbers: dict[str, Any], key: RunKey) -> tuple[float, float]:
        if key.arm == "trial-2":
            raise error
        return near_half(numbers, key)

    fake = fake_training(monkeypatch, score)
    run(tmp_path, trials=5)
    trials = table(tmp_path / "out")
    assert trials["state"].tolist() == ["complete", "complete", "failed", "complete", "complete"]
    assert trials["error"][2] == str(error)
    assert len(fake.runs) == 4 * 3 + 1


def test_a_search_without_any_finished_trial_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, judged: list[str]
) -> None:
    fake_training(monkeypatch, lambda *_: (float("nan"), float("nan")))
    with pytest.raises(InputError, match="No trial was finished: no test case of inner fold 0"):
        run(tmp_path, trials=2)
    assert judged == []


@pytest.mark.parametrize("storage", ["sqlite:///{}/shared.db", "journal:{}/shared.log"])
def test_machines_with_one_storage_share_a_study_and_one_judgement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, judged: list[str], storage: str
) -> None:
    """The second machine comes while the first one is in its third trial."""
    config = configure(tmp_path, storage=storage.format(tmp_path), trials=5)
    inside: list[SearchOutcome] = []

    def score(numbers: dict[str, Any], key: RunKey) -> tuple[float, float]:
        if key.arm == "trial-2" and key.fold == 1:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("socket.gethostname", lambda: "the second machine")
                inside.append(run_search(config, tmp_path / "second"))
        return near_half(numbers, key)

    fake = fake_training(monkeypatch, score)
    first = run_search(config, tmp_path / "first")
    assert inside[0].verdict is None
    assert inside[0].sentence.startswith("1 trial is still under way elsewhere")
    assert first.verdict == "better"
    trials = table(tmp_path / "first")
    assert trials["state"].tolist() == 5 * ["complete"]
    assert len(fake.runs) == 5 * 3
    third = run_search(config, tmp_path / "third")  # comes when all is done
    assert (third.sentence, third.best_dice) == (first.sentence, first.best_dice)
    assert len(judged) == 1


def add_running(study: optuna.Study, worker: str, silent_for: float, **attrs: Any) -> None:
    distributions = {"rotate.prob": optuna.distributions.FloatDistribution(0.0, 0.8)}
    study.add_trial(
        optuna.create_trial(
            state=optuna.trial.TrialState.RUNNING,
            params={"rotate.prob": 0.777},
            distributions=distributions,
            user_attrs={"worker": worker, "alive": time.time() - silent_for, **attrs},
        )
    )


@pytest.mark.parametrize(
    ("silent_for", "retries", "states"),
    [
        (SILENCE_SECONDS + 60, 0, ["lost", "complete", "complete"]),
        (SILENCE_SECONDS + 60, 2, ["failed", "complete"]),
        (SILENCE_SECONDS - 60, 0, ["running", "complete"]),
    ],
)
@pytest.mark.usefixtures("judged")
def test_what_a_dead_worker_had_is_tried_again_but_not_for_ever(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    silent_for: float,
    retries: int,
    states: list[str],
) -> None:
    fake_training(monkeypatch)
    claim = search.claim_study

    def claim_and_add(study: optuna.Study, identity: Any) -> None:
        claim(study, identity)
        add_running(study, "elsewhere:1", silent_for, retries=retries)

    monkeypatch.setattr(search, "claim_study", claim_and_add)
    run(tmp_path, trials=2)
    trials = table(tmp_path / "out").sort_index()
    assert trials["state"].tolist() == states
    if states[0] == "lost":
        assert 0.777 in trials["rotate.prob"][1:].tolist()


def test_a_worker_of_this_machine_that_is_gone_is_noticed_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, judged: list[str]
) -> None:
    fake_training(monkeypatch)
    monkeypatch.setattr("socket.gethostname", lambda: "here")
    alive = {1: True, 2: False}
    monkeypatch.setattr("os.kill", lambda pid, _: None if alive[pid] else gone())
    claim = search.claim_study

    def claim_and_add(study: optuna.Study, identity: Any) -> None:
        claim(study, identity)
        add_running(study, "here:1", 0)
        add_running(study, "here:2", 0)

    def gone() -> None:
        raise ProcessLookupError

    monkeypatch.setattr(search, "claim_study", claim_and_add)
    outcome = run(tmp_path, trials=3)
    states = table(tmp_path / "out").sort_index()["state"].tolist()
    assert states == ["running", "lost", "complete", "complete"]
    assert outcome.sentence.startswith("1 trial is still under way")
    assert judged == []


def test_another_search_does_not_join_a_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, judged: list[str]
) -> None:
    fake_training(monkeypatch)
    run(tmp_path, trials=2)
    for change, named in [
        ({"steps": 5}, "configuration.steps"),
        ({"seeds": [4]}, "seeds"),
        ({"train_cases": 1}, "train_cases"),
        ({"policy": "default"}, "policies.default"),
        ({"outer_fold": 2}, "search.outer_fold"),
    ]:
        with pytest.raises(InputError, match=rf"of another search: .*{named}"):
            run(tmp_path, resume=True, trials=2, **change)
    for changed in ({"train_cases": 1}, {"seeds": [7]}, {"learning_rate": 0.1}):
        config = configure(tmp_path, changed, trials=2)
        with pytest.raises(InputError, match=rf"of another search: .*{next(iter(changed))}"):
            run_search(config, tmp_path / "out", resume=True)
    run(tmp_path, resume=True, trials=2, judge_seeds=[8])
    with pytest.raises(InputError, match="already holds a search; add --resume"):
        run(tmp_path, trials=2)


def test_folders_and_studies_of_something_else_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_training(monkeypatch)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("precious")
    with pytest.raises(InputError, match="none of a search"):
        run(tmp_path)
    url = f"sqlite:///{tmp_path / 'mine.db'}"
    optuna.create_study(study_name="try", storage=url).add_trial(optuna.create_trial(value=1.0))
    with pytest.raises(InputError, match="the study 'try' was not made by a policy search"):
        run_search(configure(tmp_path, storage=url), tmp_path / "other")
    with pytest.raises(InputError, match="storage: cannot be used"):
        run_search(configure(tmp_path, storage="postgres:nonsense"), tmp_path / "another")


def test_a_password_comes_from_the_environment_and_stays_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, judged: list[str]
) -> None:
    fake_training(monkeypatch)
    monkeypatch.setenv("SECRET", "hush")
    storage = f"sqlite:///{tmp_path}/$SECRET.db"
    run_search(configure(tmp_path, storage=storage, trials=2), tmp_path / "out")
    assert (tmp_path / "hush.db").exists()
    assert not any("hush" in path.read_text() for path in (tmp_path / "out").glob("*"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"policy": "none"}, "policy: 'none' has no probability or magnitude to search"),
        ({"outer_fold": 3}, "outer_fold: the benchmark 'tiny' has the folds 0 to 2, and no 3"),
        ({"inner_folds": 7}, "inner_folds, in the training part .*: folds: 7 folds need"),
        ({"train_cases": 5}, "inner_folds, in the training part .*: train_cases: 5 .* has 4"),
        ({"policy": "no"}, "unknown policy 'no'"),
    ],
)
def test_wrong_input_stops_before_anything_is_written(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        run(tmp_path, **change)
    assert not (tmp_path / "out").exists()


def test_a_policy_called_best_could_not_be_told_from_the_best(tmp_path: Path) -> None:
    (tmp_path / "best.yaml").write_text(
        "- _target_: medaug.transforms.RandGammad\n  keys: image\n  prob: 0.2\n"
    )
    with pytest.raises(InputError, match="a policy called 'best' could not be told"):
        run(tmp_path, policy="best.yaml")


def test_the_inner_experiment_measures_nothing_that_a_trial_does_not_need(tmp_path: Path) -> None:
    benchmark = {"shift": {"cases": 1}, "groups": None, "monitor": {"cases": 2}}
    inner = prepare_inner(configure(tmp_path, benchmark))
    assert inner.config.shift is None
    assert inner.config.monitor.cases == 0
    assert inner.config.test_folds is None
    assert [fold.index for fold in inner.folds] == [0, 1, 2]
