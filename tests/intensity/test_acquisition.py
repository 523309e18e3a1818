"""Effects of acquisition and storage, against their formulas."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from intensity.channels import FACTS, changed, sampled
from scipy import fft, ndimage, special, stats

from medaug.intensity import (
    BlockCompression,
    Ghosting,
    Gibbs,
    ImageFacts,
    MetalStreaks,
    Motion,
    QuantumNoise,
    Spikes,
)
from medaug.intensity.metal_streaks import HALF_MM, streak_pattern
from medaug.intensity.motion import CENTRE
from medaug.intensity.quantum_noise import WATER_PER_MM
from medaug.rng import generator
from medaug.transforms import (
    RandBlockCompressiond,
    RandGhostingd,
    RandGibbsd,
    RandMetalStreaksd,
    RandMotiond,
    RandQuantumNoised,
    RandSpiked,
)

HALF = ((0.5, 0.5),) * 3
TURN = ((-5.0, 5.0),) * 3
EFFECTS = [
    Gibbs(HALF),
    Gibbs(HALF, window="ellipsoid"),
    Ghosting((2, 4), (0.1, 0.2)),
    Motion(TURN, TURN, (6, 6)),
    Spikes((2, 2), (0.2, 0.2)),
    QuantumNoise((0.2, 0.2), reference_noise_hu=1.0),
    MetalStreaks((1.0, 1.0)),
    BlockCompression((20, 20)),
]
every_effect = pytest.mark.parametrize("effect", EFFECTS, ids=lambda e: type(e).__name__)


@pytest.fixture
def voxels(rng) -> np.ndarray:
    return ndimage.gaussian_filter(rng.normal(size=(20, 24, 30)), 1.0).astype(np.float32)


def step(n: int, axis: int) -> np.ndarray:
    shape = [3, 3, 3]
    shape[axis] = n
    image = np.zeros(shape, np.float32)
    np.moveaxis(image, axis, 0)[n // 2 :] = 1
    return image


# Gibbs ringing.


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_cut_step_is_a_sine_integral_and_overshoots_by_nine_percent(axis):
    keep = [1.0, 1.0, 1.0]
    keep[axis] = 1 / 16
    result = changed(Gibbs(HALF), step(1024, axis), keep=keep)
    line = np.moveaxis(result, axis, 0)[:, 1, 1]
    x = np.arange(1024) - 511.5
    expected = 0.5 + special.sici(np.pi * x / 16)[0] / np.pi
    near = np.abs(x) < 100
    np.testing.assert_allclose(line[near], expected[near], atol=0.01)
    assert line.max() - 1 == pytest.approx(0.0895, abs=0.002)
    assert -line.min() == pytest.approx(0.0895, abs=0.002)


def test_a_cut_keeps_low_waves_and_takes_high_ones():
    x = np.arange(32) + 0.5
    low, high = (np.cos(np.pi * waves * x / 32) for waves in (7, 9))
    image = (low + high).astype(np.float32).reshape(32, 1, 1)
    result = changed(Gibbs(HALF), image, keep=[0.25, 1, 1])
    np.testing.assert_allclose(result[:, 0, 0], low, atol=1e-6)


def test_an_ellipsoid_goes_through_the_corners(voxels):
    spectrum = fft.dctn(changed(Gibbs(HALF, window="ellipsoid"), voxels, keep=[0.6] * 3))
    where = np.indices(voxels.shape) / np.array(voxels.shape)[:, None, None, None]
    radius = np.sqrt((where**2).sum(axis=0))
    inside = radius <= 0.6 * np.sqrt(3)
    np.testing.assert_allclose(spectrum[inside], fft.dctn(voxels)[inside], atol=1e-3)
    np.testing.assert_allclose(spectrum[~inside], 0, atol=1e-3)
    assert 0.05 < (~inside).mean() < 0.9


def test_ringing_keeps_the_mean_and_a_constant_image(voxels):
    result = changed(Gibbs(HALF), voxels, keep=[0.3, 0.4, 0.5])
    assert result.mean() == pytest.approx(voxels.mean(), abs=1e-6)
    flat = np.full((9, 8, 7), 3.0, np.float32)
    np.testing.assert_allclose(changed(Gibbs(HALF), flat, keep=[0.3, 0.4, 0.5]), 3, rtol=1e-6)


# Ghosts.


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("ghosts", [2, 3, 4])
def test_ghosts_are_copies_shifted_by_a_part_of_the_axis(rng, axis, ghosts):
    voxels = rng.normal(size=(12, 24, 36)).astype(np.float32)
    effect = Ghosting((2, 2), (0, 0), centre=0.0)
    result = changed(effect, voxels, axis=axis, ghosts=ghosts, intensity=0.2)
    n = voxels.shape[axis]
    expected = voxels + 0.2 * sum(np.roll(voxels, m * n // ghosts, axis) for m in range(1, ghosts))
    np.testing.assert_allclose(result, expected, atol=3e-6)


def test_the_centre_of_k_space_has_no_ghosts(voxels):
    effect = Ghosting((2, 2), (0, 0), centre=0.2)
    result = changed(effect, voxels, axis=2, ghosts=2, intensity=-0.3)
    before, after = fft.rfft(voxels, axis=2), fft.rfft(result, axis=2)
    np.testing.assert_allclose(after[..., :3], before[..., :3], atol=1e-4)  # 0.1 * 30 lines
    np.testing.assert_allclose(after[..., 3], 1.3 * before[..., 3], atol=1e-4)
    np.testing.assert_allclose(after[..., 4], 0.7 * before[..., 4], atol=1e-4)


def test_numbers_and_signs_of_ghosts_are_drawn_evenly():
    effect = Ghosting((2, 4), (0.1, 0.2), axis=1)
    drawn = [effect.sample(generator(seed), FACTS) for seed in range(600)]
    counts = np.bincount([one["ghosts"] for one in drawn])[2:]
    assert len(counts) == 3
    assert stats.chisquare(counts).pvalue > 0.01
    sizes = [abs(one["intensity"]) for one in drawn]
    assert stats.kstest(sizes, stats.uniform(0.1, 0.1).cdf).pvalue > 0.01
    assert 250 < sum(one["intensity"] > 0 for one in drawn) < 350
    assert {one["axis"] for one in drawn} == {1}


# Motion.


def pose(lines, degrees=(0, 0, 0), translate_mm=(0, 0, 0)):
    return {"degrees": list(degrees), "translate_mm": list(translate_mm), "lines": list(lines)}


@pytest.mark.parametrize("lines", [(0.0, 0.2), (0.8, 1.0)])
def test_a_shift_while_some_lines_are_read_turns_their_phase(lines):
    """For whole voxels and an empty border the shifted image is known, and so is its k-space."""
    image = np.zeros((32, 24, 8), np.float32)
    image[10:16, 8:13, 3:5] = 1
    poses = [pose(lines, translate_mm=[6, 0, 0])]
    result = changed(
        Motion(TURN, TURN, (1, 1)), image, spacing_mm=(2.0, 1.0, 1.0), axis=1, poses=poses
    )
    still, shifted = fft.fft(image, axis=1), fft.fft(np.roll(image, 3, 0), axis=1)
    place = (fft.fftfreq(24) + 0.5)[:, None]
    expected = fft.ifft(
        np.where((place >= lines[0]) & (place < lines[1]), shifted, still), axis=1
    ).real
    np.testing.assert_allclose(result, expected, atol=1e-5)
    assert np.abs(result - image).max() > 0.05


def test_a_turned_pose_is_what_the_resampler_makes_of_it():
    image = np.zeros((33, 33, 1), np.float32)
    image[16, 20:30] = 1  # an arm along the second axis
    poses = [pose([0.0, 1.0], degrees=[0, 0, 90])]
    result = changed(Motion(TURN, TURN, (1, 1)), image, axis=0, poses=poses)
    expected = np.zeros_like(image)
    expected[3:13, 16] = 1  # the first axis turns towards the second, and that one backwards
    np.testing.assert_allclose(result, expected, atol=1e-4)


def test_the_centre_of_k_space_is_read_in_the_pose_of_the_label():
    effect = Motion(TURN, TURN, (0, 6))
    for seed in range(200):
        poses = effect.sample(generator(seed), FACTS)["poses"]
        parts = [one["lines"] for one in poses]
        assert all(a <= b for a, b in parts)
        assert all(b <= 0.5 - CENTRE / 2 or a >= 0.5 + CENTRE / 2 for a, b in parts)
        assert all(first[1] <= second[0] for first, second in pairwise(parts))
        assert not parts or parts[0][0] == 0 or parts[-1][1] == 1


def test_motion_leaves_the_mean_where_nothing_comes_in_from_outside():
    image = np.zeros((24, 24, 24), np.float32)
    image[8:16, 8:16, 8:16] = 1
    result = sampled(Motion(TURN, ((-2, 2),) * 3, (5, 5)), generator(1), image)
    assert result.mean() == pytest.approx(image.mean(), abs=1e-6)
    assert np.abs(result - image).max() > 0.05
    centre = ndimage.center_of_mass(np.maximum(result, 0))
    np.testing.assert_allclose(centre, [11.5] * 3, atol=0.25)


def test_a_flat_image_does_not_leave_its_plane():
    poses = Motion(TURN, TURN, (6, 6)).sample(generator(0), ImageFacts((20, 20, 1)))["poses"]
    for one in poses:
        assert one["degrees"][:2] == [0, 0]
        assert one["translate_mm"][2] == 0
        assert one["degrees"][2] != 0


# Spikes.


def test_a_spike_is_a_plane_wave_relative_to_the_largest_coefficient():
    image = np.full((16, 12, 10), 5.0, np.float32)  # its largest coefficient is 5 a voxel
    spike = {"waves": [3, -2, 1], "phase": 0.7, "intensity": 0.2}
    result = changed(Spikes((1, 1), (0, 1)), image, spikes=[spike])
    i, j, k = np.indices(image.shape)
    expected = 5 + np.cos(2 * np.pi * (3 * i / 16 - 2 * j / 12 + k / 10) + 0.7)
    np.testing.assert_allclose(result, expected, atol=1e-5)


def test_spikes_keep_away_from_the_centre_and_stay_within_k_space():
    effect = Spikes((1, 3), (0.1, 0.5))
    half = np.array(FACTS.shape) // 2
    for seed in range(100):
        for spike in effect.sample(generator(seed), FACTS)["spikes"]:
            assert np.all(np.abs(spike["waves"]) <= half)
            assert np.linalg.norm(spike["waves"] / half) > 0.02
    flat = effect.sample(generator(0), ImageFacts((20, 20, 1)))["spikes"]
    assert all(spike["waves"][2] == 0 and any(spike["waves"]) for spike in flat)


# Quantum noise.


@pytest.mark.parametrize("dose", [0.5, 0.1])
def test_quantum_noise_adds_what_the_dose_lacks(dose):
    water = np.zeros((64, 64, 24), np.float32)
    noise = changed(QuantumNoise((1, 1), reference_noise_hu=10.0), water, dose=dose, seed=3)
    assert noise.std() == pytest.approx(10 * np.sqrt(1 / dose - 1), rel=0.02)
    assert stats.kstest(noise[::8, ::8].ravel() / noise.std(), "norm").pvalue > 0.01


def test_quantum_noise_is_in_the_units_of_the_image():
    scaled = np.full((48, 48, 8), 0.5, np.float32)  # water, where 0 is air
    effect = QuantumNoise((1, 1), reference_noise_hu=10.0, air=0.0, water=0.5)
    noise = changed(effect, scaled, dose=0.5, seed=3) - scaled
    assert noise.std() == pytest.approx(10 * 0.5 / 1000, rel=0.05)


@pytest.mark.parametrize("modulation", [0.0, 0.5, 1.0])
def test_the_variance_grows_with_the_exponential_of_the_thickness(modulation):
    phantom = np.full((128, 128, 2), -1000.0, np.float32)
    i, j = np.indices((128, 128)) - 63.5
    radii = (20, 60)
    for k, radius in enumerate(radii):
        phantom[np.hypot(i, j) < radius, k] = 0
    effect = QuantumNoise((1, 1), reference_noise_hu=10.0, modulation=modulation)
    noise = changed(effect, phantom, spacing_mm=(2.0, 2.0, 5.0), dose=0.5, seed=3) - phantom
    thin, thick = noise.std(axis=(0, 1)) ** 2
    difference_mm = 2.0 * 2 * (radii[1] - radii[0])
    expected = np.exp((1 - modulation) * WATER_PER_MM * difference_mm)
    assert thick / thin == pytest.approx(expected, rel=0.08)


def test_the_spectrum_of_quantum_noise_is_that_of_filtered_backprojection():
    effect = QuantumNoise((1, 1), kernel_mm=0.5, slice_axis=0)
    noise = changed(effect, np.zeros((200, 64, 64), np.float32), dose=0.5, seed=1)
    power = (np.abs(fft.fft2(noise, axes=(1, 2))) ** 2).mean(axis=0)
    frequency = np.hypot(fft.fftfreq(64)[:, None], fft.fftfreq(64))
    expected = frequency * np.exp(-((np.pi * frequency) ** 2))
    ratio = power / power.sum() * expected.sum() / np.where(expected > 0, expected, 1)
    assert power[0, 0] < 1e-3 * power.mean()
    for low in (0.05, 0.15, 0.25, 0.35, 0.45):
        ring = (frequency > low) & (frequency < low + 0.1)
        assert ratio[ring].mean() == pytest.approx(1, abs=0.03)
    between = np.corrcoef(noise[:-1].ravel(), noise[1:].ravel())[0, 1]
    assert abs(between) < 0.01


def test_quantum_noise_differs_between_channels_and_not_between_calls():
    water = np.zeros((32, 32, 4), np.float32)
    effect = QuantumNoise((1, 1))
    first, again, other = (
        changed(effect, water, dose=0.5, seed=3, index=index) for index in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert abs(np.corrcoef(first.ravel(), other.ravel())[0, 1]) < 0.05


# Metal.


def test_a_streak_goes_both_ways_and_fades():
    x = np.array([10.0, -10.0, 40.0, 0.0])
    strength = streak_pattern(x, np.zeros(4), [[0.0, 5.0, 0.8]])
    np.testing.assert_allclose(strength[:2], 0.8 / (1 + 10 / HALF_MM))
    np.testing.assert_allclose(strength[2], 0.4)
    beside = streak_pattern(*(40 * f(np.deg2rad(5.0)) for f in (np.cos, np.sin)), [[0, 5, 1]])
    np.testing.assert_allclose(beside, 0.5 * np.exp(-0.5))


@pytest.mark.parametrize(("in_hu", "unit"), [(True, 1.0), (False, 30.0)])
def test_streaks_are_in_units_of_the_image_or_its_spread(rng, in_hu, unit):
    voxels = rng.normal(0, 30, (64, 64, 9)).astype(np.float32)
    metal = {"place": [20, 32, 4], "radius_mm": 2.0, "streaks": [[0.0, 3.0, 0.5]]}
    added = changed(MetalStreaks((1, 1), in_hu), voxels, amplitude=2.0, metals=[metal]) - voxels
    assert added[60, 32, 4] == pytest.approx(unit * 2 * 0.5 / 2, rel=0.02)
    assert added[60, 32, 6] == pytest.approx(added[60, 32, 4] * np.exp(-0.5), rel=0.02)
    np.testing.assert_allclose(added[20, 34:, 4] * 0, 0)
    assert np.abs(added[20, 40:, 4]).max() < 1e-3  # across the streak


def test_metal_is_as_bright_as_the_brightest_voxel(rng):
    voxels = rng.normal(0, 30, (40, 40, 9)).astype(np.float32)
    metal = {"place": [20, 20, 4], "radius_mm": 3.0, "streaks": []}
    result = changed(MetalStreaks((1, 1)), voxels, amplitude=1.0, metals=[metal])
    i, j, k = np.indices(voxels.shape) - np.array([20, 20, 4])[:, None, None, None]
    distance = np.sqrt(i**2 + j**2 + k**2)
    np.testing.assert_array_equal(result[distance < 2.5], voxels.max())
    np.testing.assert_array_equal(result[distance > 3.5], voxels[distance > 3.5])


def test_a_dark_streak_lies_between_two_metals():
    effect = MetalStreaks((1, 1), metals=(2, 2), streaks=(0, 0), slice_axis=0)
    first, second = effect.sample(generator(4), FACTS)["metals"]
    step_mm = np.subtract(second["place"], first["place"])
    assert step_mm[0] == 0
    (angle, _, strength) = first["streaks"][0]
    assert strength == -1
    assert np.tan(np.deg2rad(angle)) == pytest.approx(step_mm[2] / step_mm[1])


# Compression.


def test_blocks_are_rounded_to_the_steps_of_the_formula(rng):
    voxels = rng.random((16, 24, 8)).astype(np.float32)
    voxels.flat[:2] = 0, 1
    result = changed(BlockCompression((50, 50)), voxels, quality=50)
    u = sum(np.indices((8, 8, 8)))
    expected = np.empty_like(voxels)
    for i in range(0, 16, 8):
        for j in range(0, 24, 8):
            block = fft.dctn(255.0 * voxels[i : i + 8, j : j + 8].astype(float), norm="ortho")
            block = np.round(block / (16 + 6 * u)) * (16 + 6 * u)
            expected[i : i + 8, j : j + 8] = fft.idctn(block, norm="ortho") / 255
    off = np.abs(result - np.clip(expected, 0, 1))
    assert np.quantile(off, 0.99) < 1e-5  # but for a coefficient halfway between two steps


def test_a_flat_image_has_flat_blocks(rng):
    voxels = rng.random((16, 8, 1)).astype(np.float32)
    voxels.flat[:2] = 0, 1
    result = changed(BlockCompression((50, 50)), voxels, quality=20)
    u = sum(np.indices((8, 8)))
    block = fft.dctn(255.0 * voxels[8:, :, 0].astype(float), norm="ortho")
    steps = 2.5 * (16 + 6 * u)
    expected = fft.idctn(np.round(block / steps) * steps, norm="ortho") / 255
    np.testing.assert_allclose(result[8:, :, 0], np.clip(expected, 0, 1), atol=1e-5)


def test_lower_quality_is_further_from_the_image_and_an_empty_background_stays(voxels):
    voxels = np.maximum(voxels, 0)
    voxels[:8, :8] = 0
    errors = []
    for quality in (95, 75, 50, 20, 5):
        result = changed(BlockCompression((1, 1)), voxels, quality=quality)
        errors.append(np.abs(result - voxels).mean())
        assert not result[:8, :8].any()
        assert result.min() >= 0
        assert result.max() <= voxels.max() * (1 + 1e-6)
    assert errors == sorted(errors)
    assert errors[0] < 0.1 * errors[-1]


def test_no_magnitude_leaves_the_range_of_quality():
    for magnitude in np.linspace(0, 1, 1001):
        assert BlockCompression((50, 100)).at_magnitude(magnitude).quality[1] <= 100


# All of them.


@every_effect
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 7, 1), (5, 1, 2), (2, 2, 2), (9, 10, 1)])
def test_axes_of_one_voxel_are_no_trouble(effect, shape, rng):
    voxels = rng.normal(size=shape).astype(np.float32)
    result = sampled(effect, generator(3), voxels)
    assert np.isfinite(result).all()
    assert result.shape == shape


@every_effect
def test_a_voxel_that_is_not_finite_spoils_no_other(effect, voxels):
    bad = voxels.copy()
    bad[3, 4, 5], bad[6, 7, 8], bad[9, 9, 9] = np.nan, np.inf, -np.inf
    result = sampled(effect, generator(3), bad)
    assert np.isfinite(result).sum() >= voxels.size - 3
    assert np.isnan(result[3, 4, 5])


@every_effect
@pytest.mark.parametrize("value", [0.0, -3.0, 1e30, 3e38])
def test_no_value_is_too_large_and_a_constant_image_is_no_trouble(effect, value):
    voxels = np.full((9, 10, 11), value, np.float32)
    assert np.isfinite(sampled(effect, generator(3), voxels)).all()
    voxels[4] *= np.float32(-0.5)
    assert np.isfinite(sampled(effect, generator(3), voxels)).all()


@every_effect
def test_no_magnitude_changes_nothing(effect, voxels):
    result = sampled(effect.at_magnitude(0.0), generator(3), voxels)
    np.testing.assert_array_equal(result, voxels)
    assert effect.at_magnitude(1.0) == effect


@every_effect
def test_only_the_foreground_changes(effect, voxels):
    mask = np.zeros(voxels.shape, np.uint8)
    mask[5:15] = 1
    result = sampled(effect, generator(3), voxels, mask=mask)
    np.testing.assert_array_equal(result[mask == 0], voxels[mask == 0])
    assert not np.array_equal(result, voxels)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: RandGibbsd("image", keep=1.2), "keep"),
        (lambda: RandGibbsd("image", window="round"), "window"),
        (lambda: RandGhostingd("image", ghosts=1), "ghosts"),
        (lambda: RandGhostingd("image", ghosts=(2, 3.5)), "ghosts"),
        (lambda: RandGhostingd("image", axis=3), "axis"),
        (lambda: RandMotiond("image", movements=-1), "movements"),
        (lambda: RandMotiond("image", axis=-2), "axis"),
        (lambda: RandSpiked("image", spikes=0.5), "spikes"),
        (lambda: RandQuantumNoised("image", dose=0), "dose"),
        (lambda: RandQuantumNoised("image", dose=1.5), "dose"),
        (lambda: RandQuantumNoised("image", air=0), "water"),
        (lambda: RandQuantumNoised("image", slice_axis=3), "slice_axis"),
        (lambda: RandQuantumNoised("image", reference_noise_hu=-1), "reference_noise_hu"),
        (lambda: RandMetalStreaksd("image", amplitude=1, amplitude_hu=9), "amplitude"),
        (lambda: RandMetalStreaksd("image", metals=3), "metals"),
        (lambda: RandMetalStreaksd("image", slice_axis=-1), "slice_axis"),
        (lambda: RandBlockCompressiond("image", quality=0), "quality"),
        (lambda: RandBlockCompressiond("image", quality=(50, 101)), "quality"),
    ],
)
def test_what_makes_no_sense_is_refused_when_built(build, message):
    with pytest.raises(ValueError, match=message):
        build()
