"""Writing past the caches, for results that are larger than those.

A plain store first reads the line that it writes to. A whole line at once, on its boundary, need
not: that saves a third of the traffic of a copy, and what comes next reads from memory anyway.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from medaug.buffers import LINE_BYTES
from medaug.kernels.jit import kernel
from medaug.kernels.memory import PLAIN
from medaug.typing import AnyArray

U = np.uintp  # unsigned indices: see medaug.kernels.gather
#: Below, a result stays in the cache of its core, where the next reader finds it.
_LEAST_BYTES = 1 << 22


def can_stream(out: AnyArray, row: int) -> bool:
    """Tell whether contiguous ``out`` is to be written by :func:`stream_line`.

    Parameters
    ----------
    out : array
    row : int
        Elements that are written in one go: they must fill whole lines.
    """
    whole_lines = row * out.itemsize % LINE_BYTES == 0 and out.ctypes.data % LINE_BYTES == 0
    return whole_lines and out.nbytes >= _LEAST_BYTES


def _plain_stream_line(row, k, out, at):
    """Write the line of ``row`` that begins at element ``k`` to element ``at`` of flat ``out``."""
    for lane in range(LINE_BYTES // out.itemsize):
        out[at + lane] = row[k + lane]


def _plain_settle():
    """Have other cores see all lines that were written."""


@intrinsic
def _stream_line(_typing: Any, row: Any, k: Any, out: Any, at: Any) -> Any:
    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> ir.Value:
        source, target = (
            context.make_array(signature.args[n])(context, builder, given[n]).data for n in (0, 2)
        )
        element = source.type.pointee
        size = context.get_abi_sizeof(element)
        line = ir.VectorType(element, LINE_BYTES // size).as_pointer()
        values = builder.load(builder.bitcast(builder.gep(source, [given[1]]), line))
        values.align = size
        store = builder.store(values, builder.bitcast(builder.gep(target, [given[3]]), line))
        store.align = LINE_BYTES
        once = builder.module.add_metadata([cgutils.int32_t(1)])
        store.set_metadata("nontemporal", once)
        return context.get_dummy_value()

    return types.void(row, k, out, at), generate


@intrinsic
def _settle(_typing: Any) -> Any:
    def generate(context: Any, builder: ir.IRBuilder, _signature: Any, _given: Any) -> ir.Value:
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), generate


stream_line: Any = kernel(_plain_stream_line) if PLAIN else _stream_line
settle: Any = kernel(_plain_settle) if PLAIN else _settle


@kernel
def write_row(row, out, at, past):
    """Write ``row`` to flat ``out`` from element ``at`` on, past the caches or through them."""
    if past:
        for k in range(U(0), U(row.shape[0]), U(LINE_BYTES // out.itemsize)):
            stream_line(row, k, out, at + k)
    else:
        for k in range(U(row.shape[0])):
            out[at + k] = row[k]
