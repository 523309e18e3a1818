"""Ramps, spheres and constants on grids of every kind."""

from __future__ import annotations

import numpy as np
import pytest

from medaug.io.resampling import resample_image, resample_label
from medaug.io.volume import Volume

SHAPE = (20, 18, 16)
SLOPE = np.array([1.0, 2.0, -3.0])  # per mm


def affine_of(columns, origin=(5.0, -6.0, 7.0)) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = np.transpose(columns)
    affine[:3, 3] = origin
    return affine


ROTATION = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
GRIDS = {
    "straight": affine_of(np.diag([1.0, 2.0, 1.5])),
    "mirrored": affine_of(np.diag([-1.0, 2.0, -1.5])),
    "swapped": affine_of([[0, 0.9, 0], [0, 0, 2], [1.2, 0, 0]]),
    "oblique": affine_of(ROTATION * [[1.0], [1.5], [2.0]]),
    "sheared": affine_of([[1, 0, 0], [0.3, 1, 0], [0, 0.2, 2]]),
}


def places_mm(shape, affine) -> np.ndarray:
    return np.moveaxis(np.indices(shape), 0, -1) @ affine[:3, :3].T + affine[:3, 3]


def ramp(shape, affine) -> np.ndarray:
    return (places_mm(shape, affine) @ SLOPE)[np.newaxis]


def grid_inside(affine) -> np.ndarray:
    """A finer straight grid about the centre of the volume, far from its borders."""
    middle = affine[:3, :3] @ ((np.array(SHAPE) - 1) / 2) + affine[:3, 3]
    return affine_of(0.7 * np.eye(3), middle - 0.7 * 2)


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize(("interpolation", "tolerance"), [("linear", 1e-4), ("cubic", 2e-2)])
def test_a_ramp_in_the_world_stays_that_ramp(name, interpolation, tolerance):
    new = grid_inside(GRIDS[name])
    volume = Volume(ramp(SHAPE, GRIDS[name]), GRIDS[name])
    resampled = resample_image(volume, (5, 5, 5), new, interpolation=interpolation)
    assert resampled.data.dtype == np.float32
    np.testing.assert_allclose(resampled.data, ramp((5, 5, 5), new), atol=tolerance)
    np.testing.assert_array_equal(resampled.affine, new)


def test_a_spline_follows_a_wave_better_than_lines_do():
    def wave(affine, shape):
        return np.sin(places_mm(shape, affine)[..., 0] / 2)[np.newaxis]

    old, new = affine_of(np.eye(3), (0, 0, 0)), affine_of(0.5 * np.eye(3), (4.25, 4, 4))
    volume, truth = Volume(wave(old, SHAPE), old), wave(new, (16, 8, 8))
    error = {
        kind: np.abs(resample_image(volume, (16, 8, 8), new, interpolation=kind).data - truth).max()
        for kind in ("linear", "cubic")
    }
    assert error["cubic"] < error["linear"] / 10


@pytest.mark.parametrize("interpolation", ["linear", "cubic", "nearest"])
def test_the_border_is_continued_for_half_a_voxel_and_no_further(interpolation):
    volume = Volume(np.full((1, 4, 4, 1), 7, np.int16), np.eye(4))
    new = affine_of(0.5 * np.eye(3), (-0.25, -0.25, -0.25))
    resampled = resample_image(volume, (10, 8, 2), new, interpolation=interpolation, outside=-1)
    np.testing.assert_allclose(resampled.data[0, :8], 7, rtol=1e-6)
    np.testing.assert_array_equal(resampled.data[0, 8:], -1)


def test_each_channel_is_itself_and_nearest_keeps_the_dtype(rng):
    data = rng.integers(-100, 100, (3, 6, 5, 4)).astype(np.int16)
    resampled = resample_image(
        Volume(data, np.eye(4)), (6, 5, 4), np.eye(4), interpolation="nearest"
    )
    assert resampled.data.dtype == np.int16
    np.testing.assert_array_equal(resampled.data, data)


@pytest.mark.parametrize("dtype", [np.bool_, np.float16, np.float64, np.uint8])
def test_any_real_dtype_can_be_resampled(dtype):
    volume = Volume(np.ones((1, 4, 4, 4), dtype), np.eye(4))
    resampled = resample_image(volume, (4, 4, 4), np.eye(4), interpolation="linear")
    np.testing.assert_array_equal(resampled.data, 1)


@pytest.mark.parametrize("name", GRIDS)
def test_a_ball_keeps_its_volume_and_place(name):
    centre = GRIDS[name][:3, :3] @ ((np.array(SHAPE) - 1) / 2) + GRIDS[name][:3, 3]

    def ball(shape, affine):
        inside = np.linalg.norm(places_mm(shape, affine) - centre, axis=-1) < 5
        return Volume(inside[np.newaxis].astype(np.uint8) * 3, affine)

    new = affine_of(0.8 * np.eye(3), centre - 0.8 * 9.5)
    resampled = resample_label(ball(SHAPE, GRIDS[name]), (20, 20, 20), new)
    truth = ball((20, 20, 20), new)
    assert resampled.data.dtype == np.uint8
    assert set(np.unique(resampled.data)) == {0, 3}
    both = np.sum((resampled.data > 0) & (truth.data > 0))
    assert 2 * both / (np.sum(resampled.data > 0) + np.sum(truth.data > 0)) > 0.9


def test_a_label_is_elected_and_never_interpolated():
    data = np.zeros((1, 4, 1, 1), np.uint8)
    data[0, :, 0, 0] = [1, 1, 4, 4]
    new = affine_of(np.diag([0.25, 1, 1]), (0, 0, 0))
    resampled = resample_label(Volume(data, np.eye(4)), (13, 1, 1), new)
    assert resampled.data[0, :, 0, 0].tolist()[:6] == [1] * 6
    assert resampled.data[0, :, 0, 0].tolist()[7:] == [4] * 6


def test_a_label_map_of_fractions_is_refused():
    volume = Volume(np.zeros((1, 2, 2, 2), np.float32), np.eye(4))
    with pytest.raises(ValueError, match="integers, not float32"):
        resample_label(volume, (2, 2, 2), np.eye(4))
