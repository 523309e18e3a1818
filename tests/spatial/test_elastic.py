"""Elastic deformation never folds and is as strong as it says."""

from __future__ import annotations

import numpy as np
import pytest

from medaug.geometry import Warp, affine_scale
from medaug.spatial import Elastic, Grid

GRID = Grid((48, 40, 44), affine_scale([1.0, 1.5, 1.0]))


def dense_points(step: float) -> np.ndarray:
    axes = [np.arange(0, n - 1, step) for n in GRID.shape]
    return np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)


def smallest_jacobian(warp: Warp, points: np.ndarray, step: float = 1e-3) -> float:
    """The smallest determinant of the Jacobian, by central differences."""
    columns = [
        (warp.map_points(points + e) - warp.map_points(points - e)) / (2 * step)
        for e in np.eye(3) * step
    ]
    return float(np.linalg.det(np.stack(columns, axis=-1)).min())


@pytest.mark.parametrize("std_mm", [1.0, 4.0, 12.0])
@pytest.mark.parametrize("seed", range(3))
def test_no_strength_folds(std_mm, seed):
    warp = Elastic((12, 12), (std_mm, std_mm)).sample(np.random.default_rng(seed), GRID)
    assert smallest_jacobian(warp, dense_points(2.7)) > 0


def test_without_the_bound_it_would_fold():
    """The test above can fail: one lattice of the same strength does fold."""
    (stage, *_) = stages = Elastic((12, 12), (4, 4)).sample(np.random.default_rng(0), GRID).stages
    one = type(stage.lattice)(
        stage.lattice.control * len(stages), stage.lattice.origin, stage.lattice.spacing
    )
    folded = Warp(GRID.shape, (type(stage)(one),))
    assert smallest_jacobian(folded, dense_points(2.7)) < 0


def test_the_displacement_has_the_standard_deviation_that_was_asked_for():
    std_mm, moved = 0.9, []
    points = dense_points(5.0)
    for seed in range(40):
        warp = Elastic((12, 12), (std_mm, std_mm)).sample(np.random.default_rng(seed), GRID)
        assert len(warp.stages) == 1
        moved.append((warp.map_points(points) - points) * GRID.spacing_mm)
    realised = np.sqrt(np.mean(np.square(moved), axis=(0, 1)))
    np.testing.assert_allclose(realised, std_mm, rtol=0.1)


@pytest.mark.parametrize("flat", [0, 1, 2])
def test_the_standard_deviation_holds_in_a_plane_too(flat):
    """A lattice averages its control points along two axes only."""
    std_mm, moved = 1.1, []
    shape = [48, 40, 44]
    shape[flat] = 1
    grid = Grid(tuple(shape), affine_scale([1.0, 1.5, 0.8]))
    axes = [np.arange(0, n, 5.0) for n in shape]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    for seed in range(120):
        warp = Elastic((12, 12), (std_mm, std_mm)).sample(np.random.default_rng(seed), grid)
        assert len(warp.stages) == 1
        moved.append((warp.map_points(points) - points) * grid.spacing_mm)
    realised = np.sqrt(np.mean(np.square(moved), axis=(0, 1)))
    np.testing.assert_allclose(realised, np.where(np.arange(3) == flat, 0, std_mm), rtol=0.1)


@pytest.mark.parametrize("std_mm", [1.0, 4.0, 12.0])
def test_no_strength_folds_a_plane(std_mm):
    grid = Grid((48, 40, 1), affine_scale([1.0, 1.5, 1.0]))
    axes = [np.arange(0, n - 1, 1.3) for n in grid.shape[:2]]
    points = np.stack(np.meshgrid(*axes, [0.0], indexing="ij"), -1).reshape(-1, 3)
    for seed in range(3):
        warp = Elastic((12, 12), (std_mm, std_mm)).sample(np.random.default_rng(seed), grid)
        assert smallest_jacobian(warp, points) > 0


def test_ranges_are_drawn_anew_for_each_sample():
    effect, rng = Elastic((8, 16), (0.1, 0.9)), np.random.default_rng(0)
    stages = [effect.sample(rng, GRID).stages[0] for _ in range(30)]
    spacings = np.array([stage.lattice.spacing * GRID.spacing_mm for stage in stages])
    assert np.ptp(spacings, axis=1).max() < 1e-9
    assert 8 <= spacings.min() < 9.5
    assert 14.5 < spacings.max() <= 16


def test_control_points_must_fit_along_the_longest_axis():
    Elastic((48, 60), (1, 1)).check_fits(GRID)  # 48, 60 and 44 mm long
    Elastic((61, 61), (0, 0)).check_fits(GRID)  # off
    with pytest.raises(ValueError, match=r"elastic_spacing_mm.*61 mm against 60 mm"):
        Elastic((61, 61), (0, 1)).check_fits(GRID)


def test_the_axis_of_a_single_slice_is_not_long_enough_for_anything():
    thick = Grid((20, 20, 1), affine_scale([1.0, 1.0, 100.0]))
    with pytest.raises(ValueError, match=r"50 mm against 20 mm"):
        Elastic((50, 50), (1, 1)).check_fits(thick)


def test_composition_starts_where_the_docstring_says():
    (single,) = Elastic((32, 32), (0.076 * 32,) * 2).sample(np.random.default_rng(0), GRID).stages
    assert single.lattice.control.shape[0] == 3
    beyond = Elastic((32, 32), (0.078 * 32,) * 2).sample(np.random.default_rng(0), GRID)
    assert len(beyond.stages) == 2


def test_a_lattice_has_no_more_control_points_than_its_grid_needs():
    small = Grid((32, 32, 32), np.eye(4))
    (stage,) = Elastic((16, 16), (1, 1)).sample(np.random.default_rng(0), small).stages
    assert stage.lattice.control.shape == (3, 5, 5, 5)
