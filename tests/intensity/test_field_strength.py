"""The emulation of another field strength: each part against its formula."""

from __future__ import annotations

import math

import numpy as np
import pytest
from intensity.channels import FACTS, changed, sampled
from scipy import stats

from medaug.intensity import FieldStrength
from medaug.intensity.field_strength import GREY, WHITE, t1_seconds
from medaug.rng import generator
from medaug.transforms import RandFieldStrengthd

FLAT = [0.0] * 64


def quiet(**arguments) -> FieldStrength:
    return FieldStrength((3.0, 3.0), noise_std=0.0, **arguments)


def two_tissues() -> np.ndarray:
    """Half white, half grey matter as the model shows them at 3 T, and a corner of nothing."""
    effect = quiet()
    image = np.full((20, 20, 20), effect.signal_of(WHITE, 3.0), np.float32)
    image[10:] = effect.signal_of(GREY, 3.0)
    image[:2, :2, :2] = 0
    image[5, 5, 5] *= 1.5  # a vessel: the largest value is not the signal
    return 1000 * image


def test_t1_is_that_of_the_literature():
    """Rooney et al. 2007 measured 0.656, 1.010 and 1.220 s in white matter at 1.5, 4 and 7 T."""
    for tesla, seconds in ((1.5, 0.656), (4.0, 1.010), (7.0, 1.220)):
        assert t1_seconds(WHITE, tesla) == pytest.approx(seconds, rel=0.05)
    assert t1_seconds(GREY, 6.0) / t1_seconds(GREY, 3.0) == pytest.approx(2**0.376)


def test_the_signal_is_saturation_recovery_at_ninety_degrees_and_that_of_ernst_below():
    t1 = t1_seconds(WHITE, 3.0)
    recovered = 0.7 * (1 - math.exp(-0.5 / t1))
    assert quiet(tr_ms=500).signal_of(WHITE, 3.0) == pytest.approx(recovered)
    e = math.exp(-0.02 / t1)
    best = math.degrees(math.acos(e))  # the angle of Ernst
    signals = [
        quiet(tr_ms=20, flip_degrees=angle).signal_of(WHITE, 3.0)
        for angle in (best, best - 1, best + 1)
    ]
    assert signals[0] == max(signals)
    assert signals[0] == pytest.approx(0.7 * math.sqrt((1 - e) / (1 + e)))


@pytest.mark.parametrize("to_tesla", [0.5, 1.5, 7.0])
@pytest.mark.parametrize("offset", [0.0, -700.0])
def test_grey_and_white_get_the_contrast_of_the_other_field(to_tesla, offset):
    effect, image = quiet(), two_tissues()
    result = changed(effect, image + np.float32(offset), to_tesla=to_tesla, terms=FLAT, seed=1)
    result -= np.float32(offset)
    expected = effect.signal_of(GREY, to_tesla) / effect.signal_of(WHITE, to_tesla)
    assert result[-1, 0, 0] / result[0, 9, 9] == pytest.approx(expected, rel=1e-4)
    assert result[0, 0, 0] == pytest.approx(0, abs=1e-3)
    assert result[0, 9, 9] == pytest.approx(image[0, 9, 9], rel=1e-4)  # the level of the signal
    before = image[-1, 0, 0] / image[0, 9, 9]
    assert (expected > before) == (to_tesla < 3)  # at 500 ms, contrast grows with the field


def test_without_a_repetition_time_the_contrast_stays():
    image = two_tissues()
    result = changed(quiet(tr_ms=None), image, to_tesla=7.0, terms=FLAT, seed=1)
    np.testing.assert_array_equal(result, image)


@pytest.mark.parametrize("snr_exponent", [1.0, 1.65])
def test_noise_grows_as_the_field_to_its_power(snr_exponent):
    effect = FieldStrength((1, 3), snr_exponent=snr_exponent, tr_ms=None, noise_std=0.02)
    assert effect.noise_ratio(1.5) == pytest.approx(2**snr_exponent)
    image = np.full((40, 40, 40), 1000.0, np.float32)
    image[0, 0, 0], image[0, 0, 1] = 0, 1001
    image[1:, :, 20:] = 1000.5  # brighter than the mean: this is the signal
    result = changed(effect, image, to_tesla=1.5, terms=FLAT, seed=1)
    added = (result - image)[1:].ravel()
    std = 0.02 * 1000.5 * math.sqrt(4**snr_exponent - 1)
    # Of Rice's distribution with a signal far above the noise.
    normal = stats.norm(std**2 / 2000, std)
    assert stats.kstest(added[::7], normal.cdf).pvalue > 0.01
    assert added.std() == pytest.approx(std, rel=0.02)


