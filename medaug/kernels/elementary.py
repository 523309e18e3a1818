"""Elementary functions of float32, short enough for LLVM to run them in all lanes of a register.

The mathematical library is called for one number at a time. These agree with it to about 3e-7,
relative for powers of two and absolute for the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.polynomial import Chebyshev, Polynomial

from medaug.kernels.jit import kernel

_SIGNIFICAND_BITS = np.int32(23)
_ROOT_HALF = np.int32(np.float32(math.sqrt(0.5)).view(np.int32))
_ONE_EXPONENT = np.int32(127)


def _near(function: Callable[[Any], Any], low: float, high: float, degree: int) -> list[Any]:
    """Return the float32 coefficients of the polynomial that stays nearest to ``function``.

    Interpolated at the Chebyshev points of the interval, which comes close to the best one.
    """
    near = Chebyshev.interpolate(function, degree, domain=[low, high])
    return [np.float32(c) for c in near.convert(kind=Polynomial).coef]


# log2(m) = t * series(t) with t = m - 1 and m around 1: no division, which takes longest of all.
_L0, _L1, _L2, _L3, _L4, _L5, _L6, _L7 = _near(
    lambda t: np.log1p(t) / (t * math.log(2.0)), math.sqrt(0.5) - 1.0, math.sqrt(2.0) - 1.0, 7
)
_E0, _E1, _E2, _E3, _E4, _E5 = _near(np.exp2, -0.5, 0.5, 5)
# The sine and cosine of an eighth of a turn at most, by their power series.
_S3, _S5, _S7, _S9 = (np.float32((-1) ** (n // 2) / math.factorial(n)) for n in (3, 5, 7, 9))
_C2, _C4, _C6, _C8 = (np.float32((-1) ** (n // 2) / math.factorial(n)) for n in (2, 4, 6, 8))
_QUARTER = np.float32(math.pi / 2.0)


@kernel
def log2(x):
    """Return the binary logarithm of a positive float32; of zero, about -127."""
    one = np.float32(1.0)
    bits = np.float32(x).view(np.int32)
    exponent = np.int32(np.int32(bits - _ROOT_HALF) >> _SIGNIFICAND_BITS)
    m = np.int32(bits - np.int32(exponent << _SIGNIFICAND_BITS)).view(np.float32)
    t = m - one
    high = _L4 + t * (_L5 + t * (_L6 + t * _L7))
    return np.float32(exponent) + t * (_L0 + t * (_L1 + t * (_L2 + t * (_L3 + t * high))))


@kernel
def exp2(x):
    """Return 2 to the power of a float32, which is limited to -126 to 127."""
    x = min(max(x, np.float32(-126.0)), np.float32(127.0))
    whole = np.floor(x + np.float32(0.5))
    r = x - whole
    series = _E0 + r * (_E1 + r * (_E2 + r * (_E3 + r * (_E4 + r * _E5))))
    bits = np.int32((np.int32(whole) + _ONE_EXPONENT) << _SIGNIFICAND_BITS)
    return series * bits.view(np.float32)


@kernel
def cos_sin_of_turn(turn):
    """Return cosine and sine of a part of a full turn, float32 in [-0.5, 0.5]."""
    quarters = np.floor(np.float32(4.0) * turn + np.float32(0.5))
    r = (np.float32(4.0) * turn - quarters) * _QUARTER
    square = r * r
    sine = r * (np.float32(1.0) + square * (_S3 + square * (_S5 + square * (_S7 + square * _S9))))
    cosine = np.float32(1.0) + square * (_C2 + square * (_C4 + square * (_C6 + square * _C8)))
    quadrant = np.int32(quarters) & np.int32(3)
    swapped = (quadrant & np.int32(1)) != 0
    x, y = (sine, cosine) if swapped else (cosine, sine)
    x = -x if (quadrant == 1) | (quadrant == 2) else x
    y = -y if quadrant >= 2 else y
    return x, y
