from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small_training import RUNTIME, SMALL_UNET, fit, make_network, weights

from medaug.benchmark.runtime import Runtime, resolve_runtime
from medaug.errors import InputError


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_two_devices_train_one_network_like_one(tmp_path: Path) -> None:
    # Biases before a normalisation have no gradient but its rounding, which Adam magnifies.
    unbiased = SMALL_UNET | {"bias": False}
    alone, shared = make_network(definition=unbiased), make_network(definition=unbiased)
    expected = fit(alone, tmp_path / "a.pt", monitored=True)
    found = fit(
        shared,
        tmp_path / "b.pt",
        monitored=True,
        runtime=replace(RUNTIME, devices=2, strategy="ddp"),
    )
    assert [step for step, _ in found.losses] == [1, 2, 3, 4]
    assert [loss for _, loss in found.losses] == pytest.approx(
        [loss for _, loss in expected.losses], rel=1e-5
    )
    assert found.monitor == [
        (step, pytest.approx(dice, abs=0.01)) for step, dice in expected.monitor
    ]
    torch.testing.assert_close(weights(shared), weights(alone), rtol=1e-3, atol=1e-5)


def test_a_batch_that_devices_cannot_share_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"batch_size: 3 samples cannot be shared .* 2 devices"):
        fit(
            make_network(),
            tmp_path / "a.pt",
            batch_size=3,
            runtime=replace(RUNTIME, devices=2),
        )
    assert not (tmp_path / "a.pt").exists()


def test_devices_and_strategy_are_what_is_asked_for() -> None:
    assert resolve_runtime("cpu", "32-true", devices=2, strategy="ddp") == Runtime(
        "cpu", "32-true", 2, "ddp"
    )


def test_a_strategy_that_is_not_supported_is_refused() -> None:
    with pytest.raises(InputError, match="strategy: 'fsdp' is not one of auto, ddp"):
        resolve_runtime("cpu", "32-true", devices=2, strategy="fsdp")


def test_more_devices_than_there_are_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert resolve_runtime("cuda", "32-true", devices=2).devices == 2
    with pytest.raises(InputError, match="devices: there are to be 3, but this machine has 2"):
        resolve_runtime("cuda", "32-true", devices=3)
