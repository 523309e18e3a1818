"""Dictionary transforms for MONAI pipelines."""

from medaug.transforms.intensity import (
    RandGammaD,
    RandGammad,
    RandGammaDict,
    RandIntensityScaleD,
    RandIntensityScaled,
    RandIntensityScaleDict,
    RandNoiseD,
    RandNoised,
    RandNoiseDict,
)
from medaug.transforms.spatial import RandSpatialD, RandSpatiald, RandSpatialDict

__all__ = [
    "RandGammaD",
    "RandGammaDict",
    "RandGammad",
    "RandIntensityScaleD",
    "RandIntensityScaleDict",
    "RandIntensityScaled",
    "RandNoiseD",
    "RandNoiseDict",
    "RandNoised",
    "RandSpatialD",
    "RandSpatialDict",
    "RandSpatiald",
]
