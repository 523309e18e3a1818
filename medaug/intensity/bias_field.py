"""Smooth multiplicative bias, as receive coils leave it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.polynomial import legendre

from medaug.intensity.channel import Channel
from medaug.intensity.effect import Parameters
from medaug.intensity.facts import ImageFacts
from medaug.ranges import Range, drawn_in
from medaug.typing import FloatArray, Matrix

#: Highest power of the polynomial, in all axes together.
DEGREE = 3
#: Places along each axis at which the extremes of a field are looked for.
_PLACES = np.linspace(-1.0, 1.0, 9)


@dataclass(frozen=True)
class BiasField:
    r"""Multiply by ``exp(p)``, where ``p`` is a smooth polynomial of the place.

    ``p`` is a sum of products of Legendre polynomials with normal factors, of degree 3 at most, as
    bias correction models it (Styner et al. 2000, IEEE Transactions on Medical Imaging 19(3)). It
    is scaled so that the brightest and the darkest place differ by the factor ``1 + strength``, and
    has no constant part, so that what is typical stays as bright as it was.

    Parameters
    ----------
    strength : range
        Not negative; 1 makes the brightest place twice as bright as the darkest.
    zero_is_low : bool
        What is multiplied is the height above the smallest value of the channel, which stands for
        no signal, as after a z-score, instead of the value itself.
    """

    strength: Range
    zero_is_low: bool = True

    def at_magnitude(self, magnitude: float) -> BiasField:
        """Return the effect with flatter fields."""
        return replace(self, strength=drawn_in(self.strength, magnitude))

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``terms``: 64 factors of the powers of the place; see :func:`smooth_terms`."""
        span = math.log1p(float(rng.uniform(*self.strength)))
        return {"terms": smooth_terms(rng, facts, span).ravel().tolist()}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Multiply a channel by the field."""
        terms = np.array(parameters["terms"], np.float32)
        if not terms.any():
            return
        zero = channel.low if self.zero_is_low else 0.0
        if zero != 0:
            channel.linear(1.0, -zero)
        channel.multiply_field(terms.reshape(4, 4, 4))
        if zero != 0:
            channel.linear(1.0, zero)


def smooth_terms(rng: np.random.Generator, facts: ImageFacts, span: float) -> FloatArray:
    """Draw the terms, float32 [4, 4, 4], of a polynomial whose extremes differ by ``span``.

    It does not change along axes of a single voxel; see :meth:`Channel.multiply_field`.
    """
    powers = np.indices((DEGREE + 1,) * 3)
    allowed = (powers.sum(axis=0) <= DEGREE) & (powers.sum(axis=0) > 0)
    for axis, n in enumerate(facts.shape):
        if n == 1:
            allowed &= powers[axis] == 0
    factors = rng.normal(size=allowed.shape) * allowed
    if span == 0 or not allowed.any():
        return np.zeros(allowed.shape, np.float32)
    field = legendre.leggrid3d(_PLACES, _PLACES, _PLACES, factors)
    factors *= span / np.ptp(field)
    return np.asarray(np.einsum("abc,ai,bj,ck->ijk", factors, *[_POWERS] * 3), np.float32)


def _powers_of_legendre() -> Matrix:
    """Return the factors of the powers of ``x`` in each Legendre polynomial, [4, 4]."""
    rows = np.zeros((DEGREE + 1, DEGREE + 1))
    for n, unit in enumerate(np.eye(DEGREE + 1)):
        polynomial = legendre.leg2poly(unit[: n + 1])
        rows[n, : len(polynomial)] = polynomial
    return rows


_POWERS = _powers_of_legendre()
