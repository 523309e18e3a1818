"""Spatial effects: each draws its parameters and gives a warp."""

from medaug.spatial.crop import CenterCrop, ForegroundCrop, RandomCrop
from medaug.spatial.effect import SpatialEffect
from medaug.spatial.elastic import Elastic
from medaug.spatial.flip import Flip
from medaug.spatial.foreground import Foreground, LabelArray, LabelVoxels, Voxels
from medaug.spatial.grid import Grid
from medaug.spatial.joint import Move, Step, sample_move
from medaug.spatial.label_index import LabelIndex, index_of, with_index
from medaug.spatial.resize import ResizeToSize, ResizeToSpacing
from medaug.spatial.rotate import Rotate
from medaug.spatial.rotate90 import Rotate90
from medaug.spatial.scale import Scale
from medaug.spatial.shear import Shear
from medaug.spatial.size import SizeLike, SpacingLike, parse_size, parse_spacing_mm
from medaug.spatial.translate import Translate

__all__ = [
    "CenterCrop",
    "Elastic",
    "Flip",
    "Foreground",
    "ForegroundCrop",
    "Grid",
    "LabelArray",
    "LabelIndex",
    "LabelVoxels",
    "Move",
    "RandomCrop",
    "ResizeToSize",
    "ResizeToSpacing",
    "Rotate",
    "Rotate90",
    "Scale",
    "Shear",
    "SizeLike",
    "SpacingLike",
    "SpatialEffect",
    "Step",
    "Translate",
    "Voxels",
    "index_of",
    "parse_size",
    "parse_spacing_mm",
    "sample_move",
    "with_index",
]
