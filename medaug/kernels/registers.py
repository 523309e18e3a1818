"""Lets LLVM use the widest registers of the processor.

For processors that once slowed down for it, LLVM halves them unless it is told otherwise. Loops of
arithmetic on voxels in the cache gain from the full width. Say so in the kernel that has the loop:
each is optimised by itself before it is inlined.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from medaug.kernels.jit import kernel
from medaug.kernels.memory import PLAIN

_ATTRIBUTE = '"prefer-vector-width"="512"'


def _plain_use_wide_registers():
    """Say, within an entry point, that its loops are to fill the widest registers."""


@intrinsic
def _use_wide_registers(_typing: Any) -> Any:
    def generate(context: Any, builder: ir.IRBuilder, _signature: Any, _given: Any) -> ir.Value:
        # llvmlite knows attributes of one word only, and writes out what is in the set.
        set.add(builder.function.attributes, _ATTRIBUTE)
        return context.get_dummy_value()

    return types.void(), generate


use_wide_registers: Any = kernel(_plain_use_wide_registers) if PLAIN else _use_wide_registers
