"""The trainer's transforms against those of nnU-Net's own trainer."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("nnunetv2", reason="the framework that this is about")

from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
from batchgeneratorsv2.transforms.utils.pseudo2d import (
    Convert2DTo3DTransform,
    Convert3DTo2DTransform,
)
from nnunet_pipelines import (
    LEAN,
    SETTINGS,
    TURN,
    Setting,
    both,
    quiet_policy,
    targets,
    without_augmentation,
)
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

from medaug.geometry import Warp
from medaug.integrations.nnunet import policy
from medaug.integrations.nnunet.trainer import nnUNetTrainerMedaug
from medaug.rng import generator
from medaug.spatial import Rotate

DRAWS = 12
SOLID, SLICES, PLANE = SETTINGS["3d"], SETTINGS["dummy 2d"], SETTINGS["2d"]


@pytest.fixture(autouse=True)
def numpys_global_seed():
    """What nnU-Net's transforms and the trainer draw from; torch's is set for all tests."""
    state = np.random.get_state()  # noqa: NPY002  # the global one, on purpose
    np.random.seed(0)  # noqa: NPY002
    yield
    np.random.set_state(state)  # noqa: NPY002


@pytest.fixture
def draw_only(monkeypatch) -> Callable[..., None]:
    """Switch everything in the policy off but for the given arguments of its spatial transform."""

    def switch(**spatial: Any) -> None:
        monkeypatch.setattr(policy, "read_policy", lambda _: quiet_policy(**spatial))

    return switch


def kind_of(out: dict[str, Any]) -> tuple[Any, ...]:
    """Keys, shapes and dtypes, in their order."""
    tensors = [out["image"], *targets(out)]
    return (*out, type(out["segmentation"]), *((t.shape, t.dtype, type(t)) for t in tensors))


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_a_sample_is_of_the_kind_that_nnunet_makes(setting: Setting):
    kinds, values = [], []
    for pipeline in both(setting):
        outs = [pipeline(**setting.sample(n)) for n in range(DRAWS)]
        assert all(torch.isfinite(out["image"]).all() for out in outs)
        kinds.append({kind_of(out) for out in outs})
        values.append(set(torch.cat([targets(out)[0].flatten() for out in outs]).tolist()))
    assert len(kinds[0]) == 1
    assert kinds[0] == kinds[1]
    assert values[0] == values[1]


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_without_augmentation_it_is_nnunets_sample_bit_for_bit(setting: Setting, draw_only):
    draw_only()
    theirs, ours = (without_augmentation(each)(**setting.sample()) for each in both(setting))
    assert torch.equal(theirs["image"], ours["image"])
    for one, other in zip(targets(theirs), targets(ours), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_what_follows_the_augmentation_is_nnunets_own(setting: Setting):
    theirs, ours = both(setting)
    rest = ours.transforms[1:]
    assert repr(rest) == repr(theirs.transforms[-len(rest) :])
    names = {type(each).__name__ for each in theirs.transforms[: -len(rest)]}
    assert "SpatialTransform" in names
    assert not any(name.startswith(("Mask", "RemoveLabel", "MoveSeg")) for name in names)


def test_it_takes_what_nnunets_own_takes():
    mine, theirs = (
        [(p.name, p.default, p.kind) for p in inspect.signature(each).parameters.values()]
        for each in (
            nnUNetTrainerMedaug.get_training_transforms,
            nnUNetTrainer.get_training_transforms,
        )
    )
    assert mine == theirs
    own = {name for name in vars(nnUNetTrainerMedaug) if not name.startswith("__")}
    assert own == {"get_training_transforms"}


def nnunets_spatial(setting: Setting, angle: float, factor: float) -> list:
    """nnU-Net's spatial transform with one angle, and in the plane if it does so."""
    patch = setting.patch[1:] if setting.dummy_2d else setting.patch
    spatial = SpatialTransform(
        patch,
        0,
        False,
        p_rotation=1,
        rotation=(angle, angle),
        p_scaling=1,
        scaling=(factor, factor),
        p_synchronize_scaling_across_axes=1,
        border_mode_seg="constant",
        padding_value_seg=-1,
    )
    if len(patch) == 3:  # turns about several axes do not commute
        spatial.rotation = lambda dim, **_: angle if dim == 0 else 0
    steps = [Convert3DTo2DTransform(), spatial, Convert2DTo3DTransform()]
    return steps if setting.dummy_2d else [spatial]


