"""Each intensity effect against its formula."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from medaug.intensity import Gamma, ImageFacts, IntensityScale, Noise
from medaug.rng import generator

FACTS = ImageFacts(channels=3)


@pytest.fixture
def image(rng) -> np.ndarray:
    return rng.gamma(2.0, size=(3, 12, 14, 16)).astype(np.float32)


def test_scaling_about_zero_multiplies(image):
    scaled = IntensityScale((1, 2), "zero").apply(image, {"factor": [1.5]})
    np.testing.assert_allclose(scaled, image * 1.5, rtol=1e-6)


def test_scaling_about_the_mean_keeps_the_mean_and_scales_the_spread(image):
    scaled = IntensityScale((1, 2), "mean").apply(image, {"factor": [0.5, 1.0, 2.0]})
    np.testing.assert_allclose(scaled.mean((1, 2, 3)), image.mean((1, 2, 3)), rtol=1e-4)
    np.testing.assert_allclose(scaled.std((1, 2, 3)), image.std((1, 2, 3)) * [0.5, 1, 2], rtol=1e-4)


@pytest.mark.parametrize("effect", [IntensityScale((0.5, 2)), Gamma((0.5, 2)), Noise((0, 1))])
def test_shared_draws_one_number_and_per_channel_one_each(effect):
    per_channel = type(effect)(**{**vars(effect), "per_channel": True})
    (name, *_) = effect.sample(generator(0), FACTS)
    assert len(effect.sample(generator(0), FACTS)[name]) == 1
    assert len(set(per_channel.sample(generator(0), FACTS)[name])) == 3


def test_gamma_of_a_ramp_is_the_power_curve_on_its_own_range():
    ramp = np.linspace(-2, 6, 100, dtype=np.float32).reshape(1, 1, 10, 10)
    bent = Gamma((0.5, 2)).apply(ramp, {"gamma": [1.7]})
    unit = np.linspace(0, 1, 100)
    np.testing.assert_allclose(bent.ravel(), unit**1.7 * 8 - 2, atol=1e-5)


def test_gamma_restores_mean_and_deviation_on_request(image):
    bent = Gamma((0.5, 2), keep_stats=True).apply(image, {"gamma": [0.6]})
    np.testing.assert_allclose(bent.mean((1, 2, 3)), image.mean((1, 2, 3)), rtol=1e-4)
    np.testing.assert_allclose(bent.std((1, 2, 3)), image.std((1, 2, 3)), rtol=1e-4)
    assert np.abs(bent - image).max() > 0.1


def test_gamma_leaves_a_constant_channel(image):
    image[1] = 4.0
    for keep_stats in (False, True):
        bent = Gamma((0.5, 2), keep_stats=keep_stats).apply(image, {"gamma": [1.5]})
        np.testing.assert_array_equal(bent[1], image[1])
        assert np.isfinite(bent).all()


def test_gamma_is_as_often_below_one_as_above_on_a_symmetric_range():
    effect = Gamma((0.5, 2))
    drawn = [effect.sample(generator(seed), FACTS)["gamma"][0] for seed in range(400)]
    assert np.mean(np.array(drawn) < 1) == pytest.approx(0.5, abs=0.07)
    assert min(drawn) >= 0.5
    assert max(drawn) <= 2


def test_noise_is_normal_with_the_drawn_deviation_and_independent_between_channels():
    flat = np.zeros((2, 20, 30, 30), np.float32)
    noise = Noise((0, 1)).apply(flat, {"std": [0.3], "seed": 5})
    assert stats.kstest(noise.ravel() / 0.3, "norm").pvalue > 0.01
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.03


def test_noise_is_stored_as_a_seed_not_as_an_array():
    parameters = Noise((0, 1)).sample(generator(0), FACTS)
    assert set(parameters) == {"std", "seed"}
    assert isinstance(parameters["seed"], int)


@pytest.mark.parametrize("build", [lambda: IntensityScale((0, 1)), lambda: Gamma((0, 1))])
def test_ranges_that_reach_zero_are_refused(build):
    with pytest.raises(ValueError, match="above 0"):
        build()
