"""Pure maths of where voxels come from: affine maps, B-spline lattices and warps."""

from medaug.geometry.affine import (
    affine_about,
    affine_apply,
    affine_flip,
    affine_in_voxels,
    affine_is_grid_map,
    affine_rotation,
    affine_scale,
    affine_shear,
    affine_spacing,
    affine_translation,
)
from medaug.geometry.lattice import (
    INJECTIVITY_BOUND,
    LATTICE_MARGIN,
    VARIANCE_FACTOR,
    Lattice,
    lattice_displacement,
    lattice_grid,
    lattice_taps,
    lattice_with_margin,
)
from medaug.geometry.warp import AffineStage, LatticeStage, Shape, Stage, Warp, WarpKind

__all__ = [
    "INJECTIVITY_BOUND",
    "LATTICE_MARGIN",
    "VARIANCE_FACTOR",
    "AffineStage",
    "Lattice",
    "LatticeStage",
    "Shape",
    "Stage",
    "Warp",
    "WarpKind",
    "affine_about",
    "affine_apply",
    "affine_flip",
    "affine_in_voxels",
    "affine_is_grid_map",
    "affine_rotation",
    "affine_scale",
    "affine_shear",
    "affine_spacing",
    "affine_translation",
    "lattice_displacement",
    "lattice_grid",
    "lattice_taps",
    "lattice_with_margin",
]
