"""Cubic B-spline free-form deformations: a lattice of control displacements.

The displacement at ``x`` is ``u(x) = sum_m B(x - m) c_m``, the tensor product of uniform cubic
B-splines over the 4 x 4 x 4 control points around ``x`` (Rueckert et al. 1999, IEEE TMI 18(8)).
Beyond the lattice its outermost control points continue for ever, so ``u`` is defined everywhere.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from medaug.typing import AnyArray, FloatArray, Matrix

#: ``x -> x + u(x)`` is injective where every control displacement, in units of the control spacing
#: of its axis, is below 1 / K3 = 0.4033 (Choi and Lee 2000, Graphical Models 62; 3D).
INJECTIVITY_BOUND = 0.4

#: The mean over the cell of the sum of squared weights of the cubic B-spline, 151 / 315. By it the
#: variance of independent control displacements shrinks along each axis.
VARIANCE_FACTOR = 151.0 / 315.0

#: Control points that may be asked for beyond the lattice, on each side.
LATTICE_MARGIN = 3

#: Fixed-point steps of the inverse, at most. Below the bound ``u`` is a contraction, so the
#: iteration converges; a sampled lattice is far from the worst case.
INVERSE_STEPS = 40
INVERSE_TOLERANCE_VOXELS = 1e-7


@dataclass(frozen=True, eq=False)
class Lattice:
    """Control displacements on a regular grid, all in voxels of the frame that they deform.

    Parameters
    ----------
    control : float32 array [3, L, M, N]
        Displacement along each axis at each control point. An axis of length one is constant.
    origin : float64 array [3]
        Voxel coordinate of control point (0, 0, 0).
    spacing : float64 array [3]
        Voxels from one control point to the next.
    """

    control: FloatArray
    origin: Matrix
    spacing: Matrix

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON keeps exactly; the control displacements as base64 of their bytes.

        As numbers they would be read and written more slowly than the volume is resampled.
        """
        return {
            "shape": list(self.control.shape),
            "control_base64": b64encode(self.control.astype("<f4").tobytes()).decode("ascii"),
            "origin": self.origin.tolist(),
            "spacing": self.spacing.tolist(),
        }

    @staticmethod
    def from_dict(record: Mapping[str, Any]) -> Lattice:
        """Return the lattice that :meth:`to_dict` described."""
        control = np.frombuffer(b64decode(record["control_base64"]), "<f4")
        return Lattice(
            control.astype(np.float32).reshape(record["shape"]),
            np.array(record["origin"], dtype=np.float64),
            np.array(record["spacing"], dtype=np.float64),
        )


def lattice_grid(
    lower: Sequence[float] | AnyArray,
    upper: Sequence[float] | AnyArray,
    spacing: Sequence[float] | AnyArray,
) -> tuple[tuple[int, int, int], Matrix]:
    """Return the shape and origin of the centred lattice whose cells cover ``lower`` to ``upper``.

    Parameters
    ----------
    lower, upper : sequence of 3 floats
        Corners of the region in voxel coordinates. An axis of no extent gets one control point.
    spacing : sequence of 3 floats
        Control spacing in voxels.

    >>> lattice_grid([0, 0, 0], [20, 10, 0], [10, 10, 10])
    ((5, 4, 1), array([-10., -10.,   0.]))
    """
    lower, upper = np.asarray(lower, np.float64), np.asarray(upper, np.float64)
    cells = np.ceil((upper - lower) / spacing)
    # A cubic spline needs one more control point on either side of each cell.
    shape = np.where(cells > 0, cells + 3, 1)
    origin = (lower + upper) / 2 - (shape - 1) / 2 * np.asarray(spacing, np.float64)
    return (int(shape[0]), int(shape[1]), int(shape[2])), origin


def bspline_weights(fraction: AnyArray) -> Matrix:
    """Return the four cubic B-spline weights [..., 4] at ``fraction`` [...] in [0, 1) of a cell."""
    t = np.asarray(fraction, dtype=np.float64)
    weights = [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]
    return np.stack(weights, axis=-1) / 6.0


