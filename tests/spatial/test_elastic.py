"""Elastic deformation never folds and is as strong as it says."""

from __future__ import annotations

import numpy as np
import pytest

from medaug.geometry import Warp
from medaug.spatial import Elastic, Grid

GRID = Grid((48, 40, 44), (1.0, 1.5, 1.0), (48, 40, 44))


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
    stages = Elastic((12, 12), (std_mm, std_mm)).sample(np.random.default_rng(seed), GRID)
    assert smallest_jacobian(Warp(GRID.shape, tuple(stages)), dense_points(2.7)) > 0


def test_without_the_bound_it_would_fold():
    """The test above can fail: one lattice of the same strength does fold."""
    (stage, *_) = stages = Elastic((12, 12), (4, 4)).sample(np.random.default_rng(0), GRID)
    one = type(stage.lattice)(
        stage.lattice.control * len(stages), stage.lattice.origin, stage.lattice.spacing
    )
    folded = Warp(GRID.shape, (type(stage)(one),))
    assert smallest_jacobian(folded, dense_points(2.7)) < 0


def test_the_displacement_has_the_standard_deviation_that_was_asked_for():
    std_mm, moved = 0.9, []
    points = dense_points(5.0)
    for seed in range(40):
        stages = Elastic((12, 12), (std_mm, std_mm)).sample(np.random.default_rng(seed), GRID)
        assert len(stages) == 1
        warp = Warp(GRID.shape, tuple(stages))
        moved.append((warp.map_points(points) - points) * GRID.spacing_mm)
    realised = np.sqrt(np.mean(np.square(moved), axis=(0, 1)))
    np.testing.assert_allclose(realised, std_mm, rtol=0.1)


def test_composition_starts_where_the_docstring_says():
    (single,) = Elastic((32, 32), (0.076 * 32,) * 2).sample(np.random.default_rng(0), GRID)
    assert single.lattice.control.shape[0] == 3
    assert len(Elastic((32, 32), (0.078 * 32,) * 2).sample(np.random.default_rng(0), GRID)) == 2


def test_the_lattice_depends_on_the_output_alone():
    """A large input costs nothing: control points cover what is cut out of it."""
    small = Grid((200, 200, 200), (1.0, 1.0, 1.0), (32, 32, 32))
    (stage,) = Elastic((16, 16), (1, 1)).sample(np.random.default_rng(0), small)
    assert stage.lattice.control.shape == (3, 5, 5, 5)