def our_spatial(setting: Setting, angle: float) -> list:
    pipeline = replace(setting, rotation=(angle, angle)).transforms()
    spatial = pipeline.transforms[0].spatial
    if setting is SOLID:
        spatial.steps = tuple(
            replace(s, effect=replace(s.effect, degrees=(s.effect.degrees[0], (0, 0), (0, 0))))
            if isinstance(s.effect, Rotate)
            else s
            for s in spatial.steps
        )
    return pipeline.transforms[:1]


@pytest.mark.parametrize("setting", [SOLID, SLICES, PLANE], ids=["3d", "dummy 2d", "2d"])
@pytest.mark.parametrize(("angle", "factor"), [(0.4, 1.3), (-0.2, 0.8)])
def test_a_forced_turn_and_scale_is_what_nnunet_computes(setting, angle, factor, draw_only):
    draw_only(rotate_prob=1, scale_prob=1, scale=[factor, factor])  # the sign of angles differs
    results = []
    for steps in (nnunets_spatial(setting, angle, factor), our_spatial(setting, -angle)):
        sample = setting.sample()
        for step in steps:
            sample = step(**sample)
        results.append(sample)
    theirs, ours = results
    torch.testing.assert_close(ours["image"], theirs["image"], atol=2e-4, rtol=0)
    same = (ours["segmentation"] == theirs["segmentation"]).float().mean()
    assert same > 0.998  # ties of the vote are settled otherwise
    assert (ours["segmentation"] == -1).any()


def drawn_warps(setting: Setting, count: int = 200) -> list[Warp]:
    spatial, sample = setting.transforms().transforms[0].spatial, setting.sample()
    sample["label"] = sample.pop("segmentation")
    records = [spatial.sample(sample, generator(0, n)) for n in range(count)]
    return [Warp.from_dict(record["warp"]) for record in records]


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_only_the_axes_that_nnunet_allows_are_mirrored(setting: Setting, draw_only):
    draw_only(flip_prob=0.5)
    augmentation = setting.transforms().transforms[0]
    ramps = torch.meshgrid(*map(torch.arange, setting.crop), indexing="ij")
    sample = {"image": torch.stack(ramps).float(), "segmentation": setting.sample()["segmentation"]}
    seen = set()
    for seed in range(60):
        image = augmentation.apply(dict(sample), seed=seed)["image"]
        steps = [torch.diff(image[axis], dim=axis).unique() for axis in range(len(ramps))]
        assert all(len(step) == 1 and abs(step) == 1 for step in steps)
        seen |= {axis for axis, step in enumerate(steps) if step < 0}
    assert seen == set(setting.mirror_axes or ())


@pytest.mark.parametrize(("setting", "most"), [(SOLID, LEAN), (PLANE, TURN), (SLICES, TURN)])
def test_angles_fill_the_range_that_nnunet_gives(setting: Setting, most: float):
    about = 2 if setting is PLANE else 0
    one, other = [axis for axis in range(3) if axis != about]
    angles = []
    for warp in drawn_warps(replace(setting, mirror_axes=None), 800):
        matrix = warp.affine_part()[:3, :3]
        if setting is SOLID:
            matrix = matrix / np.cbrt(np.linalg.det(matrix))
            # The angle about the first axis, the last one that acts.
            angles.append(abs(np.arctan2(matrix[1, 2], matrix[2, 2])))
        else:
            angles.append(abs(np.arctan2(matrix[one, other], matrix[one, one])))
    assert 0.85 * most < max(angles) <= most + 0.25 * (setting is SOLID)
    assert np.mean(np.array(angles) == 0) == pytest.approx(0.8, abs=0.05)


