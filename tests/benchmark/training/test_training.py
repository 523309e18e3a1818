from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.losses import DiceCELoss
from monai.transforms import Compose, Lambdad
from small_training import (
    DROPOUT_UNET,
    PATCH,
    REGIONS,
    SEGMENTER,
    SMALL_UNET,
    fit,
    make_case,
    make_network,
    make_samples,
    weights,
)
from torch import nn

from medaug.benchmark.cases.case_set import Case
from medaug.benchmark.runtime import Runtime, resolve_runtime
from medaug.benchmark.testing.inference import mean_dice
from medaug.benchmark.training.curve import binned
from medaug.benchmark.training.network import build_network, check_network, seeded
from medaug.benchmark.training.schedule import one_cycle
from medaug.errors import InputError


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return tmp_path / "checkpoint.pt"


def test_initial_weights_are_a_function_of_seed_and_fold() -> None:
    first = weights(make_network(seed=1, fold=2))
    assert torch.equal(first, weights(make_network(seed=1, fold=2)))
    assert not torch.equal(first, weights(make_network(seed=2, fold=2)))
    assert not torch.equal(first, weights(make_network(seed=1, fold=1)))


def test_global_random_state_is_left_alone(checkpoint: Path) -> None:
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002 - the legacy state is what must not move
    fit(make_network(definition=DROPOUT_UNET), checkpoint, steps=1)
    after = torch.random.get_rng_state(), np.random.get_state()[1], random.getstate()  # noqa: NPY002 - the legacy state is what must not move
    assert torch.equal(before[0], after[0])
    assert np.array_equal(before[1], after[1])
    assert before[2] == after[2]


@pytest.mark.parametrize(
    ("patch_size", "levels"),
    [((16, 16, 16), 3), ((40, 56, 40), 4), ((96, 96, 96), 4), ((16, 64, 64), 4), ((24, 24, 24), 3)],
)
def test_default_network_halves_axes_while_they_are_large_enough(
    patch_size: tuple[int, int, int], levels: int
) -> None:
    network = build_network(
        None, in_channels=2, out_channels=3, patch_size=patch_size, seed=0, fold=0
    )
    assert len(network.strides) == levels
    smallest = np.array(patch_size) // np.prod(network.strides, axis=0)
    assert smallest.min() >= 4


def test_default_network_maps_an_anisotropic_patch_to_logits() -> None:
    patch = (16, 24, 32)
    network = build_network(None, in_channels=2, out_channels=3, patch_size=patch, seed=0, fold=0)
    check_network(network, in_channels=2, out_channels=3, patch_size=patch)


@pytest.mark.parametrize(
    "change",
    [
        {"_target_": "monai.networks.nets.Unet3000"},
        {"channles": [4, 8]},
        {"_target_": "collections.OrderedDict"},
    ],
)
def test_a_network_that_cannot_be_built_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"^network: "):
        make_network(definition=SMALL_UNET | change)


def test_only_a_trusted_configuration_names_any_class() -> None:
    definition = {"_target_": "collections.Counter"}
    shapes = {"in_channels": 1, "out_channels": 2, "patch_size": PATCH, "seed": 0, "fold": 0}
    with pytest.raises(InputError, match=r"'collections\.Counter' is not allowed"):
        build_network(definition, **shapes)
    with pytest.raises(InputError, match="is a Counter, not a torch module"):
        build_network(definition, **shapes, trust=True)


def test_a_network_with_other_outputs_than_classes_is_refused() -> None:
    network = make_network(definition=SMALL_UNET | {"out_channels": 7})
    with pytest.raises(InputError, match=r"network: it returns \(1, 7, .* not .* \(1, 2, "):
        check_network(network, in_channels=1, out_channels=2, patch_size=PATCH)


def test_a_network_with_other_channels_than_the_image_is_refused() -> None:
    with pytest.raises(InputError, match="network: it fails on a patch"):
        check_network(make_network(), in_channels=3, out_channels=2, patch_size=PATCH)


