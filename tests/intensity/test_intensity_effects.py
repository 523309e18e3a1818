"""Each pointwise effect and each noise against its formula."""

from __future__ import annotations

import numpy as np
import pytest
from intensity.channels import FACTS, changed
from scipy import stats

from medaug.intensity import Contrast, Gamma, GaussianNoise, IntensityScale, RicianNoise
from medaug.rng import generator


@pytest.fixture
def image(rng) -> np.ndarray:
    return rng.gamma(2.0, size=(12, 14, 16)).astype(np.float32)


def ramp(low: float, high: float) -> np.ndarray:
    return np.linspace(low, high, 1000, dtype=np.float32).reshape(10, 10, 10)


def test_scaling_multiplies(image):
    np.testing.assert_allclose(
        changed(IntensityScale((1, 2)), image, factor=1.5), image * 1.5, rtol=1e-6
    )


def test_contrast_keeps_the_mean_and_scales_the_spread(image):
    result = changed(Contrast((1, 2)), image, factor=0.5)
    assert result.mean() == pytest.approx(image.mean(), rel=1e-5)
    assert result.std() == pytest.approx(image.std() * 0.5, rel=1e-5)


def test_gamma_of_a_ramp_is_the_power_curve_on_its_own_range():
    bent = changed(Gamma((0.5, 2)), ramp(-2, 6), gamma=1.7, negated=False)
    np.testing.assert_allclose(bent.ravel(), np.linspace(0, 1, 1000) ** 1.7 * 8 - 2, atol=1e-5)


def test_gamma_of_the_negated_image_bends_from_the_bright_end():
    bent = changed(Gamma((0.5, 2)), ramp(-2, 6), gamma=0.6, negated=True)
    np.testing.assert_allclose(bent.ravel(), 6 - np.linspace(1, 0, 1000) ** 0.6 * 8, atol=1e-5)


def test_gamma_restores_mean_and_deviation_on_request(image):
    bent = changed(Gamma((0.5, 2), keep_stats=True), image, gamma=0.6, negated=False)
    assert bent.mean() == pytest.approx(image.mean(), rel=1e-5)
    assert bent.std() == pytest.approx(image.std(), rel=1e-5)
    assert np.abs(bent - image).max() > 0.1


@pytest.mark.parametrize("keep_stats", [False, True])
def test_gamma_leaves_a_constant_channel(keep_stats):
    flat = np.full((5, 6, 7), 4.0, np.float32)
    bent = changed(Gamma((0.5, 2), keep_stats=keep_stats), flat, gamma=1.5, negated=False)
    np.testing.assert_array_equal(bent, flat)


@pytest.mark.parametrize("distribution", ["log_uniform", "balanced"])
def test_factors_are_as_often_below_one_as_above(distribution):
    effect = Gamma((0.5, 2), distribution)
    drawn = np.array([effect.sample(generator(n), FACTS)["gamma"] for n in range(400)])
    assert np.mean(drawn < 1) == pytest.approx(0.5, abs=0.07)
    assert 0.5 <= drawn.min() < 0.52
    assert 1.9 < drawn.max() <= 2


def test_noise_is_normal_with_the_drawn_deviation():
    flat = np.zeros((20, 30, 31), np.float32)
    noise = changed(GaussianNoise((0, 1)), flat, std=0.3, seed=5)
    assert stats.kstest(noise.ravel() / 0.3, "norm").pvalue > 0.01


@pytest.mark.parametrize("effect", [GaussianNoise((0, 1)), RicianNoise((0, 1))])
def test_noise_differs_between_channels_and_seeds_and_neighbours(effect):
    flat = np.zeros((20, 30, 30), np.float32)
    noise = changed(effect, flat, std=1.0, seed=5).ravel()
    for other in (
        changed(effect, flat, index=1, std=1.0, seed=5).ravel(),
        changed(effect, flat, std=1.0, seed=6).ravel(),
        np.roll(noise, 1),
        np.roll(noise, 512),
        np.roll(noise, 2048),
    ):
        assert abs(np.corrcoef(noise, other)[0, 1]) < 0.03


def test_noise_of_a_voxel_depends_on_its_place_alone():
    small, large = np.zeros((3, 30, 31), np.float32), np.zeros((20, 30, 31), np.float32)
    first, second = (changed(GaussianNoise((0, 1)), x, std=1.0, seed=5) for x in (small, large))
    np.testing.assert_array_equal(first, second[:3])


def test_rician_noise_without_signal_is_of_rayleighs_distribution():
    flat = np.zeros((30, 30, 30), np.float32)
    noise = changed(RicianNoise((0, 1)), flat, std=0.7, seed=3)
    assert stats.kstest(noise.ravel() / 0.7, "rayleigh").pvalue > 0.01
    assert noise.mean() == pytest.approx(0.7 * np.sqrt(np.pi / 2), rel=0.01)
    assert noise.var() == pytest.approx(0.49 * (2 - np.pi / 2), rel=0.03)


def test_rician_noise_on_a_signal_is_of_rices_distribution():
    flat = np.full((30, 30, 30), 5.0, np.float32)
    noise = changed(RicianNoise((0, 1), zero_is_low=False), flat, std=2.0, seed=3)
    assert stats.kstest(noise.ravel() / 2.0, "rice", args=(2.5,)).pvalue > 0.01


def test_rician_noise_may_start_at_the_smallest_value(image):
    low = image - 7
    noise = changed(RicianNoise((0, 1), zero_is_low=True), low, std=0.5, seed=3)
    from_zero = changed(RicianNoise((0, 1)), low - low.min(), std=0.5, seed=3)
    np.testing.assert_allclose(noise, from_zero + low.min(), atol=1e-5)
    assert noise.min() >= low.min()


@pytest.mark.parametrize("build", [IntensityScale, Contrast, Gamma])
def test_ranges_that_reach_zero_are_refused(build):
    with pytest.raises(ValueError, match="above 0"):
        build((0, 1))
