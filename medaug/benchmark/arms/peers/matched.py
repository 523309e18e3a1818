"""The numbers of the policy ``default``, which the arms of MONAI and TorchIO are matched to.

Neither library draws the strength of an elastic deformation as the policy does, so its ranges are
cut into three parts of equal probability, and the middle of each stands for it.
"""

from __future__ import annotations

ROTATE_DEGREES = 15.0
ROTATE_PROB = 0.5
SCALE = 0.15
SCALE_PROB = 0.5
SHEAR_DEGREES = 5.0
SHEAR_PROB = 0.25
ELASTIC_SPACING_MM = (16.0, 32.0)
ELASTIC_STD_MM = (0.5, 2.0)
ELASTIC_PROB = 0.5
FLIP_PROB = (0.5, 0.0, 0.0)
CONTRAST_FACTOR = (0.75, 1.25)
CONTRAST_PROB = 0.25
GAMMA = (0.7, 1.5)
GAMMA_PROB = 0.25
NOISE_STD = (0.0, 0.1)
NOISE_PROB = 0.15


def middles(bounds: tuple[float, float], parts: int = 3) -> tuple[float, ...]:
    """Return the middles of the equal parts of a range.

    >>> middles((0.5, 2.0))
    (0.75, 1.25, 1.75)
    """
    low, high = bounds
    return tuple(low + (high - low) * (2 * part + 1) / (2 * parts) for part in range(parts))
