"""Curves over the range of a channel against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from intensity.channels import FACTS, changed, sampled
from monai.transforms import RandHistogramShift

from medaug.intensity import HistogramShift, MonotoneCurve, NonlinearCurve
from medaug.rng import generator

SHIFT = HistogramShift((3, 9))
MONOTONE = MonotoneCurve((0, 1))
NONLINEAR = NonlinearCurve((0, 1))
EVERY = pytest.mark.parametrize("effect", [SHIFT, MONOTONE, NONLINEAR])
SEEDS = range(30)


@pytest.fixture
def image(rng) -> np.ndarray:
    return rng.gamma(2.0, 20.0, size=(12, 14, 16)).astype(np.float32)


def ramp(low: float, high: float) -> np.ndarray:
    return np.linspace(low, high, 1001, dtype=np.float32).reshape(7, 11, 13)


def test_a_histogram_shift_is_linear_between_its_control_points():
    # 0, 5 and 10 go to 0, 2.5 and 10: the slopes are 1/2 and 3/2.
    x = np.linspace(0, 10, 1001)
    bent = changed(SHIFT, ramp(0, 10), moved=[0, 0.25, 1]).ravel()
    np.testing.assert_allclose(bent, np.where(x < 5, x / 2, 2.5 + (x - 5) * 1.5), atol=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_a_histogram_shift_is_monais(image, seed):
    theirs = RandHistogramShift(10, prob=1.0).set_random_state(seed)
    expected = theirs(image)
    bent = changed(SHIFT, image, moved=theirs.floating_control_points.tolist())
    np.testing.assert_allclose(bent, expected, atol=5e-6 * np.ptp(image))
    assert np.abs(bent - image).max() > 0.02 * np.ptp(image)


def test_control_points_are_moved_as_monai_draws_them():
    """With three points the middle one is uniform; with four the third depends on the second."""
    moved = np.array(
        [HistogramShift((4, 4)).sample(generator(n), FACTS)["moved"] for n in range(3000)]
    )
    assert np.all(moved[:, 0] == 0)
    assert np.all(moved[:, 3] == 1)
    second, third = moved[:, 1], moved[:, 2]
    assert second.mean() == pytest.approx(1 / 3, abs=0.01)  # uniform from 0 to 2/3
    assert second.max() == pytest.approx(2 / 3, abs=0.01)
    assert third.mean() == pytest.approx(2 / 3, abs=0.01)  # uniform from the second to 1
    assert np.all(third >= second)


def test_the_number_of_control_points_includes_both_ends_of_its_range():
    counts = {len(SHIFT.sample(generator(n), FACTS)["moved"]) for n in range(200)}
    assert counts == set(range(3, 10))
    counts = {len(NONLINEAR.sample(generator(n), FACTS)["values"]) for n in range(200)}
    assert counts == {4, 5, 6, 7}


def test_a_bezier_curve_passes_through_its_points():
    """At t = 1/2, x and y are (3 first + 3 second + 1) / 8: here (0.5, 0.3125)."""
    points = [[0.4, 0.1], [0.6, 0.4]]
    bent = changed(MONOTONE, ramp(-4, 4), points=points).ravel()
    assert bent[500] == pytest.approx(-4 + 8 * 0.3125, abs=1e-4)
    # At t = 1/4: weights 27, 27, 9, 1 of 64.
    x = (27 * 0.4 + 9 * 0.6 + 1) / 64
    y = (27 * 0.1 + 9 * 0.4 + 1) / 64
    np.testing.assert_allclose(
        np.interp(-4 + 8 * x, ramp(-4, 4).ravel(), bent), -4 + 8 * y, atol=1e-3
    )


@pytest.mark.parametrize("effect", [SHIFT, MONOTONE])
def test_monotone_curves_keep_order_and_ends(effect):
    for seed in SEEDS:
        bent = sampled(effect, generator(seed), ramp(-3, 90)).ravel()
        assert np.all(np.diff(bent) >= -1e-5)
        assert bent[0] == pytest.approx(-3, abs=1e-4)
        assert bent[-1] == pytest.approx(90, abs=1e-4)


def test_the_steepest_bezier_curves_are_finite_and_keep_order():
    for points in ([[0, 1], [0, 1]], [[1, 0], [1, 0]], [[1, 0], [0, 1]], [[0, 1], [1, 0]]):
        bent = changed(MONOTONE, ramp(0, 1), points=points).ravel()
        assert np.all(np.isfinite(bent))
        assert np.all(np.diff(bent) >= -1e-6)


def test_a_nonlinear_curve_keeps_mean_and_deviation(image):
    for seed in SEEDS:
        bent = sampled(NONLINEAR, generator(seed), image)
        assert bent.mean() == pytest.approx(image.mean(), rel=1e-4)
        assert bent.std() == pytest.approx(image.std(), rel=1e-4)


def test_a_nonlinear_curve_is_a_blend_up_to_a_linear_change():
    """Half of the bump 0, 1, 0 and half of the ramp pass (0, 0), (1/2, 3/4) and (1, 1/2)."""
    bent = changed(NONLINEAR, ramp(0, 8), strength=0.5, values=[0.0, 1.0, 0.0]).ravel()
    low, middle, high = bent[[0, 500, 1000]]
    assert (middle - low) / (high - low) == pytest.approx(1.5, abs=1e-4)


def test_nonlinear_curves_often_change_the_order_and_never_what_is_lowest():
    disorder = 0
    for seed in SEEDS:
        bent = changed(
            NONLINEAR, ramp(0, 1), **{**NONLINEAR.sample(generator(seed), FACTS), "strength": 0.9}
        )
        disorder += bool(np.diff(bent.ravel()).min() < -1e-4)
        assert bent.argmin() == 0
    assert disorder > 15


@EVERY
def test_a_curve_leaves_a_constant_channel(effect):
    flat = np.full((5, 6, 7), 4.0, np.float32)
    for seed in range(5):
        np.testing.assert_array_equal(sampled(effect, generator(seed), flat), flat)


@EVERY
def test_magnitude_zero_changes_no_bit(effect, image):
    weak = effect.at_magnitude(0)
    for seed in range(5):
        np.testing.assert_array_equal(sampled(weak, generator(seed), image), image)


@EVERY
def test_half_the_magnitude_changes_less(effect, image):
    def change(magnitude: float) -> float:
        seeds = (generator(seed) for seed in SEEDS)
        return np.mean(
            [
                np.abs(sampled(effect.at_magnitude(magnitude), rng, image) - image).mean()
                for rng in seeds
            ]
        )

    assert 0.2 * change(1) < change(0.5) < 0.8 * change(1)


@EVERY
def test_voxels_without_a_number_do_not_spoil_the_others(effect, image):
    holed = image.copy()
    holed[0, 0, :2] = np.nan, np.inf
    parameters = effect.sample(generator(4), FACTS)
    rest = np.isfinite(holed)
    bent = changed(effect, holed, **parameters)
    assert np.all(np.isfinite(bent[rest]))
    assert np.isnan(bent[0, 0, 0])
    assert np.abs(bent - image)[rest].max() > 0


@EVERY
def test_only_the_foreground_changes_and_only_its_range_counts(effect, image):
    mask = np.zeros(image.shape, bool)
    mask[3:9, 4:10] = True
    parameters = effect.sample(generator(4), FACTS)
    inside = np.ascontiguousarray(image[3:9, 4:10])
    bent = changed(effect, image, mask=mask, **parameters)
    np.testing.assert_array_equal(bent[~mask], image[~mask])
    np.testing.assert_allclose(bent[3:9, 4:10], changed(effect, inside, **parameters), rtol=1e-3)


@pytest.mark.parametrize(
    "build",
    [
        lambda: HistogramShift((2, 4)),
        lambda: HistogramShift((3.5, 4)),
        lambda: HistogramShift((3, 4), (0, 1.5)),
        lambda: MonotoneCurve((-0.5, 0.5)),
        lambda: MonotoneCurve((0.5, 2)),
        lambda: NonlinearCurve((0, 1.1)),
        lambda: NonlinearCurve((0, 1), (2, 5)),
    ],
)
def test_impossible_ranges_are_refused(build):
    with pytest.raises(ValueError, match=r"strength|control_points"):
        build()