def test_training_learns_a_bright_cube(checkpoint: Path) -> None:
    network, case = make_network(), make_case()
    untrained = mean_dice(SEGMENTER.segment(network, case), case, REGIONS)
    curve = fit(network, checkpoint, steps=30, learning_rate=0.03)
    assert curve.losses[-1][1] < curve.losses[0][1]
    assert mean_dice(SEGMENTER.segment(network, case), case, REGIONS) > max(untrained, 0.5)


def test_training_twice_gives_the_same_weights(tmp_path: Path) -> None:
    first, second = make_network(), make_network()
    losses = fit(first, tmp_path / "a.pt").losses
    assert fit(second, tmp_path / "b.pt").losses == losses
    assert torch.equal(weights(first), weights(second))


def test_a_training_is_what_a_plain_loop_makes(checkpoint: Path) -> None:
    """Torch's optimiser, clipping and one-cycle formula, and MONAI's loss, with nothing around."""
    # Biases before a normalisation have no gradient but its rounding, which Adam magnifies.
    unbiased = SMALL_UNET | {"bias": False}
    trained, network = make_network(definition=unbiased), make_network(definition=unbiased)
    curve = fit(trained, checkpoint, gradient_clip=0.1, weight_decay=0.1)
    samples, losses = make_samples(), []
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.1)
    criterion = DiceCELoss(include_background=False, to_onehot_y=True, softmax=True)
    for step in range(4):
        rate, momentum = one_cycle(step / 4, 0.01)
        optimizer.param_groups[0].update(lr=rate, betas=(momentum, 0.999))
        pair = [samples[2 * step], samples[2 * step + 1]]
        image, label = (torch.stack([one[key] for one in pair]) for key in ("image", "label"))
        loss = criterion(network(image), label)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 0.1)
        optimizer.step()
        losses.append(loss.item())
    assert [loss for _, loss in curve.losses] == pytest.approx(losses, rel=1e-5)
    torch.testing.assert_close(weights(trained), weights(network), rtol=1e-4, atol=1e-5)


def test_training_takes_exactly_the_steps_asked_for(checkpoint: Path) -> None:
    network, calls = make_network(), []
    network.register_forward_hook(lambda *_: calls.append(1))
    curve = fit(network, checkpoint, steps=3)
    assert curve.steps == len(calls) == 3
    assert [step for step, _ in curve.losses] == [1, 2, 3]


def test_a_single_step_is_enough(checkpoint: Path) -> None:
    assert len(fit(make_network(), checkpoint, steps=1).losses) == 1


def test_a_long_training_has_a_learning_curve_of_a_hundred_points() -> None:
    curve = binned([float(step) for step in range(250)])
    assert len(curve) == 100
    assert curve[0] == (3, 1.0)
    assert curve[-1][0] == 250


def test_the_monitor_looks_at_its_points_and_changes_nothing(tmp_path: Path) -> None:
    watched = make_network(definition=DROPOUT_UNET)
    alone = make_network(definition=DROPOUT_UNET)
    curve = fit(watched, tmp_path / "a.pt", monitored=True)
    fit(alone, tmp_path / "b.pt")
    assert [step for step, _ in curve.monitor] == [2, 4]
    scored = mean_dice(SEGMENTER.segment(watched, make_case()), make_case(), REGIONS)
    assert curve.monitor[-1][1] == scored
    assert torch.equal(weights(watched), weights(alone))


def test_dropout_draws_are_a_function_of_the_seed_and_the_step(tmp_path: Path) -> None:
    first, second, other = (make_network(definition=DROPOUT_UNET) for _ in range(3))
    fit(first, tmp_path / "a.pt")
    torch.rand(7)
    fit(second, tmp_path / "b.pt")
    fit(other, tmp_path / "c.pt", seed=1)
    assert torch.equal(weights(first), weights(second))
    assert not torch.equal(weights(first), weights(other))


def test_dropout_draws_anew_in_each_step(checkpoint: Path) -> None:
    network, dropped = make_network(definition=DROPOUT_UNET), []
    dropout = next(part for part in network.modules() if isinstance(part, nn.Dropout))
    dropout.register_forward_hook(lambda *call: dropped.append(call[2] == 0))
    fit(network, checkpoint)
    assert len(dropped) >= 4
    assert not torch.equal(dropped[0], dropped[-1])


