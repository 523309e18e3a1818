"""Poisson noise against its distribution."""

from __future__ import annotations

import numpy as np
import pytest
from intensity.channels import FACTS, changed, sampled
from scipy import stats

from medaug.intensity import PoissonNoise
from medaug.rng import generator

NOISE = PoissonNoise((10, 1000))


def two_levels(share: float, low: float = -2.0, high: float = 6.0) -> np.ndarray:
    """A channel at ``share`` of its range but for its two extremes."""
    voxels = np.full((20, 30, 40), low + share * (high - low), np.float32)
    voxels[0, 0, :2] = low, high
    return voxels


def counts(voxels: np.ndarray, peak: float, seed: int = 3, **kwargs) -> np.ndarray:
    """Photons in each voxel from the third on."""
    noisy = changed(NOISE, voxels, relative_std=peak**-0.5, seed=seed, **kwargs)
    return (noisy.astype(np.float64).ravel()[2:] + 2) / 8 * peak


@pytest.mark.parametrize(("share", "peak"), [(0.1, 16), (0.5, 10), (0.9, 64)])
def test_counts_are_of_poissons_distribution(share, peak):
    found = counts(two_levels(share), peak)
    whole = np.rint(found).astype(int)
    np.testing.assert_allclose(found, whole, atol=1e-3)
    expected = stats.poisson(share * peak).pmf(np.arange(whole.max() + 1)) * len(whole)
    common = expected > 10
    seen = np.bincount(whole)[common]
    # What is rare goes into one bin of its own.
    seen = np.append(seen, len(whole) - seen.sum())
    expected = np.append(expected[common], len(whole) - expected[common].sum())
    assert stats.chisquare(seen, expected).pvalue > 0.01


def test_without_signal_there_is_no_noise():
    assert np.all(counts(two_levels(0.0), 50) == 0)


def test_the_drawn_deviation_is_that_of_the_brightest():
    found = counts(two_levels(1.0), 400)
    assert found.std() / found.mean() == pytest.approx(400**-0.5, rel=0.02)


def test_noise_is_uniform_between_what_the_ends_of_the_range_give():
    drawn = [NOISE.sample(generator(n), FACTS)["relative_std"] for n in range(500)]
    low, high = 1000**-0.5, 10**-0.5
    assert stats.kstest(drawn, stats.uniform(low, high - low).cdf).pvalue > 0.01


def test_noise_is_proportional_to_the_magnitude():
    halved = NOISE.at_magnitude(0.5)
    for seed in range(5):
        one, other = (effect.sample(generator(seed), FACTS) for effect in (NOISE, halved))
        assert other["relative_std"] == pytest.approx(one["relative_std"] / 2)


def test_magnitude_zero_changes_no_bit(rng):
    image = rng.normal(size=(6, 7, 8)).astype(np.float32)
    np.testing.assert_array_equal(sampled(NOISE.at_magnitude(0), generator(1), image), image)


def test_channels_and_seeds_differ_and_the_same_seed_does_not():
    voxels = two_levels(0.5)
    one = counts(voxels, 100)
    np.testing.assert_array_equal(one, counts(voxels, 100))
    for other in (counts(voxels, 100, seed=4), counts(voxels, 100, index=1)):
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.03


def test_a_constant_channel_stays():
    flat = np.full((3, 4, 5), 7.0, np.float32)
    np.testing.assert_array_equal(changed(NOISE, flat, relative_std=0.3, seed=1), flat)


def test_voxels_without_a_number_stay_and_do_not_spoil_the_others():
    voxels = two_levels(0.5)
    voxels[2, 3, :3] = np.nan, np.inf, -np.inf
    noisy = changed(NOISE, voxels, relative_std=0.1, seed=1)
    np.testing.assert_array_equal(noisy[2, 3, :3], voxels[2, 3, :3])
    rest = np.isfinite(voxels)
    assert np.all(np.isfinite(noisy[rest]))
    assert noisy[rest].mean() == pytest.approx(2.0, abs=0.02)


def test_outside_of_the_foreground_nothing_changes_however_bright_it_is():
    voxels = two_levels(0.5)
    mask = np.zeros(voxels.shape, bool)
    mask[:10] = True
    voxels[10:] = 1e30
    noisy = changed(NOISE, voxels, mask=mask, relative_std=0.1, seed=1)
    np.testing.assert_array_equal(noisy[10:], voxels[10:])
    assert noisy[:10].std() == pytest.approx(8 * np.sqrt(50) / 100, rel=0.05)


def test_photons_that_no_float_can_tell_apart_are_not_counted():
    voxels = two_levels(0.5)
    np.testing.assert_array_equal(changed(NOISE, voxels, relative_std=1e-12, seed=1), voxels)


def test_a_peak_without_photons_is_refused():
    with pytest.raises(ValueError, match="peak"):
        PoissonNoise((0, 10))
