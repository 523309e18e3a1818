"""What an effect may know of an image when it draws its parameters."""

from __future__ import annotations

from dataclasses import dataclass

from medaug.geometry import Shape


@dataclass(frozen=True)
class ImageFacts:
    """The grid of an image.

    Parameters
    ----------
    shape : tuple of 3 ints
        Voxels along each axis; two-dimensional images are one slice thick.
    spacing_mm : tuple of 3 floats
        Distance of voxel centres along each axis.
    rank : int
        Spatial axes that the image has: 2 for a two-dimensional one, otherwise 3.
    """

    shape: Shape
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    rank: int = 3

    @property
    def wide_axes(self) -> tuple[int, ...]:
        """Axes of more than one voxel: along the others there is nothing to blur or to fold."""
        return tuple(axis for axis, n in enumerate(self.shape) if n > 1)