def test_dummy_2d_leaves_every_slice_in_its_plane(draw_only):
    for warp in drawn_warps(SLICES):
        matrix = warp.affine_part()
        assert abs(matrix[0, 0]) == 1
        assert np.all(matrix[0, 1:3] == 0)
        assert np.all(matrix[1:3, 0] == 0)
        assert matrix[0, 3] == (0 if matrix[0, 0] > 0 else SLICES.crop[0] - 1)
        (a, b), (c, d) = matrix[1:3, 1:3]
        assert a * a + b * b == pytest.approx(c * c + d * d)  # one scale for the plane
    slices = torch.arange(SLICES.crop[0]).float()[None, :, None, None]
    image = slices.expand(2, *SLICES.crop) + 10
    draw_only(rotate_prob=1, scale_prob=1, flip_prob=0.5)
    augmentation = SLICES.transforms().transforms[0]
    for seed in range(20):
        sample = {"image": image, "segmentation": SLICES.sample()["segmentation"]}
        out = augmentation.apply(sample, seed=seed)["image"]
        centre = out[:, :, 14:18, 12:16]  # a turned corner may lie beyond the crop
        flat = centre.reshape(2, SLICES.crop[0], -1)
        assert torch.allclose(flat.amin(2), flat.amax(2), atol=1e-5)
        assert torch.allclose(flat[:, :, 0].sort().values, slices.flatten() + 10, atol=1e-5)


def test_dummy_2d_lowers_the_resolution_in_plane_alone():
    shapes = []
    for setting in (SLICES, SOLID):
        intensity = setting.transforms().transforms[0].intensity
        sample = {"image": torch.zeros(2, *setting.patch)}
        drawn = [intensity.sample(sample, generator(0, n))["parameters"] for n in range(300)]
        changes = [change for each in drawn for change in each["image"]]
        shapes.append([p["shape"] for change in changes for p in change if p and "shape" in p])
    flat, solid = map(np.array, shapes)
    assert len(flat) > 20
    assert set(flat[:, 0]) == {SLICES.patch[0]}
    assert len(set(solid[:, 0])) > 3
    rows, columns = SLICES.patch[1:]
    kept = flat[:, 1:] / (rows, columns)
    assert kept.min() < 0.6
    assert np.abs(kept[:, 0] - kept[:, 1]).max() < 0.05  # one share for both axes


def test_a_sample_follows_numpys_global_seed_alone():
    augmentation, sample = SOLID.transforms().transforms[0], SOLID.sample()

    def image(seed: int, torchs: int) -> torch.Tensor:
        np.random.seed(seed)  # noqa: NPY002  # what nnU-Net seeds
        torch.manual_seed(torchs)
        return torch.stack([augmentation(**sample)["image"] for _ in range(3)])

    assert torch.equal(image(1, 1), image(1, 2))
    assert not torch.equal(image(1, 1), image(2, 1))
    first, second, third = image(1, 1)
    assert not torch.equal(first, second)
    assert not torch.equal(second, third)


def test_intensities_are_those_of_the_patch(monkeypatch):
    """As in nnU-Net: what is cut off neither costs time nor counts for statistics."""
    augmentation, seen = SOLID.transforms().transforms[0], []
    sample = augmentation.intensity.sample
    monkeypatch.setattr(
        augmentation.intensity,
        "sample",
        lambda d, rng: seen.append(d["image"].shape) or sample(d, rng),
    )
    augmentation(**SOLID.sample())
    assert seen == [(2, *SOLID.patch)]


def test_the_input_stays_as_it_is():
    sample = SOLID.sample()
    before = {name: each.clone() for name, each in sample.items()}
    augmentation = SOLID.transforms().transforms[0]
    for _ in range(DRAWS):
        augmentation(**sample)
    assert all(torch.equal(sample[name], before[name]) for name in sample)


def test_what_would_have_to_move_along_is_refused():
    with pytest.raises(ValueError, match=r"alone; the sample has .*'regression_target'"):
        SOLID.transforms()(**SOLID.sample(), regression_target=torch.zeros(1, *SOLID.crop))


def test_the_transforms_travel_to_spawned_workers_and_say_what_they_do():
    pipeline = SLICES.transforms()
    twin = pickle.loads(pickle.dumps(pipeline))
    sample = SLICES.sample()
    one, other = (p.transforms[0].apply(dict(sample), seed=4) for p in (pipeline, twin))
    assert torch.equal(one["image"], other["image"])
    text = str(pipeline)
    assert "axis_probs=(0.5, 0.5, 0.5)" in text
    assert "InPlane(effect=Rotate(degrees=((-180.0, 180.0)" in text
