"""Where grids lie to each other, against shares that are known by hand."""

from __future__ import annotations

import numpy as np
import pytest

from medaug.io.grids import corner_distance_mm, is_part, is_same_place, overlap, share_inside

SHAPE = (24, 12, 48)
AFFINE = np.diag([1.0, 2.0, 0.5, 1.0])


def moved(x_mm: float = 0.0, y_mm: float = 0.0) -> np.ndarray:
    shift = np.eye(4)
    shift[:2, 3] = x_mm, y_mm
    return shift @ AFFINE


def test_distance_is_that_of_the_farthest_corner() -> None:
    assert corner_distance_mm(SHAPE, AFFINE, moved(3.0, 4.0)) == pytest.approx(5.0)
    wider = AFFINE @ np.diag([1.5, 1.0, 1.0, 1.0])
    assert corner_distance_mm(SHAPE, AFFINE, wider) == pytest.approx(0.5 * 23)


@pytest.mark.parametrize(("shift_mm", "same"), [(0.049, True), (0.051, False)])
def test_places_are_one_within_a_tenth_of_the_finest_axis(shift_mm: float, same: bool) -> None:
    assert is_same_place(SHAPE, AFFINE, moved(shift_mm)) is same


@pytest.mark.parametrize(
    ("first", "spacing", "part"),
    [
        ((1, 2, 0), 1.0, True),
        ((1.05, 2, 0), 1.0, True),
        ((1.5, 2, 0), 1.0, False),
        ((-1, 2, 0), 1.0, False),
        ((1, 2, 3), 1.0, False),
        ((1, 2, 0), 2.0, False),
    ],
)
def test_a_part_of_a_grid_has_its_voxels(
    first: tuple[float, ...], spacing: float, part: bool
) -> None:
    affine = np.diag([-2.0, 3.0, 4.0, 1.0])
    shift = np.diag([spacing, 1, 1, 1])
    shift[:3, 3] = first
    assert is_part((4, 4, 4), affine @ shift, (6, 7, 6), affine) is part


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_overlap_of_shifted_boxes_is_the_share_of_their_length(share: float) -> None:
    other = moved(24 * (1 - share))
    assert overlap(SHAPE, AFFINE, SHAPE, other) == pytest.approx(share)
    assert overlap(SHAPE, other, SHAPE, AFFINE) == pytest.approx(share)


def test_overlap_is_that_of_the_smaller_box_whatever_its_axes_and_spacing() -> None:
    crop = moved(4.0, 4.0)
    assert overlap(SHAPE, AFFINE, (12, 6, 20), crop) == 1.0
    assert overlap((12, 6, 20), crop, SHAPE, AFFINE) == 1.0
    halves = AFFINE @ np.diag([0.5, 0.5, 0.5, 1.0])  # the same field of view in finer voxels
    halves[:3, 3] = [-0.25, -0.5, -0.125]
    assert overlap(SHAPE, AFFINE, [2 * n for n in SHAPE], halves) == 1.0
    mirrored = AFFINE @ np.array([[-1, 0, 0, 23], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    assert overlap(SHAPE, AFFINE, SHAPE, mirrored) == 1.0


def test_share_inside_counts_voxels_whose_centres_are_in_the_field_of_view() -> None:
    mask = np.zeros(SHAPE, np.uint8)
    mask[:10] = 3
    assert share_inside(mask, AFFINE, SHAPE, AFFINE) == 1.0
    assert share_inside(mask, AFFINE, SHAPE, moved(3.0)) == pytest.approx(0.7)
    assert share_inside(mask, AFFINE, SHAPE, moved(3.4)) == pytest.approx(0.7)
    assert share_inside(mask, AFFINE, SHAPE, moved(3.6)) == pytest.approx(0.6)
    assert share_inside(mask, AFFINE, SHAPE, moved(40.0)) == 0.0
    assert share_inside(np.zeros_like(mask), AFFINE, SHAPE, moved(40.0)) == 1.0
