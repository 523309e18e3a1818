from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.transforms import Compose, Lambdad
from torch import nn

from medaug.benchmark.cases.case_set import Case
from medaug.benchmark.runtime import Runtime, resolve_runtime
from medaug.benchmark.testing.inference import Segmenter, mean_dice
from medaug.benchmark.training.loop import LearningCurve, MonitorPlan, TrainingPlan, train
from medaug.benchmark.training.network import build_network, check_network, seeded
from medaug.benchmark.training.sampling import PatchDataset
from medaug.errors import InputError

PATCH = (16, 16, 16)
RUNTIME = Runtime("cpu", "32-true")
SEGMENTER = Segmenter(PATCH, 0.25, RUNTIME)
SMALL_UNET = {
    "_target_": "monai.networks.nets.UNet",
    "spatial_dims": 3,
    "in_channels": "@in_channels",
    "out_channels": "@out_channels",
    "channels": [4, 8],
    "strides": [2],
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def case(rng: np.random.Generator) -> Case:
    """A bright cube in noise: a task that a tiny network learns in a few steps."""
    label = np.zeros((1, 20, 20, 20), dtype=np.uint8)
    label[0, 6:14, 6:14, 6:14] = 1
    image = 3 * label + rng.normal(size=label.shape)
    return Case("cube", image.astype(np.float32), label, (1.0, 1.0, 1.0), "cube")


def make_network(seed: int = 0, fold: int = 0, definition: Any = SMALL_UNET) -> nn.Module:
    return build_network(
        definition, in_channels=1, out_channels=2, patch_size=PATCH, seed=seed, fold=fold
    )


def fit(
    network: nn.Module,
    case: Case,
    policy: Compose | None = None,
    *,
    steps: int = 4,
    learning_rate: float = 0.01,
    monitored: tuple[Case, ...] = (),
    on_step: Any = lambda _: None,
) -> LearningCurve:
    samples = PatchDataset(
        [case],
        policy or Compose([]),
        n_samples=2 * steps,
        patch_size=PATCH,
        region_factor=1.0,
        foreground_fraction=0.5,
        seed=0,
        fold=0,
    )
    plan = TrainingPlan(
        steps=steps,
        batch_size=2,
        learning_rate=learning_rate,
        weight_decay=0.01,
        gradient_clip=1.0,
        workers=0,
        runtime=RUNTIME,
    )
    monitor = MonitorPlan(monitored, points=2, n_classes=1, segmenter=SEGMENTER)
    return train(network, samples, plan, monitor, seed=0, on_step=on_step)


def weights(network: nn.Module) -> torch.Tensor:
    return torch.cat([parameter.detach().ravel() for parameter in network.parameters()])


def test_initial_weights_are_a_function_of_seed_and_fold() -> None:
    first = weights(make_network(seed=1, fold=2))
    assert torch.equal(first, weights(make_network(seed=1, fold=2)))
    assert not torch.equal(first, weights(make_network(seed=2, fold=2)))
    assert not torch.equal(first, weights(make_network(seed=1, fold=1)))


def test_global_random_state_is_left_alone(case: Case) -> None:
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002 - the legacy state is what must not move
    fit(make_network(), case, steps=1)
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


def test_training_learns_a_bright_cube(case: Case) -> None:
    network = make_network()
    untrained = mean_dice(SEGMENTER.segment(network, case), case, 1)
    curve = fit(network, case, steps=30, learning_rate=0.03)
    assert curve.losses[-1][1] < curve.losses[0][1]
    assert mean_dice(SEGMENTER.segment(network, case), case, 1) > max(untrained, 0.5)


def test_training_twice_gives_the_same_weights(case: Case) -> None:
    first, second = make_network(), make_network()
    losses = fit(first, case).losses
    assert fit(second, case).losses == losses
    assert torch.equal(weights(first), weights(second))


def test_training_takes_exactly_the_steps_asked_for(case: Case) -> None:
    seen: list[int] = []
    curve = fit(make_network(), case, steps=3, on_step=seen.append)
    assert seen == [1, 2, 3]
    assert [step for step, _ in curve.losses] == [1, 2, 3]


def test_a_single_step_is_enough(case: Case) -> None:
    assert len(fit(make_network(), case, steps=1).losses) == 1


def test_a_long_training_has_a_learning_curve_of_a_hundred_points() -> None:
    from medaug.benchmark.training.loop import _binned  # noqa: PLC0415  # the only way to have 250 losses cheaply

    curve = _binned([float(step) for step in range(250)])
    assert len(curve) == 100
    assert curve[0] == (3, 1.0)
    assert curve[-1][0] == 250


def test_the_monitor_looks_at_its_points_and_changes_nothing(case: Case) -> None:
    watched, alone = make_network(), make_network()
    curve = fit(watched, case, monitored=(case,))
    fit(alone, case)
    assert [step for step, _ in curve.monitor] == [2, 4]
    assert all(0 <= dice <= 1 for _, dice in curve.monitor)
    assert torch.equal(weights(watched), weights(alone))


def test_dropout_draws_are_a_function_of_the_seed(case: Case) -> None:
    dropout = SMALL_UNET | {"dropout": 0.5}
    first, second = make_network(definition=dropout), make_network(definition=dropout)
    fit(first, case)
    torch.rand(7)
    fit(second, case)
    assert torch.equal(weights(first), weights(second))


def test_a_loss_that_is_not_a_number_stops_the_training_with_the_step(case: Case) -> None:
    spoil = Compose([Lambdad(["image"], lambda image: image * float("nan"))])
    with pytest.raises(InputError, match=r"loss became nan at step 1; .*learning_rate"):
        fit(make_network(), case, spoil)


def test_training_is_silent_and_leaves_no_files(
    case: Case,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    fit(make_network(), case)
    assert list(tmp_path.iterdir()) == []
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
