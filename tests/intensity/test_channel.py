"""A chain of pointwise changes against NumPy, statistics and masks included."""

from __future__ import annotations

import numpy as np
import pytest

from medaug.intensity import CURVE_POINTS, Channel, ImageFacts
from medaug.kernels import pointwise


def channel_of(voxels: np.ndarray) -> tuple[Channel, np.ndarray]:
    out = np.full_like(voxels, np.nan)
    return Channel(voxels, out, ImageFacts(voxels.shape)), out


@pytest.fixture
def voxels(rng) -> np.ndarray:
    return rng.normal(3.0, 2.0, (9, 17, 31)).astype(np.float32)


@pytest.fixture
def passes(monkeypatch) -> list:
    """What is noted for each pass over the voxels: whether it wrote."""
    noted, run = [], pointwise.change_voxels

    def counted(*arguments):
        noted.append(len(arguments[3]) > 0)
        return run(*arguments)

    monkeypatch.setattr(pointwise, "change_voxels", counted)
    return noted


def test_a_chain_is_the_same_as_its_parts(voxels):
    channel, out = channel_of(voxels)
    channel.linear(2.0, 1.0)
    channel.clip(0.0, 10.0)
    channel.linear(0.1, 0.0)
    channel.power(1.3)
    channel.finish()
    expected = (np.clip(2 * voxels.astype(float) + 1, 0, 10) / 10) ** 1.3
    np.testing.assert_allclose(out, expected, atol=2e-6)


@pytest.mark.parametrize("shape", [(9, 17, 31), (64, 128, 136)])
def test_a_lone_linear_change_is_the_same_to_the_bit_as_one_of_several(shape, rng):
    voxels = rng.normal(3.0, 2.0, shape).astype(np.float32)
    voxels.flat[[0, 5, -1]] = np.nan, np.inf, -np.inf
    results = []
    for more in (False, True):
        channel, out = channel_of(voxels)
        channel.linear(1.3, -0.2)
        if more:
            channel.clip(-np.inf, np.inf)
        channel.finish()
        results.append(out)
    np.testing.assert_array_equal(results[0], results[1])


def test_pointwise_changes_take_one_pass_and_their_extremes_none(voxels, passes):
    channel, _ = channel_of(voxels)
    assert channel.low == voxels.min()
    channel.linear(2.0, 1.0)
    channel.clip(-1.0, channel.high - 1)
    channel.power(0.5)
    assert (channel.low, channel.high) == (0.0, 1.0)
    channel.add_normal(1.0, 3)
    channel.finish()
    assert passes == [False, True]


def test_statistics_behind_a_linear_change_take_no_pass(voxels, passes):
    channel, _ = channel_of(voxels)
    assert channel.mean == pytest.approx(voxels.mean(dtype=float))
    channel.linear(-2.0, 1.0)
    assert channel.mean == pytest.approx(1 - 2 * voxels.mean(dtype=float))
    assert channel.std == pytest.approx(2 * voxels.std(dtype=float), rel=1e-5)
    assert channel.low == pytest.approx(1 - 2 * float(voxels.max()))
    assert passes == [False]


@pytest.mark.parametrize("offset", [0.0, 1e6, -3e4])
def test_statistics_keep_their_digits_far_from_zero(voxels, offset):
    channel, _ = channel_of(voxels + np.float32(offset))
    shifted = (voxels + np.float32(offset)).astype(float)
    assert channel.mean == pytest.approx(shifted.mean(), rel=1e-6)
    assert channel.std == pytest.approx(shifted.std(), rel=1e-4)


def test_statistics_of_huge_values_are_finite(voxels):
    huge = voxels * np.float32(1e30)
    channel, _ = channel_of(huge)
    assert channel.mean == pytest.approx(huge.mean(dtype=float), rel=1e-5)
    assert channel.std == pytest.approx(huge.std(dtype=float), rel=1e-5)


def test_statistics_are_of_the_finite_voxels(voxels):
    holed = voxels.copy()
    holed[0, 0, :3] = np.nan, np.inf, -np.inf
    channel, _ = channel_of(holed)
    finite = holed[np.isfinite(holed)].astype(float)
    assert channel.mean == pytest.approx(finite.mean(), rel=1e-5)
    assert (channel.low, channel.high) == (finite.min(), finite.max())


