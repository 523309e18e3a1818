"""Whether voxels of two cases mean the same."""

from __future__ import annotations

import numpy as np

from medaug.geometry import affine_spacing
from medaug.typing import Matrix

#: By how much a spacing may differ, as a share.
SPACING_TOLERANCE = 0.05


def check_same_grid(own: Matrix, other: Matrix) -> None:
    """Raise ``ValueError`` unless two affines agree in spacing and orientation.

    Spacings may differ by a twentieth, and axes may lean by less than 45 degrees: heads are never
    tilted alike. Where the grid lies in the world does not matter.
    """
    ours, theirs = affine_spacing(own), affine_spacing(other)
    if not np.allclose(ours, theirs, rtol=SPACING_TOLERANCE, atol=0):
        raise ValueError(
            f"case and donor differ in spacing: {_rounded(ours)} and {_rounded(theirs)} mm; "
            "resample both to one spacing first"
        )
    cosines = np.sum(own[:3, :3] / ours * (other[:3, :3] / theirs), axis=0)
    if (cosines < np.sqrt(0.5)).any():
        raise ValueError(
            "case and donor differ in orientation; bring both to one first, as with MONAI's "
            f"Orientationd: {_rounded(own[:3, :3])} and {_rounded(other[:3, :3])}"
        )


def _rounded(values: Matrix) -> list[float]:
    rounded: list[float] = np.round(values, 3).tolist()
    return rounded
