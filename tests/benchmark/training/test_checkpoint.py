from __future__ import annotations

import multiprocessing
import pickle
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_training
import torch
from small_training import fit, fit_with_dropout, make_network, weights

from medaug.benchmark.runtime import Runtime
from medaug.benchmark.training import loop
from medaug.benchmark.training.budget import Stopwatch
from medaug.benchmark.training.curve import LearningCurve
from medaug.errors import InputError

# Processes that start at once: they are forked from one that has imported everything.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([loop.__name__, "monai.networks.nets"])


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[torch.Tensor, LearningCurve]:
    threads = torch.get_num_threads()
    outcome = fit_with_dropout(tmp_path_factory.mktemp("undisturbed") / "a.pt")
    torch.set_num_threads(threads)
    return outcome


def check_same(
    ours: tuple[torch.Tensor, LearningCurve], theirs: tuple[torch.Tensor, LearningCurve]
) -> None:
    """Bit for bit."""
    assert torch.equal(ours[0], theirs[0])
    assert ours[1].losses == theirs[1].losses
    assert ours[1].monitor == theirs[1].monitor
    assert ours[1].steps == theirs[1].steps


@pytest.mark.parametrize("loader_workers", [0, 2])
# Newer Pythons warn of every fork, as torch's loaders do it on Linux.
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_training_killed_at_random_steps_ends_like_one_that_was_not(
    tmp_path: Path,
    rng: np.random.Generator,
    undisturbed: tuple[torch.Tensor, LearningCurve],
    loader_workers: int,
) -> None:
    checkpoint = tmp_path / "run" / "checkpoint.pt"
    for _ in range(3):
        calls = int(rng.integers(2, 6))
        process = PROCESSES.Process(
            target=small_training.be_killed, args=(checkpoint, loader_workers, calls)
        )
        process.start()
        process.join(60)
        assert process.exitcode == -9
    assert 3 <= done(checkpoint) < 13
    check_same(fit_with_dropout(checkpoint, loader_workers), undisturbed)


def test_a_training_killed_at_random_times_ends_like_one_that_was_not(
    tmp_path: Path, rng: np.random.Generator, undisturbed: tuple[torch.Tensor, LearningCurve]
) -> None:
    for attempt in range(3):
        checkpoint = tmp_path / f"{attempt}.pt"
        ready = PROCESSES.Event()
        process = PROCESSES.Process(
            target=small_training.run_until_killed, args=(checkpoint, ready)
        )
        process.start()
        assert ready.wait(60)
        time.sleep(float(rng.uniform(0.02, 0.3)))
        process.kill()
        process.join(60)
        check_same(fit_with_dropout(checkpoint), undisturbed)


def done(checkpoint: Path) -> int:
    return len(torch.load(checkpoint, weights_only=True)["progress"]["losses"])


class StopError(Exception):
    pass


def stop_at(network: Any, step: int) -> None:
    """Interrupt the training of a network in the middle of this step, counted from 1."""
    calls = 0

    def count(module: Any, *_: Any) -> None:
        nonlocal calls
        calls += module.training
        if calls == step:
            raise StopError

    network.register_forward_hook(count)


def test_a_checkpoint_is_written_every_few_steps_and_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    network = make_network()
    stop_at(network, 6)
    with pytest.raises(StopError):
        fit(network, path, steps=7, checkpoint_steps=2)
    assert done(path) == 4
    fit(make_network(), path, steps=7, checkpoint_steps=2)
    assert done(path) == 7
    assert list(tmp_path.iterdir()) == [path]


def test_a_checkpoint_that_is_cut_off_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, save = tmp_path / "a.pt", torch.save

    def save_a_part(content: Any, file: Any) -> None:
        if len(content["progress"]["losses"]) < 4:
            save(content, file)
        else:
            file.write(b"PK")
            raise StopError

    monkeypatch.setattr(torch, "save", save_a_part)
    with pytest.raises(StopError):
        fit(make_network(), path, checkpoint_steps=2)
    assert done(path) == 2


def test_a_finished_training_is_not_trained_again(tmp_path: Path) -> None:
    first, again = make_network(), make_network(seed=1)
    curve = fit(first, tmp_path / "a.pt", monitored=True)
    stop_at(again, 1)
    assert fit(again, tmp_path / "a.pt", monitored=True) == curve
    assert torch.equal(weights(first), weights(again))


# Newer Pythons warn of every fork, as torch's loaders do it on Linux.
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_how_often_it_is_saved_and_who_loads_may_change_on_the_way(tmp_path: Path) -> None:
    stopped, resumed, undisturbed = make_network(), make_network(), make_network()
    stop_at(stopped, 3)
    with pytest.raises(StopError):
        fit(stopped, tmp_path / "a.pt", checkpoint_steps=2)
    fit(resumed, tmp_path / "a.pt", checkpoint_steps=1, loader_workers=1)
    fit(undisturbed, tmp_path / "b.pt")
    assert torch.equal(weights(resumed), weights(undisturbed))


