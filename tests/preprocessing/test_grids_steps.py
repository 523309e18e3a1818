"""Grids, boxes and steps against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from medaug.preprocessing.grids import Grid, box_around, box_on
from medaug.preprocessing.steps import (
    clip_to_percentiles,
    coarse_axis,
    foreground_mask,
    remap,
    resample,
    to_int16,
    zscore,
)

OBLIQUE = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]


def grid(shape, spacing=(1, 1, 1), origin=(0, 0, 0), axes=None) -> Grid:
    affine = np.eye(4)
    affine[:3, :3] = (np.eye(3) if axes is None else axes) * spacing
    affine[:3, 3] = origin
    return Grid(shape, affine)


def centre(of: Grid) -> np.ndarray:
    return of.affine[:3, :3] @ ((np.array(of.shape) - 1) / 2) + of.affine[:3, 3]


@pytest.mark.parametrize("axes", [None, OBLIQUE])
def test_a_new_spacing_is_exact_and_keeps_the_centre_and_the_length(axes):
    old = grid((10, 9, 4), (0.9, 1.1, 5), (3, -4, 8), axes)
    new = old.with_spacing((1, 0.5, 6))
    assert new.shape == (9, 20, 3)  # 9 / 1, 9.9 / 0.5 and 20 / 6, rounded
    np.testing.assert_allclose(new.spacing_mm, (1, 0.5, 6), rtol=1e-12)
    np.testing.assert_allclose(centre(new), centre(old), atol=1e-9)


def test_an_axis_keeps_one_voxel_at_least():
    assert grid((4, 4, 1)).with_spacing((1, 1, 9)).shape == (4, 4, 1)


def test_a_box_holds_all_of_a_mask():
    mask = np.zeros((5, 6, 7), bool)
    assert box_around(mask) is None
    mask[1, 2, 3] = mask[3, 2, 6] = True
    assert box_around(mask) == ((1, 4), (2, 3), (3, 7))


@pytest.mark.parametrize(
    ("spacing", "margin_mm", "expected"),
    [
        ((1, 1, 1), 0, ((4, 6), (4, 6), (4, 6))),
        ((1, 1, 1), 1.5, ((2, 8), (2, 8), (2, 8))),  # a voxel that is touched counts
        ((2, 2, 2), 0, ((2, 3), (2, 3), (2, 3))),
        ((2, 2, 2), 0.5, ((1, 4), (1, 4), (1, 4))),
        ((0.5, 1, 2), 0, ((8, 12), (4, 6), (2, 3))),
        ((1, 1, 1), 100, ((0, 10), (0, 10), (0, 10))),
    ],
)
def test_a_box_moves_to_a_new_grid_with_its_margin(spacing, margin_mm, expected):
    old = grid((10, 10, 10), origin=(7, 7, 7))
    box = ((4, 6), (4, 6), (4, 6))
    assert box_on(old.with_spacing(spacing), box, old, margin_mm) == expected


def test_only_a_single_axis_is_coarse():
    assert coarse_axis((1, 1, 3)) is None
    assert coarse_axis((1, 3.1, 1)) == 1
    assert coarse_axis((1, 4, 4)) is None


def test_the_first_grid_with_a_coarse_axis_decides():
    assert coarse_axis((1, 1, 4), (4, 1, 1)) == 2
    assert coarse_axis((1, 1, 2), (4, 1, 1)) == 0
    assert coarse_axis((1, 4, 4), (4, 1, 1)) is None


@pytest.mark.parametrize("spacing", [(1, 4, 4), (1, 1, 3)])
def test_the_float32_of_an_oblique_header_makes_no_axis_coarse(spacing):
    stored = grid((4, 4, 4), spacing, axes=OBLIQUE).affine.astype(np.float32).astype(np.float64)
    assert coarse_axis(Grid((4, 4, 4), stored).spacing_mm) is None


def test_voxels_that_stay_are_cut_out_bit_for_bit(rng):
    values, old = rng.normal(size=(8, 7, 6)), grid((8, 7, 6), (1, 1, 4), axes=OBLIQUE)
    new = old.cropped(((2, 5), (0, 7), (1, 2)))
    np.testing.assert_array_equal(resample(values, old, new, "cubic"), values[2:5, :, 1:2])


@pytest.mark.parametrize("interpolation", ["linear", "cubic"])
def test_a_cropped_grid_gets_what_the_whole_one_would(rng, interpolation):
    values = rng.normal(size=(60, 10, 10)).astype(np.float32)
    old = grid((60, 10, 10))
    new = old.with_spacing((0.7, 0.9, 1.3))
    box = ((40, 50), (2, 9), (1, 5))
    whole = resample(values, old, new, interpolation)[40:50, 2:9, 1:5]
    part = resample(values, old, new.cropped(box), interpolation)
    np.testing.assert_allclose(part, whole, atol=2e-6)


def test_across_a_coarse_axis_the_nearest_slice_is_taken_and_along_the_others_not():
    old = grid((6, 6, 4), (1, 1, 5))
    values = np.indices((6, 6, 4))[2] * 100.0 + np.indices((6, 6, 4))[0]
    new = old.with_spacing((0.5, 0.5, 2.5))
    resampled = resample(values, old, new, "linear")
    assert new.shape == (12, 12, 8)
    np.testing.assert_allclose(resampled[5, 5], [2.25 + 100 * k for k in (0, 0, 1, 1, 2, 2, 3, 3)])
    label = resample((values >= 200).astype(np.uint8), old, new, "vote")
    assert label[5, 5].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


@pytest.mark.parametrize("noise", [-1e-9, 1e-9])
def test_of_two_slices_that_are_equally_near_it_is_always_the_later_one(noise):
    old = grid((2, 2, 8), (0.5, 0.5, 2))
    values = np.indices((2, 2, 8))[2].astype(np.float32)
    new = grid((2, 2, 3), (0.5, 0.5, 4), (0.1, 0, 1 + noise))
    assert resample(values, old, new, "linear")[0, 0].tolist() == [1, 3, 5]


def test_the_foreground_is_what_is_above():
    values = np.array([[[0, 0, 1, 5]]])
    assert foreground_mask(values, 1).tolist() == [[[False, False, False, True]]]
    assert foreground_mask(values, None).tolist() == [[[False, False, True, True]]]


def test_scores_are_of_the_foreground_and_the_rest_is_zero(rng):
    values = rng.normal(500, 20, (20, 5, 5)).astype(np.float32)
    mask = rng.random(values.shape) < 0.4
    before = values[mask].astype(np.float64)
    mean, std = zscore(values, mask)
    assert (mean, std) == (pytest.approx(before.mean()), pytest.approx(before.std()))
    assert values[mask].mean() == pytest.approx(0, abs=1e-5)
    assert values[mask].std() == pytest.approx(1, abs=1e-5)
    assert not values[~mask].any()


@pytest.mark.parametrize(("share", "message"), [(1, "constant"), (0, "no foreground")])
def test_what_has_no_scores_is_refused(share, message):
    values = np.full((2, 2, 2), 7, np.float32)
    with pytest.raises(ValueError, match=message):
        zscore(values, np.full(values.shape, bool(share)))


def test_values_are_clipped_to_percentiles_of_the_foreground():
    values = np.arange(-1000, 1001, dtype=np.float32).reshape(1, 1, -1)
    assert clip_to_percentiles(values, values >= 0, (10, 90)) == (100, 900)
    assert (values.min(), values.max()) == (100, 900)


def test_labels_get_new_values_at_once():
    label = np.array([0, 1, 2, 4, 300])
    new = remap(label, {1: 2, 2: 1, 4: 3, 300: 4}, np.uint8)
    assert (new.tolist(), new.dtype) == ([0, 2, 1, 3, 4], np.uint8)


def test_int16_rounds_and_refuses_what_it_cannot_hold():
    assert to_int16(np.float32([1.6, -2.4])).tolist() == [2, -2]
    with pytest.raises(ValueError, match="beyond those of int16"):
        to_int16(np.float32([40000]))
