from __future__ import annotations

import io

import pytest
from rich.console import Console

from medaug.benchmark.progress import Progress, terminal_progress
from medaug.benchmark.run_result import RunResult
from medaug.benchmark.store import RunKey

KEYS = [RunKey(arm, fold, 0) for fold in (0, 1) for arm in ("none", "flip")]


def result_of(key: RunKey) -> RunResult:
    dice = {"a": {"x": 0.5, "y": float("nan")}, "b": {"x": 0.7, "y": 0.9}}
    return RunResult(key.arm, key.fold, key.seed, ("c",), dice, [], [], {"train": 2, "test": 0.25})


def play(progress: Progress) -> None:
    with progress:
        progress.case_loaded("a")
        progress.benchmark_started(KEYS, steps=5)
        for number, key in enumerate(KEYS):
            progress.run_started(key)
            progress.step_done(5)
            progress.run_finished(result_of(key), reused=number == 0)


def show(*, terminal: bool) -> str:
    output = io.StringIO()
    play(terminal_progress(Console(file=output, force_terminal=terminal, width=100)))
    return output.getvalue()


def test_elsewhere_than_on_a_terminal_there_is_one_line_a_run() -> None:
    assert show(terminal=False).splitlines() == [
        "4 runs of 5 steps",
        "run 1/4: none, fold 0, seed 0: Dice 0.700, from before",
        "run 2/4: flip, fold 0, seed 0: Dice 0.700, 2.2 s",
        "run 3/4: none, fold 1, seed 0: Dice 0.700, 2.2 s",
        "run 4/4: flip, fold 1, seed 0: Dice 0.700, 2.2 s",
    ]


def test_on_a_terminal_there_are_bars_for_folds_arms_and_steps() -> None:
    shown = show(terminal=True)
    for words in ("folds: 1, seed 0", "arms: flip", "steps", "2/2", "5/5"):
        assert words in shown
    assert "flip, fold 1, seed 0: Dice 0.700, 2.2 s" in shown


def test_a_run_without_any_defined_dice_says_so() -> None:
    output = io.StringIO()
    empty = RunResult("none", 0, 0, (), {"a": {"x": float("nan")}}, [], [], {})
    terminal_progress(Console(file=output)).run_finished(empty, reused=True)
    assert "Dice undefined" in output.getvalue()


def test_without_a_console_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    play(Progress())
    assert "".join(capsys.readouterr()) == ""
