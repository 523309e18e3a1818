from __future__ import annotations

import pytest
import torch
from torch import nn

from medaug.benchmark.training.budget import Budget, Stopwatch, points_passed
from medaug.benchmark.training.schedule import one_cycle, set_one_cycle


class FakeClock:
    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def test_a_budget_of_steps_looks_at_steps_only() -> None:
    budget = Budget(steps=4)
    assert [budget.spent(step, 1e9) for step in range(6)] == [0, 0.25, 0.5, 0.75, 1, 1]


def test_a_budget_of_seconds_looks_at_seconds_only() -> None:
    budget = Budget(seconds=8.0)
    assert [budget.spent(10**9, second) for second in (0, 2, 8, 9)] == [0, 0.25, 1, 1]


def test_a_budget_is_one_of_the_two() -> None:
    with pytest.raises(ValueError, match="either steps or seconds"):
        Budget()
    with pytest.raises(ValueError, match="either steps or seconds"):
        Budget(1, 1.0)


@pytest.mark.parametrize("points", [1, 3, 7, 100])
@pytest.mark.parametrize("steps", [1, 3, 29, 100, 600])
def test_each_point_is_passed_at_the_first_step_that_is_not_before_it(
    steps: int, points: int
) -> None:
    for step in range(steps + 1):
        exact = sum(step * points >= point * steps for point in range(1, points + 1))
        assert points_passed(Budget(steps).spent(step, 0.0), points) == exact


def test_a_stopwatch_goes_on_from_where_it_was_and_leaves_pauses_out() -> None:
    clock = FakeClock(1000.0)
    watch = Stopwatch(5.0, clock)
    assert watch.seconds == 5
    clock.now += 2
    with watch.paused():
        clock.now += 100
    clock.now += 1
    assert watch.seconds == 8


def test_the_schedule_is_torchs_one_cycle() -> None:
    steps, peak = 10_000, 3e-3
    optimizer = torch.optim.AdamW(nn.Linear(1, 1).parameters(), lr=peak)
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=peak, total_steps=steps)
    for step in range(steps):
        group = optimizer.param_groups[0]
        rate, momentum = one_cycle(step / (steps - 1), peak)
        # Theirs turns at the step before 30 %, which is a thousandth of the way off here.
        assert rate == pytest.approx(group["lr"], rel=1e-3, abs=peak * 1e-4)
        assert momentum == pytest.approx(group["betas"][0], abs=1e-4)
        optimizer.step()
        theirs.step()


def test_the_schedule_starts_peaks_and_ends_where_it_says() -> None:
    assert one_cycle(0.0, 1.0) == (pytest.approx(1 / 25), pytest.approx(0.95))
    assert one_cycle(0.3, 1.0) == (pytest.approx(1.0), pytest.approx(0.85))
    assert one_cycle(1.0, 1.0) == (pytest.approx(1 / 250_000), pytest.approx(0.95))


def test_the_schedule_sets_the_first_beta_and_leaves_the_second() -> None:
    optimizer = torch.optim.AdamW(nn.Linear(1, 1).parameters(), betas=(0.5, 0.123))
    set_one_cycle(optimizer, 0.3, 7.0)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(7.0)
    assert optimizer.param_groups[0]["betas"] == (pytest.approx(0.85), 0.123)