@pytest.mark.parametrize(
    "change",
    [
        {"steps": 5},
        {"steps": None, "seconds": 9.0},
        {"learning_rate": 0.02},
        {"batch_size": 1},
        {"seed": 1},
        {"runtime": Runtime("cpu", "bf16-mixed")},
    ],
)
def test_the_checkpoint_of_another_training_is_refused(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    fit(make_network(), tmp_path / "a.pt")
    with pytest.raises(InputError, match=r"a\.pt is the checkpoint of another training. Delete"):
        fit(make_network(), tmp_path / "a.pt", **change)


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("intact") / "a.pt"
    fit(make_network(), path)
    return path.read_bytes()


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("evil"),))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1],
        lambda _: b"not a checkpoint",
        lambda _: pickle.dumps(Evil(), protocol=2),
        lambda _: pickle.dumps({"progress": {}}, protocol=2),
    ],
)
def test_a_damaged_checkpoint_is_refused_and_runs_no_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, intact: bytes, spoil: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.pt"
    path.write_bytes(spoil(intact))
    with pytest.raises(InputError, match=r"a\.pt is damaged, .* Delete it to have the run made"):
        fit(make_network(), path)
    assert not (tmp_path / "evil").exists()


class FakeTime:
    """A clock that only training steps, monitoring and saving move on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, start: float = 0.0) -> None:
        self.now = start
        self.spent: list[float] = []
        save, schedule = loop.save_checkpoint, loop.set_one_cycle

        def slow_save(*arguments: Any) -> None:
            self.now += 1000
            save(*arguments)

        def noted_schedule(optimizer: Any, spent: float, peak: float) -> None:
            self.spent.append(spent)
            schedule(optimizer, spent, peak)

        monkeypatch.setattr(loop, "Stopwatch", partial(Stopwatch, clock=lambda: self.now))
        monkeypatch.setattr(loop, "save_checkpoint", slow_save)
        monkeypatch.setattr(loop, "set_one_cycle", noted_schedule)

    def network(self, durations: list[float]) -> Any:
        network, left = make_network(), iter(durations)

        def move_on(module: Any, *_: Any) -> None:
            self.now += next(left) if module.training else 100

        network.register_forward_hook(move_on)
        return network


def test_a_training_of_fixed_time_ends_when_it_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeTime(monkeypatch)
    curve = fit(
        clock.network([1, 1, 2, 0.5, 1.5, 3, 2]),
        tmp_path / "a.pt",
        steps=None,
        seconds=10.0,
        monitored=True,
        points=5,
        checkpoint_steps=2,
    )
    assert curve.steps == 7
    assert curve.seconds == 11
    assert clock.spent == pytest.approx([0, 0.1, 0.2, 0.4, 0.45, 0.6, 0.9])
    # At 2, 4, 6, 8 and 10 s.
    assert [step for step, _ in curve.monitor] == [2, 3, 5, 6, 7]


def test_a_step_past_several_points_is_monitored_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = FakeTime(monkeypatch).network([1, 6, 9])
    curve = fit(network, tmp_path / "a.pt", steps=None, seconds=10.0, monitored=True, points=10)
    assert [step for step, _ in curve.monitor] == [1, 2, 3]


def test_the_time_in_a_checkpoint_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings: dict[str, Any] = {
        "steps": None,
        "seconds": 10.0,
        "monitored": True,
        "points": 5,
        "checkpoint_steps": 4,
    }
    network = FakeTime(monkeypatch).network([1] * 20)
    stop_at(network, 7)
    with pytest.raises(StopError):
        fit(network, tmp_path / "a.pt", **settings)
    monkeypatch.undo()
    clock = FakeTime(monkeypatch, start=5e5)
    curve = fit(clock.network([1] * 20), tmp_path / "a.pt", **settings)
    assert curve.steps == 10
    assert clock.spent == pytest.approx([0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
    assert [step for step, _ in curve.monitor] == [2, 4, 6, 8, 10]


def test_a_real_clock_ends_a_training_too(tmp_path: Path) -> None:
    curve = fit(make_network(), tmp_path / "a.pt", steps=None, seconds=0.1)
    assert curve.steps >= 1
    assert 0.1 <= curve.seconds < 10


def test_a_diverging_training_names_its_step_after_a_resume_too(tmp_path: Path) -> None:
    network = make_network()
    stop_at(network, 4)
    with pytest.raises(StopError):
        fit(network, tmp_path / "a.pt", steps=6, checkpoint_steps=3)
    network, calls = make_network(), 0

    def spoil(_: Any, __: Any, logits: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        return logits * (float("inf") if calls == 2 else 1.0)

    network.register_forward_hook(spoil)
    with pytest.raises(InputError, match=r"training loss became nan at step 5; .*learning_rate"):
        fit(network, tmp_path / "a.pt", steps=6, checkpoint_steps=3)
    assert done(tmp_path / "a.pt") == 3
