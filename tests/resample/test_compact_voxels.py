"""Voxels as a training cache keeps them: float16 or integers, their channels side by side."""

from __future__ import annotations

import numpy as np
import pytest
from reference import reference_linear
from test_resample import INPUT_SHAPE, PADDINGS, make_warp

from medaug.kernels.memory import READS_HALF
from medaug.resample import Sampling, resample_array


def side_by_side(array: np.ndarray) -> np.ndarray:
    """Return the same array with the channels of a voxel next to each other in memory."""
    return np.ascontiguousarray(np.moveaxis(array, 0, -1)).transpose(3, 0, 1, 2)


@pytest.mark.parametrize("channels", [1, 2, 4, 5, 9])
@pytest.mark.parametrize("dtype", ["float16", "float32", "int16", "uint8", "uint16"])
def test_channels_side_by_side_are_interpolated_as_ever(rng, dtype, channels):
    image = (rng.random((channels, *INPUT_SHAPE)) * 100).astype(dtype)
    for kind in ("lattice affine", "chain"):
        warp = make_warp(kind, rng)
        result = resample_array(side_by_side(image), warp, Sampling("linear"))
        assert result.dtype == np.float32
        expected = reference_linear(image, warp, Sampling("linear"))
        np.testing.assert_allclose(result, expected, atol=3e-3)


@pytest.mark.parametrize("padding", PADDINGS)
def test_side_by_side_meets_the_outside_as_ever(rng, padding):
    image = rng.random((4, *INPUT_SHAPE)).astype(np.float16)
    warp, sampling = make_warp("affine", rng), Sampling("linear", padding, 7)
    expected = resample_array(image.astype(np.float32), warp, sampling)
    np.testing.assert_allclose(
        resample_array(side_by_side(image), warp, sampling), expected, atol=1e-5
    )


def test_half_precision_is_read_exactly(rng):
    """Every finite number of float16 there is, subnormal ones and infinities as well."""
    bits = np.arange(2**16, dtype=np.uint16).view(np.float16)
    numbers = np.resize(bits[np.isfinite(bits)], 2 * 32 * 32 * 32).reshape(2, 32, 32, 32)
    warp = make_warp("shift", rng, (32, 32, 32), (30, 31, 32))
    expected = resample_array(numbers.astype(np.float32), warp, Sampling("linear"))
    np.testing.assert_array_equal(resample_array(numbers, warp, Sampling("linear")), expected)


def test_not_a_number_stays_none(rng):
    image = np.zeros((1, *INPUT_SHAPE), np.float16)
    image[0, 8, 10, 9] = np.nan
    result = resample_array(image, make_warp("shift", rng), Sampling("linear"))
    assert 0 < np.isnan(result).sum() <= 8


@pytest.mark.skipif(not READS_HALF, reason="this processor converts no float16")
def test_the_array_itself_is_read_and_not_a_copy_of_it(rng):
    """What a training sample touches of a mapped file is what it needs, and no more."""
    copies = []
    plain = np.ndarray.astype
    image = side_by_side(rng.random((4, *INPUT_SHAPE)).astype(np.float16))

    class Watched(np.ndarray):
        def astype(self, *args, **kwargs):
            copies.append(self.shape)
            return plain(self, *args, **kwargs)

    result = resample_array(image.view(Watched), make_warp("affine", rng), Sampling("linear"))
    assert result.shape[0] == 4
    assert copies == []
