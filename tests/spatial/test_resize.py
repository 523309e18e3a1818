"""Resizing keeps the field of view: edge to edge by number, its centre by spacing."""

from __future__ import annotations

import numpy as np
import pytest

from medaug.geometry import affine_scale, affine_spacing
from medaug.rng import generator
from medaug.spatial import Grid, ResizeToSize, ResizeToSpacing, parse_size, parse_spacing_mm

GRID = Grid((20, 24, 30), affine_scale([1.0, 0.5, 2.0]))


def resized(effect, grid: Grid = GRID) -> Grid:
    return grid.through(effect.sample(generator(0), grid))


def edges_mm(grid: Grid) -> np.ndarray:
    """The outer faces of the first and the last voxel, float [2, 3]."""
    ends = np.array([[-0.5] * 3, np.array(grid.shape) - 0.5])
    return ends @ grid.affine[:3, :3].T + grid.affine[:3, 3]


@pytest.mark.parametrize("size", [1, 7, 64, (10, 24, 31), (-1, 5, -1)])
def test_a_size_keeps_both_edges(size):
    after = resized(ResizeToSize(size))
    np.testing.assert_allclose(edges_mm(after), edges_mm(GRID), atol=1e-9)
    expected = np.broadcast_to(size, 3)
    np.testing.assert_array_equal(after.shape, np.where(expected == -1, GRID.shape, expected))


def test_the_same_size_is_the_exact_identity():
    for size in (-1, None, GRID.shape):
        assert ResizeToSize(size).sample(generator(0), GRID).stages == ()
    assert ResizeToSpacing((1, 0.5, 2)).sample(generator(0), GRID).stages == ()


@pytest.mark.parametrize("spacing", [0.7, 1.0, 3.3, (1.5, 0.5, 0.9)])
def test_a_spacing_keeps_the_centre_and_what_is_seen_up_to_half_a_voxel(spacing):
    after = resized(ResizeToSpacing(spacing))
    np.testing.assert_allclose(after.spacing_mm, np.broadcast_to(spacing, 3))
    np.testing.assert_allclose(edges_mm(after).mean(0), edges_mm(GRID).mean(0), atol=1e-9)
    off = np.abs(edges_mm(after) - edges_mm(GRID))
    assert np.all(off <= after.spacing_mm / 4 + 1e-9)  # half a voxel over both edges


def test_the_same_spacing_up_to_what_a_file_keeps_is_the_same():
    written = Grid(GRID.shape, GRID.affine.astype(np.float32) * np.float32(1 + 1e-7))
    written.affine[3, 3] = 1
    assert ResizeToSpacing((1, 0.5, 2)).sample(generator(0), written).stages == ()
    assert ResizeToSpacing((1.001, 0.5, 2)).sample(generator(0), GRID).stages != ()


def test_a_plane_keeps_its_one_slice():
    plane = Grid((20, 24, 1), affine_scale([1.0, 0.5, 3.0]), rank=2)
    assert resized(ResizeToSpacing((0.5, 1.0)), plane).shape == (40, 12, 1)
    assert resized(ResizeToSize((10, 12)), plane).shape == (10, 12, 1)
    np.testing.assert_allclose(affine_spacing(resized(ResizeToSpacing(0.25), plane).affine)[2], 3)
    for effect in (ResizeToSpacing((1, 1, 1)), ResizeToSize((4, 4, 4))):
        with pytest.raises(ValueError, match="2 entries"):
            effect.sample(generator(0), plane)


@pytest.mark.parametrize("size", [5, (5, 6), [5, -1, 7], np.array([5, 6, 7]), np.int32(5), 5.0])
def test_a_size_may_be_written_in_many_ways(size):
    parsed = parse_size(size)
    assert np.array_equal(parsed, size)
    entries = parsed if isinstance(parsed, tuple) else (parsed,)
    assert all(type(n) is int for n in entries)


@pytest.mark.parametrize("spacing", [1, 0.5, np.float32(0.5), (1, 2), [0.5, 1, 2], np.ones(3)])
def test_a_spacing_may_be_written_in_many_ways(spacing):
    assert np.array_equal(parse_spacing_mm(spacing), spacing)