def test_voxels_that_are_not_numbers_stay_that_and_harm_no_other(voxels):
    holed = voxels.copy()
    holed[4, 5, 6] = np.nan
    channel, out = channel_of(holed)
    channel.clip(0.0, 4.0)
    channel.linear(0.25, 0.0)
    channel.power(0.5)
    channel.linear(4.0, 0.0)
    channel.curve(np.linspace(1, 2, CURVE_POINTS, dtype=np.float32), 0.0, 4.0)
    channel.finish()
    assert np.isnan(out[4, 5, 6])
    assert np.isfinite(out).sum() == out.size - 1


def test_a_mask_limits_changes_and_statistics(voxels):
    mask = voxels > 3
    channel, out = channel_of(voxels)
    channel.restrict(mask)
    assert channel.mean == pytest.approx(voxels[mask].mean(dtype=float), rel=1e-5)
    assert channel.low == voxels[mask].min()
    channel.linear(2.0, 1.0)
    channel.rewrite(lambda voxels, out: np.add(voxels, 1, out=out))
    channel.finish()
    np.testing.assert_array_equal(out[~mask], voxels[~mask])
    np.testing.assert_allclose(out[mask], 2 * voxels[mask] + 2, rtol=1e-6)


def test_an_empty_mask_changes_nothing(voxels):
    channel, out = channel_of(voxels)
    channel.restrict(np.zeros(voxels.shape, bool))
    assert (channel.mean, channel.std, channel.low, channel.high) == (0, 0, 0, 0)
    channel.linear(2.0, 1.0)
    channel.finish()
    np.testing.assert_array_equal(out, voxels)


@pytest.mark.parametrize("points", [2, 7, CURVE_POINTS])
def test_a_curve_is_linear_between_its_points_and_constant_beyond(voxels, points):
    places = np.linspace(1.0, 5.0, points)
    values = np.sin(places).astype(np.float32)
    channel, out = channel_of(voxels)
    channel.curve(values, 1.0, 5.0)
    channel.finish()
    np.testing.assert_allclose(out, np.interp(voxels, places, values), atol=1e-5)


@pytest.mark.parametrize("shape", [(5, 6, 700), (9, 17, 31), (40, 50, 1), (1, 1, 1)])
def test_a_field_is_the_exponential_of_its_polynomial(shape, rng):
    terms = (rng.normal(size=(4, 4, 4)) * 0.2).astype(np.float32)
    channel, out = channel_of(np.ones(shape, np.float32))
    channel.multiply_field(terms)
    channel.finish()
    axes = [np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in shape]
    field = np.polynomial.polynomial.polygrid3d(*axes, terms.astype(float))
    np.testing.assert_allclose(out, np.exp(field), rtol=1e-5)


def test_impulses_come_as_often_as_asked_for():
    channel, out = channel_of(np.full((40, 50, 60), 0.5, np.float32))
    channel.add_impulses(0.1, 0.02, -1.0, 3.0, seed=7)
    channel.finish()
    assert np.mean(out == -1) == pytest.approx(0.1, rel=0.05)
    assert np.mean(out == 3) == pytest.approx(0.02, rel=0.1)
    assert np.mean(out == 0.5) == pytest.approx(0.88, rel=0.01)


def test_rewriting_may_come_before_and_after_pointwise_changes(voxels):
    channel, out = channel_of(voxels)
    channel.rewrite(lambda voxels, out: np.multiply(voxels, 2, out=out))
    channel.linear(1.0, 1.0)
    channel.rewrite(lambda voxels, out: np.multiply(voxels, 3, out=out))
    channel.rewrite(lambda voxels, out: np.add(voxels, 1, out=out))
    channel.finish()
    np.testing.assert_allclose(out, (2 * voxels + 1) * 3 + 1, rtol=1e-6)


def test_doing_nothing_copies_every_bit(voxels):
    channel, out = channel_of(voxels)
    channel.finish()
    np.testing.assert_array_equal(out, voxels)
