"""Spatial effects: each draws its parameters and gives stages of a warp."""

from medaug.spatial.elastic import Elastic
from medaug.spatial.flip import Flip
from medaug.spatial.grid import Grid, output_shape_of
from medaug.spatial.joint import MaybeEffect, SpatialEffect, sample_warp
from medaug.spatial.rotate import Rotate
from medaug.spatial.scale import Scale
from medaug.spatial.shear import Shear
from medaug.spatial.translate import Translate

__all__ = [
    "Elastic",
    "Flip",
    "Grid",
    "MaybeEffect",
    "Rotate",
    "Scale",
    "Shear",
    "SpatialEffect",
    "Translate",
    "output_shape_of",
    "sample_warp",
]
