"""A row of output from the coefficients of a cubic B-spline.

The coefficients of a box of the volume are float32 [C, I, J, K], C-contiguous, with one mirrored
voxel of margin on each side and four entries at least along each axis. So all 64 taps of a
coordinate inside the volume exist.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from medaug.kernels.corners import inside, offsets
from medaug.kernels.gather import ROUNDING
from medaug.kernels.jit import kernel
from medaug.kernels.memory import FUSED, PLAIN, vector_of
from medaug.kernels.rows import bspline_weights

U = np.uintp  # unsigned indices: see medaug.kernels.gather


@kernel
def axis_taps(xyz, r, axis, size, box, padding, base, weights, cover):
    """Write the first tap (int32) and the four weights along one axis for a row of coordinates.

    And multiply ``cover`` by how much of each lies inside, which is the sum of its linear weights.
    """
    zero, one, last = np.float32(0.0), np.float32(1.0), np.float32(size - 1)
    first = np.int32(box[0, axis])
    lowest, highest = np.float32(box[0, axis]), np.float32(box[1, axis] - 1)
    top = np.float32(max(box[1, axis] - 2, box[0, axis]))
    row = 4 * axis
    for k in range(xyz.shape[2]):
        position = inside(xyz[r, axis, k], size, padding)
        overhang = abs(position - min(max(position, zero), last))
        cover[k] *= max(zero, one - overhang)
        position = min(max(position, lowest), highest)
        floor = min(np.floor(position), top)
        base[axis, k] = np.int32(floor) - first  # the tap before it, because of the margin
        w0, w1, w2, w3 = bspline_weights(position - floor)
        weights[row, k], weights[row + 1, k] = w0, w1
        weights[row + 2, k], weights[row + 3, k] = w2, w3


@kernel
def row_taps(xyz, r, shape, box, strides, padding, base, weights, offset, cover):
    """Write the offset of the first of the 64 taps, and the weights along each axis, for a row.

    Parameters
    ----------
    xyz : float32 [rows, 3, n]
    r : int
        The row.
    shape : int64 [3]
        Of the volume.
    box : int64 [2, 3]
        The part of it that has coefficients; see :mod:`medaug.kernels.corners`.
    strides : int64 [3]
        Of the coefficients, in elements.
    padding : int
    base : int32 [3, n]
        Scratch.
    weights : float32 [12, n]
        Of the four taps along the first, second and third axis.
    offset : intp [n]
    cover : float32 [n]
        How much of each output voxel lies inside the volume, 0 to 1.
    """
    for k in range(cover.shape[0]):
        cover[k] = np.float32(1.0)
    for axis in range(3):
        axis_taps(xyz, r, axis, shape[axis], box, padding, base, weights, cover)
    offsets(base, strides, offset)


def _plain_sum(channel, offset, step_i, step_j, a, b, c):
    """Return the weighted sum of the 64 taps from ``offset`` on; the last axis has no gaps.

    Parameters
    ----------
    channel : float32 [n]
    offset, step_i, step_j : uintp
        Elements, and the steps to the next tap along the first two axes.
    a, b, c : tuples of 4 float32
        Weights along each axis.
    """
    total = np.float32(0.0)
    for i in range(4):
        for j in range(4):
            o = offset + U(i) * step_i + U(j) * step_j
            line = (channel[o] * c[0] + channel[o + U(1)] * c[1]) + (
                channel[o + U(2)] * c[2] + channel[o + U(3)] * c[3]
            )
            total += a[i] * b[j] * line
    return total


def _weighted(builder: ir.IRBuilder, weights: list[ir.Value], vectors: list[ir.Value]) -> ir.Value:
    total = None
    for weight, vector in zip(weights, vectors, strict=True):
        term = builder.fmul(vector, vector_of(builder, *[weight] * 4), flags=FUSED)
        total = term if total is None else builder.fadd(total, term, flags=FUSED)
    return total


@intrinsic
def _sum_in_lanes(
    _typing: Any, channel: Any, offset: Any, step_i: Any, step_j: Any, a: Any, b: Any, c: Any
) -> Any:
    """``_plain_sum`` with the four taps along the last axis in the lanes of one register.

    LLVM unrolls so short a loop before it looks for vectors, and then takes four times the steps.
    """

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> ir.Value:
        data = context.make_array(signature.args[0])(context, builder, given[0]).data
        data = builder.gep(data, [given[1]])
        weights = [cgutils.unpack_tuple(builder, each, 4) for each in given[4:7]]
        four_floats = ir.VectorType(ir.FloatType(), 4).as_pointer()
        planes = []
        for _ in range(4):
            start, lines = data, []
            for _ in range(4):
                lines.append(builder.load(builder.bitcast(start, four_floats), align=4))
                start = builder.gep(start, [given[3]])
            planes.append(_weighted(builder, weights[1], lines))
            data = builder.gep(data, [given[2]])
        total = builder.fmul(
            _weighted(builder, weights[0], planes), vector_of(builder, *weights[2])
        )
        lanes = [builder.extract_element(total, cgutils.int32_t(lane)) for lane in range(4)]
        return builder.fadd(builder.fadd(lanes[0], lanes[1]), builder.fadd(lanes[2], lanes[3]))

    return types.float32(channel, offset, step_i, step_j, a, b, c), generate


sum_of_taps: Any = kernel(_plain_sum) if PLAIN else _sum_in_lanes


@kernel
def cubic_row(channel, offset, weights, step_i, step_j, out):
    """Interpolate a row of one channel."""
    for k in range(U(out.shape[0])):
        a = weights[0, k], weights[1, k], weights[2, k], weights[3, k]
        b = weights[4, k], weights[5, k], weights[6, k], weights[7, k]
        c = weights[8, k], weights[9, k], weights[10, k], weights[11, k]
        out[k] = sum_of_taps(channel, U(offset[k]), step_i, step_j, a, b, c)


@kernel
def blend_outside(cover, fill, out):
    """Fade each output voxel into ``fill`` by its share outside; rounding alone is no share."""
    for k in range(out.shape[0]):
        share = np.float32(1.0) - cover[k]
        if share > ROUNDING:
            out[k] = cover[k] * out[k] + share * fill
