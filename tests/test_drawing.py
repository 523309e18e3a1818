"""Slices are seen from the side that radiologists look from, with their outlines, in true size."""

from __future__ import annotations

import base64
from io import BytesIO
from itertools import permutations, product

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from medaug.drawing import (
    VIEWS,
    Plane,
    best_slice,
    data_address,
    outline_colour,
    plane_through,
    slice_png,
)

SHAPE = (5, 6, 7)
#: Spacing in mm along the world axes.
SPACING = np.array([2.0, 3.0, 5.0])


def read(png: bytes) -> np.ndarray:
    return imread(BytesIO(png), format="png")[..., :3]


def world_axis_on_array(order, signs):
    """The affine of an array whose axis a runs along world axis order[a], and x, y, z of voxels."""
    affine = np.zeros((4, 4))
    affine[3, 3] = 1
    for axis, (world, sign) in enumerate(zip(order, signs, strict=True)):
        affine[world, axis] = sign * SPACING[world]
    index = np.indices(SHAPE).reshape(3, -1)
    return affine, (affine[:3, :3] @ index).reshape(3, *SHAPE)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("signs", list(product((1, -1), repeat=3)))
def test_right_and_front_are_left_and_front_and_head_are_up(view, order, signs):
    affine, world = world_axis_on_array(order, signs)
    plane = Plane(affine, view, 2)
    across = {"axial": 0, "coronal": 0, "sagittal": 1}[view]
    up = {"axial": 1, "coronal": 2, "sagittal": 2}[view]
    assert order[plane.axis] == 3 - across - up
    left_to_right = plane.picture(world[across])
    top_to_bottom = plane.picture(world[up])
    # RAS: x grows to the right of the patient, y to the front, z to the head.
    assert (np.diff(left_to_right, axis=1) == -SPACING[across]).all()
    assert (np.diff(top_to_bottom, axis=0) == -SPACING[up]).all()
    assert plane.aspect == SPACING[up] / SPACING[across]
    assert (plane.picture(np.indices(SHAPE)[plane.axis]) == plane.at).all()


def test_an_oblique_scan_is_seen_along_its_nearest_axes():
    turned = np.deg2rad(40)
    affine = np.eye(4)
    affine[1:3, 1:3] = [[np.cos(turned), -np.sin(turned)], [np.sin(turned), np.cos(turned)]]
    assert [Plane(affine, view, 0).axis for view in VIEWS] == [2, 1, 0]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_best_slice_has_the_most_label_of_any_class(axis):
    label = np.zeros(SHAPE, np.uint8)
    slices = np.moveaxis(label, axis, 0)
    slices[1, :2, :2], slices[3, :2, :2], slices[3, 3, 3] = 9, 1, 2
    assert best_slice(label, axis) == 3
    assert best_slice(np.zeros(SHAPE), axis) == SHAPE[axis] // 2


@pytest.mark.parametrize(("view", "axis"), [("axial", 2), ("coronal", 1), ("sagittal", 0)])
def test_a_plane_goes_through_the_label_or_the_middle(view, axis):
    label = np.zeros(SHAPE, np.uint8)
    label[4, 1, 6] = 1
    assert plane_through(np.eye(4), view, SHAPE, label).at == (4, 1, 6)[axis]
    assert plane_through(np.eye(4), view, SHAPE).at == SHAPE[axis] // 2


def test_a_png_has_the_size_of_the_tissue_and_the_grey_of_the_window():
    picture = np.array([[0.0, 1.0], [2.0, 4.0], [5.0, 9.0]])
    seen = read(slice_png(picture, (1, 5), aspect=2.0, width_in=0.4))
    assert seen.shape == (120, 40, 3)
    centres = seen[20::40, 10::20]
    assert (centres == centres[..., :1]).all()
    np.testing.assert_allclose(centres[..., 0], [[0, 0], [0.25, 0.75], [1, 1]], atol=0.01)


def test_each_class_is_outlined_in_its_own_colour():
    label = np.zeros((40, 40), np.uint8)
    label[4:14, 4:14], label[20:36, 20:36] = 1, 2
    seen = read(slice_png(np.zeros((40, 40)), (0, 1), label, width_in=4))
    for value, inside in ((1, seen[:170, :170]), (2, seen[170:, 170:])):
        line = inside[inside.max(axis=-1) > 0.3]
        assert 300 < len(line) < 1500
        hue = line.mean(axis=0) / line.mean(axis=0).max()
        colour = np.array(to_rgb(outline_colour(value)))
        np.testing.assert_allclose(hue, colour / colour.max(), atol=0.02)
    assert not read(slice_png(np.zeros((40, 40)), (0, 1), label * 0, width_in=4)).any()


def test_an_outline_at_the_border_is_seen_and_does_not_shrink_the_picture():
    picture = np.tile([0.0, 1.0], (10, 5))
    plain = read(slice_png(picture, (0, 1), width_in=2))
    outlined = read(slice_png(picture, (0, 1), np.ones((10, 10), int), width_in=2))
    np.testing.assert_array_equal(outlined[20:-20, 20:-20], plain[20:-20, 20:-20])
    for edge in (outlined[0], outlined[-1], outlined[:, 0], outlined[:, -1]):
        assert (edge[20:-20].max(axis=-1) > edge[20:-20].min(axis=-1) + 0.1).all()


def test_colours_differ_from_grey_and_from_their_neighbours():
    colours = np.array([to_rgb(outline_colour(value)) for value in range(1, 8)])
    assert (np.ptp(colours, axis=1) > 0.3).all()
    assert (np.abs(np.diff(colours, axis=0)).max(axis=1) > 0.3).all()


def test_an_address_holds_the_png_and_the_same_slice_gives_the_same_bytes():
    pictures = [slice_png(np.eye(3), (0, 1)) for _ in range(2)]
    assert pictures[0] == pictures[1]
    head, encoded = data_address(pictures[0]).split(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(encoded) == pictures[0]