def lattice_displacement(lattice: Lattice, points: AnyArray) -> Matrix:
    """Return the displacement [N, 3] in voxels at ``points`` [N, 3] in voxel coordinates."""
    position = (np.asarray(points, np.float64) - lattice.origin) / lattice.spacing
    cell = np.floor(position)
    weights = bspline_weights(position - cell)  # [N, 3, 4]
    last = np.array(lattice.control.shape[1:]) - 1
    index = cell[:, :, None].astype(np.int64) + np.arange(-1, 3)
    index = np.clip(index, 0, last[None, :, None])  # [N, 3, 4]
    # The axis of the component comes last because advanced indices come first.
    support = lattice.control.transpose(1, 2, 3, 0)[
        index[:, 0, :, None, None], index[:, 1, None, :, None], index[:, 2, None, None, :]
    ]
    return np.asarray(
        np.einsum("nijkc,ni,nj,nk->nc", support, weights[:, 0], weights[:, 1], weights[:, 2])
    )


def lattice_taps(lattice: Lattice, axis: int, size: int) -> tuple[AnyArray, FloatArray]:
    """Return the first of the four control points around voxels ``0..size`` of an axis.

    And their weights: int64 [size], float32 [4, size]. The first may lie up to three control points
    before the lattice, and the last as far behind it; there its outermost ones go on.
    """
    position = (np.arange(size) - lattice.origin[axis]) / lattice.spacing[axis]
    cell = np.floor(position)
    weights = bspline_weights(position - cell).T.astype(np.float32)
    # Beyond, all four are equal, so that their weights do not matter.
    first = np.clip(cell.astype(np.int64) - 1, -LATTICE_MARGIN, lattice.control.shape[axis + 1] - 1)
    return first, np.ascontiguousarray(weights)


def lattice_with_margin(lattice: Lattice) -> FloatArray:
    """Return the control displacements [L + 6, M + 6, N + 6, 4]: edges go on, one entry spare."""
    sizes = lattice.control.shape[1:]
    margin = LATTICE_MARGIN
    places = [np.clip(np.arange(-margin, size + margin), 0, size - 1) for size in sizes]
    padded = np.zeros((*np.add(sizes, 2 * margin), 4), np.float32)
    padded[..., :3] = lattice.control.transpose(1, 2, 3, 0)[np.ix_(*places)]
    return padded


def lattice_inverse_points(lattice: Lattice, points: AnyArray) -> Matrix:
    """Solve ``x + u(x) = points`` for ``x`` by fixed-point iteration; float64 [N, 3]."""
    points = np.asarray(points, np.float64)
    solution = points.copy()
    for _ in range(INVERSE_STEPS):
        step = points - lattice_displacement(lattice, solution) - solution
        solution += step
        if np.abs(step).max(initial=0.0) < INVERSE_TOLERANCE_VOXELS:
            break
    return solution


def lattice_through_grid_map(lattice: Lattice, matrix: Matrix) -> Lattice:
    """Return the lattice ``v`` for which ``g(x) + u(g(x)) = g(x + v(x))``.

    Parameters
    ----------
    lattice : Lattice
        The displacement ``u``.
    matrix : float64 array [4, 4]
        The map ``g``: a signed permutation with any shift.
    """
    linear, offset = matrix[:3, :3], matrix[:3, 3]
    # axis_of[b] is the axis of g's image that axis b of its domain becomes.
    axis_of = np.abs(linear).argmax(axis=0)
    sign = linear[axis_of, np.arange(3)]
    control = lattice.control[axis_of].transpose(0, *(axis_of + 1))
    control = control * sign[:, None, None, None].astype(np.float32)
    spacing, origin = lattice.spacing[axis_of], lattice.origin[axis_of] - offset[axis_of]
    for axis in np.flatnonzero(sign < 0):
        control = np.flip(control, int(axis) + 1)
        origin[axis] = -origin[axis] - (control.shape[axis + 1] - 1) * spacing[axis]
    return Lattice(np.ascontiguousarray(control), origin, spacing)
