"""The policy ``nnunet`` draws what the transforms of nnU-Net draw: tests on samples of both."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from medaug.geometry import Warp
from medaug.policy import load_policy
from medaug.rng import generator

pytest.importorskip("batchgeneratorsv2", reason="the peer whose draws are compared")

from speed import nnunet

PATCH, CHANNELS, DRAWS = (16, 18, 20), 4, 1500
#: The steps of nnU-Net behind the spatial one, in its order, and the places of ours.
NOISE, BLUR, BRIGHTNESS, CONTRAST, LOW_RESOLUTION, NEGATED, GAMMA = range(7)


@pytest.fixture(scope="module")
def ours() -> list[dict]:
    """For each draw: the warp, and what each change draws for each channel."""
    spatial, intensity = load_policy("nnunet", spatial_size=PATCH).transforms
    sample = {
        "image": np.zeros((CHANNELS, *PATCH), np.float32),
        "label": np.zeros((1, *PATCH), np.uint8),
    }
    return [
        {
            "warp": Warp.from_dict(spatial.sample(sample, generator(0, n))["warp"]),
            "changes": intensity.sample(sample, generator(1, n))["parameters"]["image"],
        }
        for n in range(DRAWS)
    ]


@pytest.fixture(scope="module")
def theirs() -> list[list[dict]]:
    """For each draw: the parameters of each step, empty where it does not take part."""
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002  # what batchgeneratorsv2 draws from
    spatial, *steps, mirror = nnunet.steps(PATCH)
    image = torch.zeros((CHANNELS, *PATCH))

    def draw(step) -> dict:
        fires = step.get_parameters(image=image)["apply_transform"]
        return step.transform.get_parameters(image=image) if fires else {}

    return [
        [
            spatial.get_parameters(image=image),
            *(draw(step) for step in steps),
            mirror.get_parameters(image=image),
        ]
        for _ in range(DRAWS)
    ]


def assert_as_often(one: np.ndarray, other: np.ndarray) -> None:
    """Fisher's exact test on how often something happens."""
    table = [[int(one.sum()), len(one) - int(one.sum())]]
    table.append([int(other.sum()), len(other) - int(other.sum())])
    assert stats.fisher_exact(table).pvalue > 0.001
    assert 0 < one.mean() < 1


def assert_same_distribution(one: list[float], other: list[float]) -> None:
    assert min(len(one), len(other)) > 100
    assert stats.ks_2samp(one, other).pvalue > 0.001


def drawn(ours: list[dict], change: int, name: str) -> list[list]:
    """What our change draws for each channel that it changes, one list for each draw."""
    return [[p[name] for p in draw["changes"][change] if p is not None] for draw in ours]


def flat(lists: list[list]) -> list[float]:
    return np.array([value for each in lists for value in each], float).ravel().tolist()


def test_rotation_and_scale_take_part_independently_with_the_same_ranges(ours, theirs):
    linear = [np.abs(draw["warp"].affine_part()[:3, :3]) for draw in ours]
    scales = np.array([np.cbrt(np.linalg.det(draw["warp"].affine_part()[:3, :3])) for draw in ours])
    scales = np.abs(scales)
    rotated = np.array([np.abs(m - np.diag(np.diag(m))).max() > 1e-9 for m in linear])
    scaled = np.abs(scales - 1) > 1e-9
    their_affines = [draw[0]["affine"] for draw in theirs]
    their_linear = [None if a is None else np.asarray(a)[:3, :3] for a in their_affines]
    their_scales = np.array([1.0 if m is None else np.cbrt(np.linalg.det(m)) for m in their_linear])
    their_rotated = np.array(
        [m is not None and np.abs(m - np.diag(np.diag(m))).max() > 1e-9 for m in their_linear]
    )
    assert_as_often(rotated, their_rotated)
    assert_as_often(scaled, np.abs(their_scales - 1) > 1e-9)
    assert_as_often(rotated & scaled, their_rotated & (np.abs(their_scales - 1) > 1e-9))
    assert_same_distribution(
        scales[scaled].tolist(), their_scales[np.abs(their_scales - 1) > 1e-9].tolist()
    )
    angle = [turn_of(m) for m, r in zip(signed(ours), rotated, strict=True) if r]
    their_angle = [turn_of(m) for m, r in zip(their_linear, their_rotated, strict=True) if r]
    assert_same_distribution(angle, their_angle)


