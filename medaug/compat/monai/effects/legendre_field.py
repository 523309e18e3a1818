"""A bias field made of products of Legendre polynomials."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.polynomial import legendre

from medaug.intensity import Channel, ImageFacts, Parameters
from medaug.kernels.field import multiply_by_power_of_two
from medaug.ranges import Range, drawn_in
from medaug.typing import FloatArray, Matrix

_LOG2_E = 1.0 / math.log(2.0)


@dataclass(frozen=True)
class LegendreField:
    r"""Multiply by ``exp(p)``, where ``p`` is a sum of products of Legendre polynomials.

    In three dimensions these are all ``P_i(x) P_j(y) P_k(z)`` with ``i + j + k <= degree``, in two
    all ``P_i(x) P_j(y)`` with ``j <= i <= degree``, each times a coefficient, in the order of the
    indices. An axis goes from -1 to 1; a single voxel is at -1.

    Parameters
    ----------
    degree : int
        At least 1.
    coefficient : range
        Of either sign.
    """

    degree: int
    coefficient: Range

    def __post_init__(self) -> None:
        if self.degree < 1:
            raise ValueError(f"degree must not be less than 1; got {self.degree}")

    def at_magnitude(self, magnitude: float) -> LegendreField:
        """Return the effect with flatter fields."""
        return replace(self, coefficient=drawn_in(self.coefficient, magnitude))

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``coefficients``, a list."""
        count = len(_orders(self.degree, facts.rank))
        return {"coefficients": rng.uniform(*self.coefficient, count).tolist()}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Multiply a channel by the field."""
        rank = channel.facts.rank
        table = np.zeros((self.degree + 1,) * rank)
        table[tuple(np.transpose(_orders(self.degree, rank)))] = parameters["coefficients"]
        shape = channel.facts.shape[:rank]
        *columns, basis = [self._polynomials(n) for n in shape]
        rows = _LOG2_E * _along_rows(table, columns).reshape(-1, self.degree + 1)

        def write(voxels: FloatArray, out: FloatArray) -> None:
            lines = (len(rows), shape[-1])
            multiply_by_power_of_two(
                voxels.reshape(lines),
                rows.astype(np.float32),
                np.ascontiguousarray(basis.T, np.float32),
                out.reshape(lines),
            )

        channel.rewrite(write)

    def _polynomials(self, voxels: int) -> Matrix:
        """Return the values of all polynomials along an axis, [voxels, degree + 1]."""
        places = np.linspace(-1.0, 1.0, voxels)
        return np.asarray(legendre.legvander(places, self.degree), np.float64)


def _orders(degree: int, rank: int) -> list[tuple[int, ...]]:
    """Return the orders of the polynomials in each product."""
    every = product(range(degree + 1), repeat=rank)
    if rank == 2:
        return [(i, j) for i, j in every if j <= i]
    return [orders for orders in every if sum(orders) <= degree]


def _along_rows(table: Matrix, columns: list[Matrix]) -> Matrix:
    """Return the coefficients of the last axis' polynomials for each row of voxels."""
    for axis, column in enumerate(columns):
        table = np.moveaxis(np.tensordot(column, table, (1, axis)), 0, axis)
    return table
