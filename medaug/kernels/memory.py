"""What LLVM does not find out by itself about the voxels that a gather loop reads.

The eight corners of a sample are four pairs of neighbours: :func:`blend` adds both halves up in the
lanes of one register. Where the channels of a voxel lie side by side, :func:`blend_four` reads four
of them at once. And where the next plane of a tile will read is known a plane ahead, while no
processor guesses it: :func:`prefetch` tells. ``make speed`` measures what each gives.

numba has no float16 on the CPU, but processors convert it as they load it: such voxels come as
uint16, with ``half`` true. Otherwise ``half`` is None, a type of its own, so that each compiles to
its own code.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic

from medaug.kernels.jit import kernel

#: Flags of the arithmetic: multiply and add in one step.
FUSED = ("contract",)
_READ, _OUTER_CACHE, _DATA = 0, 1, 1  # arguments of LLVM's prefetch


def _plain_blend(channel, half, o0, o1, o2, o3, step, w0, w1, w2, w3, low, high):  # noqa: ARG001  # in lanes it counts
    """Return ``low`` times the weighted sum of four voxels plus ``high`` times their neighbours'.

    Parameters
    ----------
    channel : array [n]
        float32 or an integer type of up to 16 bits.
    half : True or None
        The bits are those of float16. Never so without compilation, see ``READS_HALF``.
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


def _plain_blend_four(source, half, o0, o1, o2, o3, step, w0, w1, w2, w3, low, high):
    """Do what ``blend`` does for the four channels that lie side by side from each voxel on."""
    return (
        blend(source, half, o0, o1, o2, o3, step, w0, w1, w2, w3, low, high),
        blend(source[1:], half, o0, o1, o2, o3, step, w0, w1, w2, w3, low, high),
        blend(source[2:], half, o0, o1, o2, o3, step, w0, w1, w2, w3, low, high),
        blend(source[3:], half, o0, o1, o2, o3, step, w0, w1, w2, w3, low, high),
    )


def vector_of(builder: ir.IRBuilder, *entries: ir.Value) -> ir.Value:
    """Emit a vector of scalars."""
    vector = ir.Constant(ir.VectorType(entries[0].type, len(entries)), ir.Undefined)
    for place, entry in enumerate(entries):
        vector = builder.insert_element(vector, entry, cgutils.int32_t(place))
    return vector


def _as_floats(builder: ir.IRBuilder, values: ir.Value, dtype: Any, half: Any) -> ir.Value:
    """Emit the conversion of a vector of voxels of a numba ``dtype`` to float32."""
    lanes = values.type.count
    if half != types.none:
        halves = builder.bitcast(values, ir.VectorType(ir.HalfType(), lanes))
        return builder.fpext(halves, ir.VectorType(ir.FloatType(), lanes))
    if isinstance(dtype, types.Integer):
        convert = builder.sitofp if dtype.signed else builder.uitofp
        return convert(values, ir.VectorType(ir.FloatType(), lanes))
    return values


def _weighted_sum(builder: ir.IRBuilder, terms: list[tuple[ir.Value, ir.Value]]) -> ir.Value:
    """Emit the sum of vectors, each times a number."""
    total = None
    for values, weight in terms:
        term = builder.fmul(values, vector_of(builder, *[weight] * values.type.count), flags=FUSED)
        total = term if total is None else builder.fadd(total, term, flags=FUSED)
    return total


@intrinsic
def _blend_in_lanes(
    _typing: Any, channel: Any, half: Any, o0: Any, o1: Any, o2: Any, o3: Any, step: Any,
    w0: Any, w1: Any, w2: Any, w3: Any, low: Any, high: Any,
) -> Any:  # fmt: skip
    """Do what ``_plain_blend`` does, both sums in the lanes of one register."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> ir.Value:
        data = context.make_array(signature.args[0])(context, builder, given[0]).data
        pairs = []
        for offset in given[2:6]:
            first = builder.gep(data, [offset])
            second = builder.gep(first, [given[6]])
            pair = vector_of(builder, builder.load(first), builder.load(second))
            pairs.append(_as_floats(builder, pair, channel.dtype, half))
        total = _weighted_sum(builder, list(zip(pairs, given[7:11], strict=True)))
        total = builder.fmul(total, vector_of(builder, *given[11:13]), flags=FUSED)
        lanes = [builder.extract_element(total, cgutils.int32_t(lane)) for lane in range(2)]
        return builder.fadd(*lanes, flags=FUSED)

    return types.float32(channel, half, o0, o1, o2, o3, step, w0, w1, w2, w3, low, high), generate


@intrinsic
def _blend_four_in_lanes(
    _typing: Any, source: Any, half: Any, o0: Any, o1: Any, o2: Any, o3: Any, step: Any,
    w0: Any, w1: Any, w2: Any, w3: Any, low: Any, high: Any,
) -> Any:  # fmt: skip
    """Do what ``_plain_blend_four`` does, with one load for the four channels of a voxel."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> ir.Value:
        data = context.make_array(signature.args[0])(context, builder, given[0]).data
        four = ir.VectorType(data.type.pointee, 4)

        def load(address: ir.Value) -> ir.Value:
            # No alignment beyond that of an element may be promised.
            values = builder.load(builder.bitcast(address, four.as_pointer()))
            values.align = context.get_abi_sizeof(data.type.pointee)
            return _as_floats(builder, values, source.dtype, half)

        first = [builder.gep(data, [offset]) for offset in given[2:6]]
        second = [builder.gep(address, [given[6]]) for address in first]
        sums = [
            _weighted_sum(builder, list(zip(map(load, side), given[7:11], strict=True)))
            for side in (first, second)
        ]
        total = _weighted_sum(builder, list(zip(sums, given[11:13], strict=True)))
        lanes = [builder.extract_element(total, cgutils.int32_t(lane)) for lane in range(4)]
        return context.make_tuple(builder, signature.return_type, lanes)

    result = types.UniTuple(types.float32, 4)
    return result(source, half, o0, o1, o2, o3, step, w0, w1, w2, w3, low, high), generate


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

#: Whether voxels of float16 are read as they are: every ARM does, and Intel's kind since 2012.
READS_HALF = not PLAIN and (
    binding.get_process_triple().startswith(("aarch64", "arm64"))
    or bool(binding.get_host_cpu_features().get("f16c"))
)

blend: Any
blend_four: Any
prefetch: Any
if PLAIN:
    blend = kernel(_plain_blend)
    blend_four = kernel(_plain_blend_four)
    prefetch = kernel(_plain_prefetch)
else:
    blend = _blend_in_lanes
    blend_four = _blend_four_in_lanes
    prefetch = _prefetch_line
