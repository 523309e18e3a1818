"""Results that are larger than the caches are written past them, to the same bits."""

from __future__ import annotations

import numpy as np
import pytest

from medaug import buffers
from medaug.geometry import AffineStage, Warp, affine_flip
from medaug.intensity.channel import Channel
from medaug.intensity.facts import ImageFacts
from medaug.kernels import stream
from medaug.resample import Sampling, grid, resample_array

SHAPE = (2, 64, 64, 128)
FLIPS = [(True, False, False), (False, True, False), (False, False, True), (True, True, True)]
PERMUTATIONS = [(0, 1, 2), (1, 0, 2), (2, 1, 0), (0, 2, 1), (1, 2, 0), (2, 0, 1)]


def large(dtype, rng) -> np.ndarray:
    return rng.integers(0, 200, SHAPE).astype(dtype)


@pytest.fixture
def streamed(monkeypatch):
    """What was asked of ``can_stream``, and what it said."""
    said = []

    def noted(out, row):
        said.append(stream.can_stream(out, row))
        return said[-1]

    monkeypatch.setattr(grid, "can_stream", noted)
    return said


@pytest.mark.parametrize("flips", FLIPS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_flips_are_exact(flips, dtype, rng, streamed):
    image = large(dtype, rng)
    warp = Warp(SHAPE[1:], (AffineStage(affine_flip(flips, SHAPE[1:])),))
    flipped = resample_array(image, warp, Sampling("nearest"))
    np.testing.assert_array_equal(flipped, np.flip(image, [a + 1 for a in range(3) if flips[a]]))
    assert streamed == [True]


@pytest.mark.parametrize("permutation", PERMUTATIONS)
@pytest.mark.parametrize("step", [1, -1])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_axes_in_any_order_are_exact(permutation, step, dtype, rng, streamed):
    image = rng.integers(0, 200, (1, 128, 128, 256)).astype(dtype)
    view = image[:, ::step, ::-step, ::step].transpose(0, *(axis + 1 for axis in permutation))
    out = buffers.empty(view.shape, dtype)
    grid._copy(view, out)
    np.testing.assert_array_equal(out, view)
    assert streamed == [True]


def test_channels_may_lie_anywhere(rng, streamed):
    image = rng.random((64, 64, 128, 5), np.float32)
    view = np.moveaxis(image, -1, 0)[::-2]
    for each in (view, np.broadcast_to(large(np.float32, rng)[:1], SHAPE)):
        out = buffers.empty(each.shape, np.float32)
        grid._copy(each, out)
        np.testing.assert_array_equal(out, each)
    assert streamed == [True, True]


@pytest.mark.parametrize("length", [120, 127])
def test_rows_that_are_not_whole_lines_are_copied_as_usual(length, rng, streamed):
    image = rng.random((3, 64, length, length), np.float32)
    for view in (
        image[:, ::-1],
        image.transpose(0, 1, 3, 2),
        image.transpose(0, 3, 2, 1)[..., :-4],
    ):
        out = buffers.empty(view.shape, np.float32)
        grid._copy(view, out)
        np.testing.assert_array_equal(out, view)
    assert not any(streamed)


def test_memory_that_begins_within_a_line_is_not_streamed_to():
    memory = buffers.empty((1 << 21,), np.float32)
    assert stream.can_stream(memory, 16)
    assert not stream.can_stream(memory[4:], 16)
    assert not stream.can_stream(memory, 15)
    assert not stream.can_stream(memory[: 1 << 19], 16)


@pytest.mark.parametrize("permutation", PERMUTATIONS)
def test_tiny_volumes_can_be_streamed_as_well(permutation, rng, monkeypatch):
    """With bounds checks, and as plain Python, too: see test_kernel_modes.py."""
    monkeypatch.setattr(stream, "_LEAST_BYTES", 0)
    image = rng.random((2, 16, 32, 16), np.float32)
    view = image[:, ::-1, :, ::-1].transpose(0, *(axis + 1 for axis in permutation))
    out = buffers._take(view.nbytes)[: view.nbytes].view(np.float32).reshape(view.shape)
    grid._copy(view, out)
    np.testing.assert_array_equal(out, view)
    changed = buffers._take(4 * 4096)[: 4 * 4096].view(np.float32).reshape(16, 16, 16)
    values = rng.random(changed.shape, np.float32)
    linear(values, changed)
    np.testing.assert_allclose(changed, 1.3 * values - 0.2, atol=1e-6)


def linear(source: np.ndarray, out: np.ndarray, *, twice: bool = False) -> np.ndarray:
    channel = Channel(source, out, ImageFacts(source.shape))
    channel.linear(1.3, -0.2)
    if twice:
        channel.linear(1 / channel.std, 0.0)  # what was changed is read again
        channel.linear(0.5, channel.mean)
    channel.finish()
    return out


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize("shape", [(64, 128, 128), (65, 127, 129)])
def test_changes_are_the_same_to_the_bit(shape, twice, rng, monkeypatch):
    source = rng.random(shape, np.float32)
    past = linear(source, buffers.empty(shape, np.float32), twice=twice).copy()
    monkeypatch.setattr(stream, "_LEAST_BYTES", 1 << 40)
    through = linear(source, buffers.empty(shape, np.float32), twice=twice)
    np.testing.assert_array_equal(past, through)
    if not twice:
        np.testing.assert_allclose(past, 1.3 * source - 0.2, atol=1e-6)
