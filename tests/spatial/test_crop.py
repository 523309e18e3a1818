"""Crops lie where they may, as often as they should, and show what they look for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare

from medaug.geometry import AffineStage, Warp, affine_flip, affine_rotation
from medaug.rng import generator
from medaug.spatial import CenterCrop, Foreground, ForegroundCrop, Grid, LabelArray, RandomCrop

N_DRAWS = 2000


def grid_of(label: np.ndarray) -> Grid:
    return Grid(label.shape, np.eye(4), foreground=Foreground(LabelArray(label), Warp(label.shape)))


def starts(crop, grid: Grid, n_draws: int = N_DRAWS) -> np.ndarray:
    """The first voxel of many crops, int [n, 3]."""
    rng = generator(3)
    warps = [crop.sample(rng, grid) for _ in range(n_draws)]
    offsets = np.array([warp.affine_part()[:3, 3] for warp in warps])
    assert all(np.array_equal(warp.affine_part()[:3, :3], np.eye(3)) for warp in warps)
    np.testing.assert_array_equal(offsets, np.round(offsets))
    return offsets.astype(int)


def counts_of(values: np.ndarray) -> np.ndarray:
    return np.unique(values, axis=0, return_counts=True)[1]


@pytest.mark.parametrize("before", range(1, 7))
@pytest.mark.parametrize("after", range(1, 9))
def test_a_centre_crop_leaves_as_much_on_both_sides_up_to_a_voxel(before, after):
    warp = CenterCrop((after, 1, 1)).sample(generator(0), Grid((before, 1, 1), np.eye(4)))
    in_front = warp.affine_part()[0, 3]
    behind = before - after - in_front
    assert warp.output_shape == (after, 1, 1)
    assert abs(in_front - behind) <= 1


def test_a_random_crop_is_anywhere_inside_with_the_same_chance():
    found = starts(RandomCrop((4, -1, 2)), Grid((6, 3, 4), np.eye(4)))
    assert found.min() == 0
    assert found.max(axis=0).tolist() == [2, 0, 2]
    counts = counts_of(found)
    assert len(counts) == 9
    assert chisquare(counts).pvalue > 0.001


@pytest.mark.parametrize("crop", [RandomCrop((9, 8, 6)), ForegroundCrop((9, 8, 6))])
def test_an_axis_that_is_too_short_is_padded_about_its_centre(crop):
    label = np.ones((4, 10, 6), np.uint8)
    found = starts(crop, grid_of(label), 50)
    assert set(found[:, 0]) == {-2}
    assert set(found[:, 1]) == {0, 1, 2}
    assert set(found[:, 2]) == {0}
    assert crop.sample(generator(0), grid_of(label)).output_shape == (9, 8, 6)


def one_voxel_a_class(places: dict[int, tuple[int, int, int]], shape=(9, 9, 9)) -> np.ndarray:
    label = np.zeros(shape, np.uint8)
    for value, place in places.items():
        label[place] = value
    return label


PLACES = {1: (2, 2, 2), 2: (2, 6, 6), 3: (6, 2, 6)}


def classes_found(ratios, label, n_draws: int = N_DRAWS) -> np.ndarray:
    """The class at the centre of each of many crops of three voxels."""
    found = starts(ForegroundCrop(3, ratios), grid_of(label), n_draws) + 1
    return label[tuple(found.T)]


def test_class_ratios_are_how_often_each_class_is_the_one():
    found = classes_found({1: 1, 2: 2, 3: 5}, one_voxel_a_class(PLACES))
    counts = [np.sum(found == value) for value in (1, 2, 3)]
    assert sum(counts) == N_DRAWS
    assert chisquare(counts, np.array([1, 2, 5]) / 8 * N_DRAWS).pvalue > 0.001


def test_a_class_counts_by_its_ratio_and_not_by_its_voxels():
    label = one_voxel_a_class({1: (1, 1, 1)})
    label[4:8, 1:8, 1:8] = 2
    found = classes_found({1: 1, 2: 1}, label)
    counts = [np.sum(found == value) for value in (1, 2)]
    assert chisquare(counts, [N_DRAWS / 2] * 2).pvalue > 0.001


def test_classes_that_are_absent_leave_their_share_to_the_others():
    found = classes_found({1: 1, 2: 3, 7: 100, 9: 100}, one_voxel_a_class(PLACES))
    counts = [np.sum(found == value) for value in (1, 2)]
    assert chisquare(counts, np.array([1, 3]) / 4 * N_DRAWS).pvalue > 0.001


def test_a_class_of_ratio_zero_is_never_looked_for():
    assert set(classes_found({1: 1, 2: 0, 3: 1}, one_voxel_a_class(PLACES), 200)) == {1, 3}


def test_the_background_may_be_a_class():
    found = classes_found({0: 1, 1: 1}, one_voxel_a_class(PLACES), 400)
    assert np.sum(found == 1) > 100
    assert np.sum(found == 0) > 100


def test_without_ratios_every_voxel_that_is_not_zero_has_the_same_chance():
    label = np.zeros((8, 8, 8), np.int16)
    label[2:4, 2:6, 3:5], label[5, 5, 5] = 4, -3
    found = starts(ForegroundCrop(3), grid_of(label)) + 1
    assert np.all(label[tuple(found.T)] != 0)
    counts = counts_of(found)
    assert len(counts) == 17
    assert chisquare(counts).pvalue > 0.001


@pytest.mark.parametrize("ratios", [None, {1: 1, 2: 1}])
def test_without_any_foreground_the_crop_lies_anywhere(ratios):
    found = starts(ForegroundCrop(3, ratios), grid_of(np.zeros((5, 4, 3), np.uint8)))
    counts = counts_of(found)
    assert len(counts) == 6
    assert chisquare(counts).pvalue > 0.001


@pytest.mark.parametrize("corner", list(np.ndindex(2, 2, 2)))
@pytest.mark.parametrize("size", [1, 2, 5, 9])
def test_a_crop_about_a_voxel_at_the_border_stays_inside_and_shows_it(corner, size):
    place = tuple(8 * c for c in corner)
    (start,) = starts(ForegroundCrop(size), grid_of(one_voxel_a_class({1: place})), 1)
    assert np.all(start >= 0)
    assert np.all(start + size <= 9)
    assert np.all((place >= start) & (place < start + size))


@pytest.mark.parametrize("size", [2, 3, 4, 5])
def test_the_voxel_is_in_the_middle_where_there_is_room(size):
    (start,) = starts(ForegroundCrop(size), grid_of(one_voxel_a_class({1: (4, 4, 4)})), 1)
    assert start.tolist() == [4 - size // 2] * 3


def test_foreground_is_looked_for_through_the_warps_drawn_so_far():
    label = one_voxel_a_class({1: (1, 2, 6), 2: (7, 7, 1)})
    mirrored = Warp(label.shape, (AffineStage(affine_flip([True, False, True], label.shape)),))
    cut = Warp((5, 9, 9), (AffineStage(np.eye(4)),))  # without the voxel of class 1
    grid = grid_of(label).through(mirrored).through(cut)
    found = starts(ForegroundCrop(1, {1: 1, 2: 1}), grid, 50)
    assert np.unique(found, axis=0).tolist() == [[1, 7, 7]]
    assert grid.foreground.draw_voxel(generator(0), 1) is None


def test_every_voxel_of_a_class_in_view_has_the_same_chance_behind_a_rotation():
    label = np.zeros((21, 21, 21), np.uint8)
    label[10, 8:13, 10] = 1
    turn = affine_rotation([30, 20, 10])
    turn[:3, 3] = 10 - turn[:3, :3] @ [10, 10, 10]
    foreground = Foreground(LabelArray(label), Warp(label.shape)).through(
        Warp(label.shape, (AffineStage(turn),))
    )
    rng = generator(0)
    drawn = np.array([foreground.draw_voxel(rng, 1) for _ in range(1000)])
    back = np.round(drawn @ turn[:3, :3].T + turn[:3, 3], 6)
    counts = counts_of(back)
    assert len(counts) == 5
    assert chisquare(counts).pvalue > 0.001


def test_swapped_labels_are_looked_for_by_their_new_values():
    label = one_voxel_a_class({1: (1, 1, 1), 2: (7, 7, 7)})
    swapped = grid_of(label).with_labels_swapped([(1, 2)])
    assert swapped.foreground.draw_voxel(generator(0), 1).tolist() == [7, 7, 7]
    again = swapped.with_labels_swapped([(1, 2)])
    assert again.foreground.draw_voxel(generator(0), 1).tolist() == [1, 1, 1]
    thrice = swapped.with_labels_swapped([(2, 5)])  # 1 became 2 became 5
    assert thrice.foreground.draw_voxel(generator(0), 5).tolist() == [1, 1, 1]
    with_background = grid_of(label).with_labels_swapped([(0, 2)])
    shown = with_background.foreground.draw_voxel(generator(0), None)
    assert shown.tolist() != [7, 7, 7]


def test_a_crop_about_the_foreground_needs_a_label():
    with pytest.raises(ValueError, match="label"):
        ForegroundCrop(3).sample(generator(0), Grid((5, 5, 5), np.eye(4)))