def test_a_longer_t1_costs_signal():
    effect = quiet(tr_ms=500)
    signal = effect.signal_of(WHITE, 3.0) / effect.signal_of(WHITE, 1.5)
    assert signal < 1
    assert effect.noise_ratio(1.5) == pytest.approx(2 * signal)


def test_background_noise_is_that_of_a_magnitude():
    effect = FieldStrength((1, 3), tr_ms=None, noise_std=0.02)
    image = np.zeros((40, 40, 40), np.float32)
    image[20:] = 1000
    result = changed(effect, image, to_tesla=1.0, terms=FLAT, seed=1)
    scale = 0.02 * 1000 * math.sqrt(3**2 - 1)
    assert stats.kstest(result[:20].ravel()[::7], stats.rayleigh(0, scale).cdf).pvalue > 0.01


def test_no_noise_is_added_upwards():
    effect = FieldStrength((3, 7), tr_ms=None, noise_std=0.1)
    image = two_tissues()
    result = changed(effect, image, to_tesla=7.0, terms=FLAT, seed=1)
    np.testing.assert_array_equal(result, image)


def test_the_field_spans_so_much_for_each_tesla_more():
    effect = quiet(tr_ms=None, inhomogeneity_per_tesla=(0.1, 0.1))
    upwards = FieldStrength(
        (7.0, 7.0), tr_ms=None, noise_std=0.0, inhomogeneity_per_tesla=(0.1, 0.1)
    )
    image = np.full((33, 33, 33), 100.0, np.float32)
    image[16, 16, 16] = 0
    field = np.log(np.delete(sampled(upwards, generator(2), image).ravel(), 16 * (33**2 + 34)))
    assert np.ptp(field) == pytest.approx(0.4, rel=0.03)
    down = FieldStrength((1.0, 1.0), inhomogeneity_per_tesla=(0.1, 0.1))
    assert down.sample(generator(2), FACTS)["terms"] == FLAT
    assert effect.sample(generator(2), FACTS)["terms"] == FLAT


def test_the_same_field_is_no_change(rng):
    voxels = rng.normal(size=(8, 9, 10)).astype(np.float32)
    effect = FieldStrength((0.5, 7.0))
    result = changed(effect, voxels, to_tesla=3.0, terms=FLAT, seed=1)
    np.testing.assert_array_equal(result, voxels)
    weak = effect.at_magnitude(0.0)
    assert weak.to_tesla == (3.0, 3.0)
    np.testing.assert_array_equal(sampled(weak, generator(1), voxels), voxels)


def test_fields_are_drawn_evenly_and_nearer_at_half_the_magnitude():
    effect = FieldStrength((1.0, 3.0))
    drawn = [effect.sample(generator(seed), FACTS)["to_tesla"] for seed in range(300)]
    assert stats.kstest(drawn, stats.uniform(1, 2).cdf).pvalue > 0.01
    assert effect.at_magnitude(0.5).to_tesla == (2.0, 3.0)


@pytest.mark.parametrize("to_tesla", [0.5, 7.0])
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 7, 1), (5, 4, 1), (4, 5, 6)])
def test_odd_images_are_no_trouble(to_tesla, shape, rng):
    effect = FieldStrength((to_tesla, to_tesla))
    for voxels in (rng.normal(size=shape), np.zeros(shape), np.full(shape, -7.0)):
        result = sampled(effect, generator(1), voxels.astype(np.float32))
        assert np.isfinite(result).all()
    constant = np.full(shape, 5.0, np.float32)
    np.testing.assert_array_equal(sampled(effect, generator(1), constant), constant)
    bad = rng.normal(size=(6, 7, 8)).astype(np.float32)
    bad[1, 1, 1] = np.nan
    assert np.isfinite(sampled(effect, generator(1), bad)).sum() >= bad.size - 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"to_tesla": 0}, "positive"),
        ({"from_tesla": -1}, "positive"),
        ({"noise_std": -0.1}, "noise_std"),
        ({"tr_ms": 0}, "tr_ms"),
        ({"flip_degrees": 0}, "flip_degrees"),
        ({"tr_ms": 5000}, "T1-weighted"),
        ({"inhomogeneity_per_tesla": -0.1}, "inhomogeneity_per_tesla"),
    ],
)
def test_what_makes_no_sense_is_refused_when_built(arguments, message):
    with pytest.raises(ValueError, match=message):
        RandFieldStrengthd("image", **arguments)
