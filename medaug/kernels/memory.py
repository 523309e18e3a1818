"""What LLVM does not find out by itself about the voxels that a gather loop reads.

The eight corners of a sample are four pairs of neighbours: :func:`blend` adds both halves up in the
lanes of one register. And where the next plane of a tile will read is known a plane ahead, while no
processor guesses it: :func:`prefetch` tells. ``make speed`` measures what each gives.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic

from medaug.kernels.jit import kernel

#: Flags of the arithmetic: multiply and add in one step.
FUSED = ("contract",)
_READ, _OUTER_CACHE, _DATA = 0, 1, 1  # arguments of LLVM's prefetch


def _plain_blend(channel, o0, o1, o2, o3, step, w0, w1, w2, w3, low, high):
    """Return ``low`` times the weighted sum of four voxels plus ``high`` times their neighbours'.

    Parameters
    ----------
    channel : array [n]
        float32 or an integer type of up to 16 bits.
    o0, o1, o2, o3, step : uintp
        Elements, and the step from each to its neighbour.
    w0, w1, w2, w3, low, high : float32
    """
    first = channel[o0] * w0 + channel[o1] * w1 + channel[o2] * w2 + channel[o3] * w3
    second = (
        channel[o0 + step] * w0
        + channel[o1 + step] * w1
        + channel[o2 + step] * w2
        + channel[o3 + step] * w3
    )
    return np.float32(first * low + second * high)


def vector_of(builder: ir.IRBuilder, *entries: ir.Value) -> ir.Value:
    """Emit a vector of scalars."""
    vector = ir.Constant(ir.VectorType(entries[0].type, len(entries)), ir.Undefined)
    for place, entry in enumerate(entries):
        vector = builder.insert_element(vector, entry, cgutils.int32_t(place))
    return vector


@intrinsic
def _blend_in_lanes(
    _typing: Any, channel: Any, o0: Any, o1: Any, o2: Any, o3: Any, step: Any,
    w0: Any, w1: Any, w2: Any, w3: Any, low: Any, high: Any,
) -> Any:  # fmt: skip
    """Do what ``_plain_blend`` does, both sums in the lanes of one register."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> ir.Value:
        data = context.make_array(signature.args[0])(context, builder, given[0]).data
        two_floats = ir.VectorType(ir.FloatType(), 2)
        total = None
        for offset, weight in zip(given[1:5], given[6:10], strict=True):
            first = builder.gep(data, [offset])
            second = builder.gep(first, [given[5]])
            pair = vector_of(builder, builder.load(first), builder.load(second))
            if isinstance(channel.dtype, types.Integer):
                convert = builder.sitofp if channel.dtype.signed else builder.uitofp
                pair = convert(pair, two_floats)
            term = builder.fmul(pair, vector_of(builder, weight, weight), flags=FUSED)
            total = term if total is None else builder.fadd(total, term, flags=FUSED)
        total = builder.fmul(total, vector_of(builder, *given[10:12]), flags=FUSED)
        lanes = [builder.extract_element(total, cgutils.int32_t(lane)) for lane in range(2)]
        return builder.fadd(*lanes, flags=FUSED)

    return types.float32(channel, o0, o1, o2, o3, step, w0, w1, w2, w3, low, high), generate


def _plain_prefetch(channel, offset):
    """Have the element at ``offset``, if there is one, brought near; nothing waits for it."""


@intrinsic
def _prefetch_line(_typing: Any, channel: Any, offset: Any) -> Any:
    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> ir.Value:
        data = context.make_array(signature.args[0])(context, builder, given[0]).data
        address = builder.bitcast(builder.gep(data, [given[1]]), cgutils.voidptr_t)
        options = [cgutils.int32_t(n) for n in (_READ, _OUTER_CACHE, _DATA)]
        kind = ir.FunctionType(ir.VoidType(), [address.type, *(n.type for n in options)])
        hint = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(hint, [address, *options])
        return context.get_dummy_value()

    return types.void(channel, offset), generate


#: Without compilation there are no registers, and under bounds checks every read must be seen.
PLAIN = bool(config.DISABLE_JIT or config.BOUNDSCHECK)

blend: Any
prefetch: Any
if PLAIN:
    blend = kernel(_plain_blend)
    prefetch = kernel(_plain_prefetch)
else:
    blend = _blend_in_lanes
    prefetch = _prefetch_line
