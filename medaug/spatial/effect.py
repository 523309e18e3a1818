"""What every spatial effect offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from typing_extensions import Self

from medaug.geometry import Warp
from medaug.spatial.grid import Grid


class SpatialEffect(ABC):
    """A random warp to the grid that it is given.

    Attributes
    ----------
    reframes : bool
        It chooses another grid to look through, as a crop does, instead of moving what is seen.
    """

    reframes: ClassVar[bool] = False

    @abstractmethod
    def sample(self, rng: np.random.Generator, grid: Grid) -> Warp:
        """Draw the parameters and return the pull-back to voxels of ``grid``."""

    def at_magnitude(self, magnitude: float) -> Self:
        """Return the effect with its ranges drawn in: 1 is itself, and 0 changes nothing.

        One that there cannot be less of, such as a crop to a fixed size, stays as it is.
        """
        return self

    def check_fits(self, grid: Grid) -> None:  # noqa: B027  # most act on any grid
        """Raise ``ValueError`` if the effect cannot act on ``grid``."""
