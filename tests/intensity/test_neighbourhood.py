"""Effects in which a voxel depends on its neighbours or its place, against their formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from intensity.channels import changed, sampled
from scipy import ndimage, special

from medaug.intensity import (
    BiasField,
    Blur,
    ImageFacts,
    LowResolution,
    Median,
    Sharpen,
    ThickSlices,
)
from medaug.intensity.coarse import expand
from medaug.rng import generator

SAME = ((1.0, 1.0),) * 3


@pytest.fixture
def voxels(rng) -> np.ndarray:
    return rng.normal(size=(17, 23, 40)).astype(np.float32)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_blurred_step_is_an_error_function(axis):
    step = np.zeros((40, 40, 40), np.float32)
    step[(slice(None),) * axis + (slice(20, None),)] = 1
    sigma = [0.0, 0.0, 0.0]
    sigma[axis] = 2.0
    line = np.moveaxis(changed(Blur(SAME), step, sigma_voxels=sigma), axis, 0)[:, 3, 7]
    expected = 0.5 * (1 + special.erf((np.arange(40) - 19.5) / (2.0 * np.sqrt(2))))
    np.testing.assert_allclose(line, expected, atol=0.003)  # the Gaussian is sampled at voxels


@pytest.mark.parametrize("sigma", [(0.5, 1.0, 0.8), (0, 2.3, 0), (5.0, 0.7, 14.0)])
def test_blur_agrees_with_scipy(voxels, sigma):
    expected = voxels.astype(float)
    for axis, s in enumerate(sigma):
        if s:
            radius = int(np.ceil(4 * s))
            expected = ndimage.gaussian_filter1d(expected, s, axis, mode="mirror", radius=radius)
    result = changed(Blur(SAME), voxels, sigma_voxels=list(sigma))
    np.testing.assert_allclose(result, expected, atol=2e-6)


def test_blur_in_millimetres_is_narrower_in_large_voxels_and_none_along_a_single_slice():
    facts = ImageFacts((20, 20, 1), (0.5, 2.0, 9.0))
    drawn = Blur(SAME).sample(generator(0), facts)["sigma_voxels"]
    assert drawn == [2.0, 0.5, 0.0]
    in_voxels = Blur(SAME, in_voxels=True).sample(generator(0), facts)["sigma_voxels"]
    assert in_voxels == [1.0, 1.0, 0.0]


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 7, 1), (3, 1, 2)])
def test_axes_of_one_voxel_are_no_trouble(shape, rng):
    voxels = rng.normal(size=shape).astype(np.float32)
    for effect in (
        Blur(((2.0, 2.0),) * 3),
        Sharpen((1, 1), (1, 1)),
        Median((2, 2)),
        LowResolution(((0.4, 0.4),) * 3),
        ThickSlices((3, 3)),
        BiasField((1, 1)),
    ):
        result = sampled(effect, generator(3), voxels)
        assert np.isfinite(result).all()
        assert result.shape == shape


def test_sharpening_adds_what_a_blur_takes_away(voxels):
    sigma = [1.0, 0.5, 0.8]
    blurred = changed(Blur(SAME), voxels, sigma_voxels=sigma)
    result = changed(Sharpen((1, 1), (1, 1)), voxels, amount=0.7, sigma_voxels=sigma)
    np.testing.assert_allclose(result, voxels + 0.7 * (voxels - blurred), atol=3e-6)


def test_the_median_takes_off_single_voxels_and_leaves_edges():
    edge = np.zeros((20, 20, 20), np.float32)
    edge[10:] = 1
    spoilt = edge.copy()
    spoilt[3, 4, 5], spoilt[15, 16, 17] = 9, -9
    np.testing.assert_array_equal(changed(Median((1, 1)), spoilt, size=[3, 3, 3]), edge)


def test_a_radius_between_two_is_one_of_them_at_random():
    facts = ImageFacts((20, 20, 1))
    sizes = [Median((1.25, 1.25)).sample(generator(n), facts)["size"] for n in range(400)]
    assert {tuple(size) for size in sizes} == {(3, 3, 1), (5, 5, 1)}
    assert np.mean([size[0] == 5 for size in sizes]) == pytest.approx(0.25, abs=0.06)


@pytest.mark.parametrize("shape", [(9, 14, 30), (17, 5, 1)])
def test_low_resolution_is_torchs_nearest_down_and_linear_up(voxels, shape):
    result = changed(LowResolution(SAME), voxels, shape=list(shape))
    interpolate = torch.nn.functional.interpolate
    coarse = interpolate(torch.from_numpy(voxels)[None, None], shape, mode="nearest-exact")
    fine = interpolate(coarse, voxels.shape, mode="trilinear")
    np.testing.assert_allclose(result, fine[0, 0].numpy(), atol=1e-5)


def test_interpolation_from_a_coarse_grid_keeps_a_ramp():
    fine = np.empty((30, 30, 30), np.float32)
    coarse = np.broadcast_to((np.arange(10) * 3 + 1.0)[:, None, None], (10, 10, 10))
    expand(np.ascontiguousarray(coarse, np.float32), fine)
    np.testing.assert_allclose(fine[1:-1, 4, 4], np.arange(1, 29), atol=1e-5)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_thick_slices_average_over_what_lies_in_them(rng, axis):
    voxels = rng.normal(size=(24, 24, 24)).astype(np.float32)
    result = np.moveaxis(changed(ThickSlices((1, 1)), voxels, axis=axis, slices=8), axis, 0)
    means = np.moveaxis(voxels, axis, 0).reshape(8, 3, 24, 24).mean(axis=1)
    np.testing.assert_allclose(result[1::3], means, atol=1e-5)


def test_slices_that_cut_voxels_share_them():
    voxels = np.array([1.0, 2.0, 3.0], np.float32).reshape(1, 1, 3)
    result = changed(ThickSlices((1, 1)), voxels, axis=2, slices=2)
    first, second = (1 * 1 + 0.5 * 2) / 1.5, (0.5 * 2 + 1 * 3) / 1.5
    np.testing.assert_allclose(result.ravel(), [first, (first + second) / 2, second], atol=1e-6)


def test_the_number_of_slices_follows_from_their_thickness():
    facts = ImageFacts((100, 60, 40), (1.0, 2.0, 5.0))
    for axis, slices in ((0, 25), (1, 30), (2, 40)):
        drawn = ThickSlices((4, 4), axis).sample(generator(0), facts)
        assert drawn == {"axis": axis, "slices": slices}
    axes = {ThickSlices((4, 4)).sample(generator(n), facts)["axis"] for n in range(30)}
    assert axes == {0, 1, 2}


@pytest.mark.parametrize("shape", [(20, 24, 28), (30, 30, 1)])
def test_a_bias_field_is_smooth_and_as_strong_as_asked_for(shape):
    for seed in range(10):
        field = sampled(
            BiasField((0.5, 0.5), zero_is_low=False), generator(seed), np.ones(shape, np.float32)
        )
        assert field.max() / field.min() == pytest.approx(1.5, rel=0.02)
        steps = [np.abs(np.diff(np.log(field), axis=axis)).max() for axis in (0, 1)]
        assert max(steps) < 0.1


def test_a_bias_field_may_start_at_the_smallest_value(voxels):
    terms = BiasField((0.5, 0.5)).sample(generator(1), ImageFacts(voxels.shape))["terms"]
    above = voxels - voxels.min()
    expected = changed(BiasField((0, 1), zero_is_low=False), above, terms=terms) + voxels.min()
    result = changed(BiasField((0, 1)), voxels, terms=terms)
    np.testing.assert_allclose(result, expected, atol=1e-5)
    assert result.min() == pytest.approx(voxels.min(), abs=1e-5)


def test_what_is_not_finite_spreads_no_further_than_a_filter_reaches(voxels):
    voxels[8, 11, 20] = np.nan
    for effect, parameters in (
        (Blur(SAME), {"sigma_voxels": [0.5] * 3}),
        (Sharpen((1, 1), (1, 1)), {"amount": 1.0, "sigma_voxels": [0.5] * 3}),
    ):
        result = changed(effect, voxels, **parameters)
        outside = np.ones(voxels.shape, bool)
        outside[6:11, 9:14, 18:23] = False
        assert np.isfinite(result[outside]).all()