def signed(ours: list[dict]) -> list[np.ndarray]:
    """The rotation of each warp with the mirrors taken off."""
    matrices = []
    for draw in ours:
        m = draw["warp"].affine_part()[:3, :3]
        matrices.append(np.sign(np.diag(m))[:, None] * m)
    return matrices


def turn_of(matrix: np.ndarray) -> float:
    """The angle of a rotation with a scale, in degrees."""
    rotation = matrix / np.cbrt(np.linalg.det(matrix))
    return float(np.rad2deg(np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1))))


@pytest.mark.parametrize("axis", range(3))
def test_each_axis_is_mirrored_as_often(ours, theirs, axis):
    mirrored = np.array([draw["warp"].affine_part()[axis, axis] < 0 for draw in ours])
    assert_as_often(mirrored, np.array([axis in draw[-1]["axes"] for draw in theirs]))


@pytest.mark.parametrize(
    "change", [NOISE, BLUR, BRIGHTNESS, CONTRAST, LOW_RESOLUTION, NEGATED, GAMMA]
)
def test_each_step_takes_part_as_often(ours, theirs, change):
    """Where no channel is chosen we do not count it as taking part; neither do we for them."""
    mine = np.array([bool(draw["changes"][change]) for draw in ours])
    other = []
    for draw in theirs:
        parameters = draw[1 + change]
        chosen = parameters.get("apply_to_channel", parameters.get("apply_idx"))
        other.append(bool(parameters) and int(torch.as_tensor(chosen).numel()) > 0)
        if change == BLUR and other[-1]:
            other[-1] = bool(torch.as_tensor(chosen).any())
    assert_as_often(mine, np.array(other))


def test_noise_has_one_deviation_for_all_channels(ours, theirs):
    stds = [each for each in drawn(ours, NOISE, "std") if each]
    assert all(len(set(each)) == 1 and len(each) == CHANNELS for each in stds)
    other = [float(draw[1 + NOISE]["sigmas"]) for draw in theirs if draw[1 + NOISE]]
    assert_same_distribution([each[0] for each in stds], other)


def test_blur_draws_each_axis_of_each_of_half_the_channels(ours, theirs):
    sigmas = drawn(ours, BLUR, "sigma_voxels")
    other = [draw[1 + BLUR]["sigmas"] for draw in theirs if draw[1 + BLUR]]
    assert_same_distribution(flat(sigmas), flat(other))
    assert len(set(flat(sigmas))) == len(flat(sigmas))
    fired = [len(each) for each in sigmas if each]
    assert_same_distribution(fired, [len(each) for each in other if len(each)])


@pytest.mark.parametrize(
    ("change", "ours_name", "theirs_name"),
    [
        (BRIGHTNESS, "factor", "multipliers"),
        (CONTRAST, "factor", "multipliers"),
        (NEGATED, "gamma", "gamma"),
        (GAMMA, "gamma", "gamma"),
    ],
)
def test_factors_are_drawn_for_each_channel(ours, theirs, change, ours_name, theirs_name):
    mine = drawn(ours, change, ours_name)
    other = [draw[1 + change][theirs_name].tolist() for draw in theirs if draw[1 + change]]
    assert all(len(each) == CHANNELS for each in [*other, *(each for each in mine if each)])
    assert_same_distribution(flat(mine), flat(other))


def test_gamma_is_of_the_negated_image_in_the_first_of_both_only(ours):
    assert set(flat(drawn(ours, NEGATED, "negated"))) == {1.0}
    assert set(flat(drawn(ours, GAMMA, "negated"))) == {0.0}


def test_low_resolution_has_one_factor_for_all_axes_of_each_of_half_the_channels(ours, theirs):
    shapes = drawn(ours, LOW_RESOLUTION, "shape")
    other = [
        [[round(n * s) for n, s in zip(PATCH, scales, strict=True)] for scales in draw.tolist()]
        for draw in (each[1 + LOW_RESOLUTION].get("scales", torch.empty(0)) for each in theirs)
    ]
    for axis in range(3):
        assert_same_distribution(
            [shape[axis] for each in shapes for shape in each],
            [shape[axis] for each in other for shape in each],
        )
    assert_same_distribution(
        [len(each) for each in shapes if each], [len(each) for each in other if each]
    )