def test_a_policy_that_moves_the_global_generator_does_not_reach_the_network(
    tmp_path: Path,
) -> None:
    def draw(image: torch.Tensor) -> torch.Tensor:
        torch.rand(3)
        return image

    first, second = (make_network(definition=DROPOUT_UNET) for _ in range(2))
    fit(first, tmp_path / "a.pt")
    fit(second, tmp_path / "b.pt", Compose([Lambdad(["image"], draw)]))
    assert torch.equal(weights(first), weights(second))


def test_a_loss_that_is_not_a_number_stops_the_training_with_the_step(checkpoint: Path) -> None:
    spoil = Compose([Lambdad(["image"], lambda image: image * float("nan"))])
    with pytest.raises(InputError, match=r"loss became nan at step 1; .*learning_rate"):
        fit(make_network(), checkpoint, spoil)


def test_a_gradient_that_is_not_a_number_stops_the_last_step(checkpoint: Path) -> None:
    """The loss is finite; weights made of such a gradient would be tested without a word."""
    network, calls = make_network(), 0

    def spoil(*_: Any) -> None:
        nonlocal calls
        calls += 1

    network.register_forward_hook(spoil)
    parameter = next(iter(network.parameters()))
    parameter.register_hook(lambda gradient: gradient * (float("nan") if calls == 4 else 1.0))
    with pytest.raises(InputError, match="gradient of the training loss became nan at step 4"):
        fit(network, checkpoint)


def test_mixed_precision_trains_and_keeps_the_weights_in_float32(checkpoint: Path) -> None:
    network = make_network()
    curve = fit(network, checkpoint, runtime=Runtime("cpu", "bf16-mixed"), steps=20)
    exact = fit(make_network(), checkpoint.with_name("b.pt"), steps=20)
    assert weights(network).dtype == torch.float32
    assert curve.losses != exact.losses
    assert curve.losses[-1][1] == pytest.approx(exact.losses[-1][1], rel=0.05)


def test_training_is_silent_and_leaves_its_checkpoint_only(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    fit(make_network(), Path("a.pt"))
    assert [path.name for path in tmp_path.iterdir()] == ["a.pt"]
    assert "".join(capfd.readouterr()) == ""


def test_a_scan_is_segmented_whole_whatever_its_size(rng: np.random.Generator) -> None:
    for shape in ((9, 20, 33), (16, 16, 16)):
        image = rng.normal(size=(1, *shape)).astype(np.float32)
        case = Case("a", image, np.zeros((1, *shape), np.uint8), (1.0, 1.0, 1.0), "a")
        network = make_network()
        segmentation = SEGMENTER.segment(network, case)
        assert segmentation.shape == shape
        assert segmentation.dtype == np.uint8
        assert network.training


def test_seeded_draws_repeat_and_leave_the_outside_alone() -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    with seeded(5):
        first = torch.rand(3)
    with seeded(5):
        assert torch.equal(torch.rand(3), first)
    assert torch.equal(torch.rand(3), expected)


def test_precision_is_what_is_asked_for() -> None:
    assert resolve_runtime("cpu", "32-true") == Runtime("cpu", "32-true")
    assert resolve_runtime("cpu", "bf16-mixed") == Runtime("cpu", "bf16-mixed")


@pytest.mark.parametrize(
    ("capabilities", "precision"),
    [
        ({"avx512_bf16": True}, "bf16-mixed"),
        ({"avx512_bf16": False, "avx2": True}, "32-true"),
        ({}, "32-true"),
    ],
)
def test_bfloat16_is_taken_on_processors_that_have_it(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], precision: str
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert resolve_runtime("cpu", "auto").precision == precision


def test_a_device_or_precision_that_is_not_there_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_runtime("auto", "32-true").device == "cpu"
    with pytest.raises(InputError, match="device: "):
        resolve_runtime("cuda", "auto")
    with pytest.raises(InputError, match="precision: 16-mixed needs CUDA"):
        resolve_runtime("cpu", "16-mixed")
