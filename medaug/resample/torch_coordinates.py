"""Input coordinates of slabs of the output, on the device of the tensors that are read there.

The stages are laid out by :mod:`medaug.resample.chain`, as for the compiled backend, and so the
closed form of the head and the float32 arithmetic of the tail are the same, too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeAlias

import numpy as np
import torch

from medaug.geometry import LATTICE_MARGIN, Warp
from medaug.kernels.rows import AFFINE, INVERSE_STEPS, INVERSE_TOLERANCE, LATTICE
from medaug.resample.chain import Tail, chain_of
from medaug.resample.torch_splines import spline_weights, tensor_product
from medaug.typing import AnyArray

#: From points [3, n] to points [3, n], float32.
_Map: TypeAlias = Callable[[torch.Tensor], torch.Tensor]


class SlabCoordinates:
    """Where the voxels of slabs of the output of ``warp`` come from.

    The head ``matrix @ (x + u(x))`` is a sum of a term for each axis, the ramps, which float64
    makes exact on the CPU, and of a spline that is worked out axis by axis.
    """

    def __init__(self, warp: Warp, device: torch.device) -> None:
        head, tail = chain_of(warp)
        ramps = [head.matrix[:3, a, None] * np.arange(n) for a, n in enumerate(warp.output_shape)]
        ramps[0] += head.matrix[:3, 3:]
        self._ramps = [_on(device, ramp.astype(np.float32)) for ramp in ramps]
        self._control = _on(device, head.control[..., :3].transpose(3, 0, 1, 2))
        self._firsts = [_on(device, a) for a in (head.first_i, head.first_j, head.first_k)]
        self._weights = [_on(device, a) for a in (head.weights_i, head.weights_j, head.weights_k)]
        self._tail = [_stage(tail, s, device) for s in range(len(tail.kinds))]

    def of_planes(self, start: int, stop: int) -> torch.Tensor:
        """Return the input coordinates, float32 [3, n], of the output planes ``start..stop``."""
        i, j, k = self._ramps
        points = i[:, start:stop, None, None] + j[:, None, :, None] + k[:, None, None, :]
        if self._control.numel():
            points += self._bend(slice(start, stop))
        points = points.view(3, -1)
        for stage in self._tail:
            points = stage(points)
        return points

    def _bend(self, planes: slice) -> torch.Tensor:
        """Return the spline of the head, [3, planes, J, K]: one axis of its lattice at a time."""
        values, everything = self._control, slice(None)
        for axis, part in enumerate((planes, everything, everything)):
            first, weights = self._firsts[axis][part], self._weights[axis][:, part]
            along = [-1 if a == axis else 1 for a in range(3)]
            terms = (
                values.index_select(axis + 1, first + m) * weights[m].view(along) for m in range(4)
            )
            values = sum(terms, start=next(terms))
        return values


class _Lattice(NamedTuple):
    """A lattice of the tail, where points may lie anywhere."""

    control: torch.Tensor  # [control points, margin included; 3]
    shape: list[int]  # without the margin
    origin: list[float]
    inverse_spacing: list[float]

    def displacement(self, points: torch.Tensor) -> torch.Tensor:
        """Return the displacement at ``points``, both [3, n]."""
        _, rows, columns = (n + 2 * LATTICE_MARGIN for n in self.shape)
        axes = []
        for axis, step in enumerate((rows * columns, columns, 1)):
            position = (points[axis] - self.origin[axis]) * self.inverse_spacing[axis]
            # Beyond the margin all control points are equal, so the cell stops there.
            position = position.clamp(-2.0, self.shape[axis])
            cell = position.floor()
            first = cell.long() + (LATTICE_MARGIN - 1)
            weights = spline_weights(position - cell)
            axes.append([((first + m) * step, weight) for m, weight in enumerate(weights)])
        total = torch.zeros_like(points)
        for offset, weight in tensor_product(axes):
            total.addcmul_(weight, self.control.index_select(0, offset).T)
        return total

    def bend(self, points: torch.Tensor) -> torch.Tensor:
        """Return ``points + u(points)``."""
        return points + self.displacement(points)

    def undo(self, points: torch.Tensor) -> torch.Tensor:
        """Return the ``x`` with ``x + u(x) = points``, by fixed-point iteration."""
        moves = torch.zeros_like(points)
        for _ in range(INVERSE_STEPS):
            guess = points - moves
            moves = self.displacement(guess)
            if float((guess + moves - points).abs().max()) < INVERSE_TOLERANCE:
                break
        return points - moves


def _stage(tail: Tail, s: int, device: torch.device) -> _Map:
    """Return stage ``s`` of the tail."""
    if tail.kinds[s] == AFFINE:
        return partial(_affine, tail.matrices[s].tolist())
    shape, first = tail.shapes[s], tail.firsts[s]
    count = 4 * int(np.prod(shape + 2 * LATTICE_MARGIN))
    control = tail.controls[first : first + count].reshape(-1, 4)[:, :3]
    lattice = _Lattice(
        _on(device, control),
        shape.tolist(),
        tail.origins[s].tolist(),
        tail.inverse_spacings[s].tolist(),
    )
    return lattice.bend if tail.kinds[s] == LATTICE else lattice.undo


def _affine(matrix: list[list[float]], points: torch.Tensor) -> torch.Tensor:
    x, y, z = points
    return torch.stack([a * x + b * y + c * z + d for a, b, c, d in matrix])


def _on(device: torch.device, array: AnyArray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to(device)
