"""The anatomy of a phantom head: tissues and lesions as implicit surfaces in millimetres.

Each structure is a field that tells how deep inside it a voxel lies, in mm, written in the frame of
the head: x to the right, y to the front, z up, origin in the middle of the brain. The pose and a
smooth deformation of the case say where a voxel lies in that frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from scipy.spatial.transform import Rotation

from medaug.benchmark.cases.phantom.space import Grid, smooth_noise
from medaug.typing import AnyArray, Matrix

#: The foreground classes; class index i + 1 is CLASSES[i].
CLASSES = ("oedema", "core")

_HEAD_HALF_AXES_MM = (68.0, 84.0, 72.0)
_SCALP_MM, _SKULL_MM, _OUTER_FLUID_MM = 5.0, 5.0, 2.0

# The cortex is this thick, and lines a furrow on either side to this multiple of its width.
_CORTEX_MM, _CORTEX_WIDTH = 4.0, 2.5

# Lesions start in white matter at least this far below the surface of the brain.
_LESION_CENTRE_DEPTH_MM = 14.0

# Lesions reach less far into grey matter than into white matter, by this much.
_GREY_RESISTANCE_MM = 3.0

# The core stays this far inside the lesion.
_RIM_MM = 1.5


class Tissue(IntEnum):
    """What a voxel consists of, lesions apart."""

    AIR = 0
    SCALP = 1
    SKULL = 2
    FLUID = 3
    GREY = 4
    WHITE = 5
    GLIOSIS = 6  # bright spots about the ventricles, as age brings them: no lesion


@dataclass(frozen=True)
class Head:
    """The anatomy of a case.

    Attributes
    ----------
    tissue : ndarray, shape [I, J, K], uint8
        A `Tissue` for each voxel, as if there were no lesion.
    lesion_depth_mm : ndarray, shape [2, I, J, K], float64
        Depth inside the lesion and inside its core, negative outside and in cavities.
    """

    tissue: AnyArray
    lesion_depth_mm: Matrix

    @property
    def label(self) -> AnyArray:
        """The classes, shape [I, J, K], uint8: 0 background, 1 oedema, 2 core."""
        lesion, core = self.lesion_depth_mm > 0
        return np.where(core, 2, lesion).astype(np.uint8)


def draw_head(rng: np.random.Generator, grid: Grid) -> Head:
    """Draw a head in its pose, with one or two lesions.

    Parameters
    ----------
    rng : numpy.random.Generator
        The stream of this case's anatomy.
    grid : Grid
        At least 150 mm along each axis.

    Returns
    -------
    Head
        With both classes in its label.
    """
    points_mm = _head_coordinates(rng, grid)
    tissue = _draw_tissue(rng, grid, points_mm)
    centres = (tissue == Tissue.WHITE) & (_brain_depth(points_mm) > _LESION_CENTRE_DEPTH_MM)
    count = rng.integers(1, 3)
    depth_mm = np.max([_draw_lesion(rng, grid, points_mm, centres) for _ in range(count)], axis=0)
    depth_mm[:, tissue == Tissue.GREY] -= _GREY_RESISTANCE_MM
    depth_mm[:, tissue < Tissue.GREY] = -np.inf
    return Head(tissue, depth_mm)


def _head_coordinates(rng: np.random.Generator, grid: Grid) -> Matrix:
    """Return where each voxel lies in the frame of the head, shape [3, I, J, K], in mm."""
    rotation = Rotation.from_euler("xyz", rng.uniform(-20, 20, 3), degrees=True).as_matrix()
    scale = rng.uniform(0.88, 1.08) * rng.uniform(0.95, 1.05, 3)
    shift_mm = rng.uniform(-6, 6, 3)
    bend_mm = np.stack([3.5 * smooth_noise(rng, grid, scale_mm=35) for _ in range(3)])
    moved = grid.points_mm() - shift_mm[:, np.newaxis, np.newaxis, np.newaxis] + bend_mm
    points_mm: Matrix = np.tensordot(rotation.T / scale[:, np.newaxis], moved, axes=1)
    return points_mm


def _ellipsoid_depth(
    points_mm: Matrix, centre_mm: tuple[float, ...], half_axes_mm: tuple[float, ...]
) -> Matrix:
    """Return about how deep each point lies inside an ellipsoid: exact on its surface."""
    offsets = points_mm - np.reshape(centre_mm, (3, 1, 1, 1))
    radius: Matrix = np.linalg.norm(offsets / np.reshape(half_axes_mm, (3, 1, 1, 1)), axis=0)
    return (1 - radius) * float(np.mean(half_axes_mm))


def _head_depth(points_mm: Matrix) -> Matrix:
    """Return the depth below the skin: an egg, narrower in front."""
    x, y, z = points_mm
    egg = np.stack([x * (1 + 0.12 * y / _HEAD_HALF_AXES_MM[1]), y, z])
    return _ellipsoid_depth(egg, (0, 0, 0), _HEAD_HALF_AXES_MM)


def _brain_depth(points_mm: Matrix) -> Matrix:
    return _head_depth(points_mm) - (_SCALP_MM + _SKULL_MM + _OUTER_FLUID_MM)


def _draw_tissue(rng: np.random.Generator, grid: Grid, points_mm: Matrix) -> AnyArray:
    """Return a `Tissue` for each voxel: layers from the skin inwards, then the inner structures."""
    head = _head_depth(points_mm) + 0.7 * smooth_noise(rng, grid, scale_mm=15)
    brain = _brain_depth(points_mm)
    folds = smooth_noise(rng, grid, scale_mm=5)
    cortex = brain - _furrow_depth(folds, points_mm, width=1)
    white = brain - _furrow_depth(folds, points_mm, width=_CORTEX_WIDTH) - _CORTEX_MM
    ventricles = _ventricle_depth(rng, points_mm) + smooth_noise(rng, grid, scale_mm=8)
    nuclei = _nuclei_depth(points_mm) + smooth_noise(rng, grid, scale_mm=8)
    spots = smooth_noise(rng, grid, scale_mm=5) > rng.uniform(0.3, 1.2)

    tissue = np.full(grid.shape, Tissue.AIR, np.uint8)
    tissue[head > 0] = Tissue.SCALP
    tissue[head > _SCALP_MM] = Tissue.SKULL
    tissue[head > _SCALP_MM + _SKULL_MM] = Tissue.FLUID
    tissue[cortex > 0] = Tissue.GREY
    tissue[white > 0] = Tissue.WHITE
    tissue[(tissue == Tissue.WHITE) & (ventricles > -6) & spots] = Tissue.GLIOSIS
    tissue[nuclei > 0] = Tissue.GREY
    tissue[ventricles > 0] = Tissue.FLUID
    return tissue


def _furrow_depth(folds: Matrix, points_mm: Matrix, width: float) -> Matrix:
    """Return how far furrows cut into the brain, in mm: sulci, and the fissure between the halves.

    Sulci follow the sheets on which a smooth random field, `folds`, is zero. That makes the surface
    irregular and different in each case. `width` 1 is that of the fluid in a furrow.
    """
    x, _, z = points_mm
    sulci = 10 * np.exp(-((folds / (0.25 * width)) ** 2))
    fissure = 28 * np.exp(-((x / (2.5 * width)) ** 2)) / (1 + np.exp(-z / 6))
    depth_mm: Matrix = np.maximum(sulci, fissure)
    return depth_mm


def _ventricle_depth(rng: np.random.Generator, points_mm: Matrix) -> Matrix:
    """Return the depth inside the two lateral ventricles, arched and of a size that varies."""
    x, y, z = points_mm
    arched = np.stack([np.abs(x) - 0.006 * y**2, y, z + 0.008 * y**2])
    size = rng.uniform(0.7, 1.5)
    return _ellipsoid_depth(arched, (9, -3, 11), (5.5 * size, 30 * size**0.5, 9 * size))


def _nuclei_depth(points_mm: Matrix) -> Matrix:
    """Return the depth inside the deep grey matter, one nucleus on either side."""
    x, y, z = points_mm
    return _ellipsoid_depth(np.stack([np.abs(x), y, z]), (19, 4, -4), (9, 18, 11))


def _draw_lesion(
    rng: np.random.Generator, grid: Grid, points_mm: Matrix, centres: AnyArray
) -> Matrix:
    """Return the depth inside a lesion and inside its core, shape [2, I, J, K], in mm."""
    core_centre = points_mm[:, centres][:, rng.integers(np.count_nonzero(centres))]
    radius_mm = np.exp(rng.uniform(np.log(14), np.log(25)))
    core_mm = radius_mm * rng.uniform(0.45, 0.7)
    stretch = rng.uniform(0.75, 1.3, 3)
    centre = core_centre + rng.uniform(-0.15, 0.15, 3) * radius_mm
    lesion = _ellipsoid_depth(points_mm, tuple(centre), tuple(stretch * radius_mm))
    core = _ellipsoid_depth(points_mm, tuple(core_centre), tuple(stretch[::-1] * core_mm))
    lesion += 0.22 * radius_mm * _bounded_noise(rng, grid, scale_mm=8)
    core += 0.22 * core_mm * _bounded_noise(rng, grid, scale_mm=5)
    return np.stack([lesion, np.minimum(core, lesion - _RIM_MM)])


def _bounded_noise(rng: np.random.Generator, grid: Grid, scale_mm: float) -> Matrix:
    """Return smooth noise that cannot take the centre of a lesion away."""
    return np.clip(smooth_noise(rng, grid, scale_mm), -2, 2)
